//! `sre-agent logs`: mine a log file.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    analysis::logs::{
        anomalies,
        templates::{Miner, Templates},
    },
    model::observation::LogStream,
    tools::bundle::{logs, mongod},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The log file; gzip is fine
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print `line_number<TAB>template_id` per line, then `---` and the templates
    #[arg(long, conflicts_with = "anomalies")]
    templates: bool,
    /// Print what is new, rare and wrong (the default)
    #[arg(long)]
    anomalies: bool,
}

/// Most bytes that are read, unpacked: the limit of a bundle.
const LIMIT: u64 = 2 << 30;

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text = read(&args.file)?;
    let source = args.file.display().to_string();
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if args.templates { templates(&source, &text, &mut out) } else { report(&source, &text, &mut out) };
    match written.and_then(|()| out.flush()) {
        // the reader (`head`) has seen enough
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        result => result.map(|()| ExitCode::SUCCESS).context("cannot write the result"),
    }
}

/// The whole file as text, unpacked where it is gzip; a bar on a terminal's stderr while it is read.
fn read(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let size = file.metadata().map(|meta| meta.len()).unwrap_or(0);
    // indicatif draws nothing where stderr is no terminal
    let bar = if size > 8 << 20 { ProgressBar::new(size) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes}") {
        bar.set_style(style);
    }
    bar.set_message("reading");
    let mut bytes = Vec::new();
    bar.wrap_read(file).take(LIMIT).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    bar.finish_and_clear();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .take(LIMIT)
            .read_to_end(&mut unpacked)
            .with_context(|| format!("cannot unpack {}", path.display()))?;
        bytes = unpacked;
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn stream(source: &str, text: &str) -> LogStream {
    mongod::read(source, text).or_else(|| logs::read(source, text)).unwrap_or_default()
}

fn mine(stream: &LogStream) -> Templates {
    let mut miner = Miner::default();
    for line in &stream.lines {
        miner.add(&line.text);
    }
    miner.finish()
}

fn templates(source: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    let stream = stream(source, text);
    let found = mine(&stream);
    // a continuation has its record's template; lines before the first record have the first one's
    let mut records = stream.lines.iter().zip(&found.of_line).peekable();
    let mut current = found.of_line.first().copied().unwrap_or(0);
    let mut row = Vec::with_capacity(24);
    for number in (1_u32..).take(text.lines().count()) {
        while let Some((_, id)) = records.next_if(|(line, _)| line.number <= number) {
            current = *id;
        }
        row.clear();
        writeln!(row, "{number}\tT{}", current + 1)?;
        out.write_all(&row)?;
    }
    writeln!(out, "---")?;
    for (index, template) in found.templates.iter().enumerate() {
        writeln!(out, "T{}\t{}\t{}", index + 1, template.count, template.text)?;
    }
    Ok(())
}

fn report(source: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    let stream = stream(source, text);
    let mined = mine(&stream);
    let found = anomalies::find(&stream, &mined);
    write!(out, "{}", anomalies::render(&stream, &mined, &found))
}
