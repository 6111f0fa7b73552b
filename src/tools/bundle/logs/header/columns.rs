//! Columns before and behind the time: record numbers, nodes, components.

use super::{Header, is_column, time};
use crate::model::observation::Level;

/// A full time behind up to four columns: a file's name, a record's number, a node.
pub fn late_timestamp(head: &mut Header<'_>) {
    let line = head.message;
    if !line.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric()) {
        return;
    }
    // behind a record's number any word is a column
    let numbered = line.split(' ').next().is_some_and(is_number);
    let mut from = 0;
    for _ in 0..4 {
        let word = line.get(from..).unwrap_or("").split(' ').next().unwrap_or("");
        if word.is_empty() || !(numbered || is_column(word)) || word.ends_with([':', ',']) || word.contains('=') {
            return;
        }
        from += word.len() + 1;
        let rest = line.get(from..).unwrap_or("");
        if let Some((Some(stamp), length)) = time::scan(rest)
            && rest.as_bytes().get(length) == Some(&b' ')
        {
            head.time = Some(stamp);
            head.timed = true;
            head.message = rest.get(length + 1..).unwrap_or("");
            return;
        }
    }
}

/// `ALERTTAG 1117838570 …`: the line from its time on, where supercomputers tag a line before it.
pub fn behind_tag(line: &str) -> &str {
    let tag = line.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-')).count();
    match line.get(tag..).and_then(|rest| rest.strip_prefix(' ')) {
        Some(rest) if tag > 3 && rest.split(' ').next().is_some_and(|word| word.len() == 10 && is_number(word)) => rest,
        _ => line,
    }
}

/// `Component|30002312|message` behind a time that ended with `|` as well.
pub fn piped(head: &mut Header<'_>) {
    let mut columns = head.message.splitn(3, '|');
    if let (Some(name), Some(pid), Some(message)) = (columns.next(), columns.next(), columns.next())
        && is_number(pid.trim())
        && !name.is_empty()
        && !name.trim().contains(' ')
    {
        head.service = name.trim();
        head.message = message;
    }
}

/// `launchd[1] (what it is about): message`: the name and the length up to the colon.
pub fn program_about(text: &str) -> Option<(&str, usize)> {
    let (word, rest) = text.split_once(' ')?;
    let (name, pid) = word.strip_suffix(']')?.split_once('[')?;
    let rest = rest.strip_prefix('(')?;
    let end = rest.get(..rest.floor_char_boundary(160))?.find("): ")?;
    is_number(pid).then_some((name, word.len() + 2 + end + 2))
}

/// `<22>` of syslog with its severity; `true` when the columns of RFC 5424 follow.
pub fn priority(head: &mut Header<'_>) -> bool {
    let Some((number, rest)) = head.message.strip_prefix('<').and_then(|inner| inner.split_once('>')) else { return false };
    let Some(priority) = (number.len() <= 3 && is_number(number)).then(|| number.parse::<u16>().unwrap_or(0)) else { return false };
    head.level = Some(match priority % 8 {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        7 => Level::Debug,
        _ => Level::Info,
    });
    let versioned = rest.strip_prefix("1 ");
    head.message = versioned.unwrap_or(rest);
    versioned.is_some()
}

/// `host program 123 id [data] message` behind the time of RFC 5424.
pub fn syslog(head: &mut Header<'_>) {
    let mut columns = head.message.trim_start().splitn(5, ' ');
    if let (Some(_host), Some(program), Some(_pid), Some(_id), Some(rest)) =
        (columns.next(), columns.next(), columns.next(), columns.next(), columns.next())
    {
        head.service = program;
        let data = rest.strip_prefix('[').and_then(|data| data.find("] ")).map_or(0, |end| end + 2);
        head.message = rest.get(data..).unwrap_or(rest).trim_start_matches("- ").trim_start_matches('\u{feff}');
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}
