//! `sre-agent logs`: mine a log file, line by line, whatever its size.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    analysis::logs::{anomalies::Watch, templates::Miner},
    model::observation::LogLine,
    tools::bundle::{logs, mongod},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The log file; gzip is fine; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print `line_number<TAB>template_id` per line, then `---` and the templates
    #[arg(long, conflicts_with = "anomalies")]
    templates: bool,
    /// Print what is new, rare and wrong (the default)
    #[arg(long)]
    anomalies: bool,
}

/// How much is read at once.
const BUFFER: usize = 1 << 20;
/// What of one line is looked at; the rest is passed over.
const LINE_MAX: usize = 64 << 10;
/// A bar is shown for files from this size on.
const WORTH_A_BAR: u64 = 8 << 20;
/// Rows of one piece of memory, so that growing never copies what is there.
const PIECE: usize = 1 << 20;

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut lines = open(&args.file)?;
    let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let written = if args.templates { templates(&mut lines, &mut out) } else { report(&mut lines, &mut out) };
    lines.bar.finish_and_clear();
    match written.and_then(|()| out.flush()) {
        // the reader (`head`) has seen enough
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        result => result.map(|()| ExitCode::SUCCESS).with_context(|| format!("mining {}", args.file.display())),
    }
}

/// The lines of a file, one at a time, in one buffer.
struct Lines {
    reader: Box<dyn BufRead>,
    bar: ProgressBar,
    line: Vec<u8>,
    text: String,
    number: u32,
}

/// Opens the file, unpacks gzip, and shows a bar on a terminal's stderr.
fn open(path: &Path) -> anyhow::Result<Lines> {
    let (input, size): (Box<dyn Read>, u64) = if path == Path::new("-") {
        (Box::new(io::stdin()), 0)
    } else {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let size = file.metadata().map(|meta| meta.len()).unwrap_or(0);
        (Box::new(file), size)
    };
    // indicatif draws nothing where stderr is no terminal
    let bar = if size > WORTH_A_BAR { ProgressBar::new(size) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    bar.set_message("mining");
    let mut reader = BufReader::with_capacity(BUFFER, bar.wrap_read(input));
    let packed = reader.fill_buf().with_context(|| format!("cannot read {}", path.display()))?.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn BufRead> =
        if packed { Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(reader))) } else { Box::new(reader) };
    Ok(Lines { reader, bar, line: Vec::new(), text: String::new(), number: 0 })
}

impl Lines {
    /// The next line with its number; of a very long one the beginning.
    fn next(&mut self) -> io::Result<Option<(u32, &str)>> {
        self.line.clear();
        let mut any = false;
        loop {
            let block = self.reader.fill_buf()?;
            if block.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', block);
            let taken = end.unwrap_or(block.len());
            let room = LINE_MAX.saturating_sub(self.line.len()).min(taken);
            self.line.extend_from_slice(block.get(..room).unwrap_or(block));
            self.reader.consume(end.map_or(taken, |end| end + 1));
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let line = match std::str::from_utf8(&self.line) {
            Ok(line) => line,
            Err(_) => {
                self.text.clear();
                self.text.push_str(&String::from_utf8_lossy(&self.line));
                &self.text
            }
        };
        Ok(Some((self.number, line.trim_end_matches('\r'))))
    }
}

/// The beginning of a log is looked at to know whose it is.
const SNIFFED_LINES: usize = 40;

/// Hands every record to `take`, and the number of every line to `row`, in the order of the file.
fn records(lines: &mut Lines, mut event: impl FnMut(Event<'_>)) -> io::Result<()> {
    let mut head: Vec<(u32, String)> = Vec::new();
    while head.len() < SNIFFED_LINES {
        let Some((number, line)) = lines.next()? else { break };
        head.push((number, line.to_owned()));
    }
    let text = head.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
    let mongod = mongod::is_mongod(&text);
    let mut reader = logs::Reader::lean();
    let mut one = |number: u32, line: &str| {
        if mongod {
            if let Some(mut record) = mongod::parse(number, line) {
                event(Event::Record(&mut record));
            }
        } else {
            reader.line(number, line, &mut |record| event(Event::Record(record)));
        }
        event(Event::Line);
    };
    for (number, line) in &head {
        one(*number, line);
    }
    drop(head);
    while let Some((number, line)) = lines.next()? {
        one(number, line);
    }
    reader.finish(&mut |record| event(Event::Record(record)));
    Ok(())
}

enum Event<'a> {
    /// A record is complete; a text log's come one line late.
    Record(&'a mut LogLine),
    /// One more line was read.
    Line,
}

/// The pattern of every line, in pieces.
#[derive(Default)]
struct Rows {
    pieces: Vec<Vec<u32>>,
    count: u32,
}

impl Rows {
    fn push(&mut self, pattern: u32) {
        self.count += 1;
        match self.pieces.last_mut() {
            Some(piece) if piece.len() < PIECE => piece.push(pattern),
            _ => {
                let mut piece = Vec::with_capacity(if self.pieces.is_empty() { 4_096 } else { PIECE });
                piece.push(pattern);
                self.pieces.push(piece);
            }
        }
    }
}

fn templates(lines: &mut Lines, out: &mut impl Write) -> io::Result<()> {
    let mut miner = Miner::default();
    let mut rows = Rows::default();
    // a continuation has its record's template; lines before the first record have the first one's
    let (mut current, mut total) = (0, 0_u32);
    records(lines, |event| match event {
        Event::Record(record) => {
            while rows.count + 1 < record.number {
                rows.push(current);
            }
            current = miner.pattern(&record.text);
        }
        Event::Line => total += 1,
    })?;
    while rows.count < total {
        rows.push(current);
    }
    let full = miner.is_full();
    let (texts, of_pattern) = miner.templates();
    let mut counts: Vec<u32> = vec![0; texts.len()];
    let mut row = Row::default();
    for pattern in rows.pieces.iter().flatten() {
        let template = of_pattern.get(*pattern as usize).copied().unwrap_or(0);
        if let Some(count) = counts.get_mut(template as usize) {
            *count += 1;
        }
        row.write(template + 1, out)?;
    }
    writeln!(out, "---")?;
    for (index, (text, count)) in texts.iter().zip(&counts).enumerate() {
        writeln!(out, "T{}\t{count}\t{text}", index + 1)?;
    }
    if full {
        eprintln!("note: more different lines than are kept apart; the later ones share one template");
    }
    Ok(())
}

/// Writes `number<TAB>Tid` rows; the number counts itself.
#[derive(Default)]
struct Row {
    /// The line's number in decimal digits.
    digits: Vec<u8>,
    buffer: Vec<u8>,
}

impl Row {
    fn write(&mut self, template: u32, out: &mut impl Write) -> io::Result<()> {
        let carried = self.digits.iter().rev().take_while(|digit| **digit == b'9').count();
        let length = self.digits.len();
        for digit in self.digits.iter_mut().skip(length - carried) {
            *digit = b'0';
        }
        match length.checked_sub(carried + 1).and_then(|at| self.digits.get_mut(at)) {
            Some(digit) => *digit += 1,
            None => self.digits.insert(0, b'1'),
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(&self.digits);
        self.buffer.extend_from_slice(b"\tT");
        let mut rest = template;
        let mut place = 1;
        while rest / place >= 10 {
            place *= 10;
        }
        while place > 0 {
            self.buffer.push(b'0' + u8::try_from(rest / place).unwrap_or(0));
            rest %= place;
            place /= 10;
        }
        self.buffer.push(b'\n');
        out.write_all(&self.buffer)
    }
}

fn report(lines: &mut Lines, out: &mut impl Write) -> io::Result<()> {
    let mut watch = Watch::default();
    records(lines, |event| {
        if let Event::Record(record) = event {
            watch.add(record);
        }
    })?;
    write!(out, "{}", watch.report())
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn rows_count_themselves() {
        let mut out = Vec::new();
        let mut row = Row::default();
        for template in 1..=101 {
            row.write(template, &mut out).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        let expected: String = (1..=101).map(|n| format!("{n}\tT{n}\n")).collect();
        assert_eq!(text, expected);
    }
}
