//! Columns before and behind the time: record numbers, nodes, components.

use super::{Header, is_column, time};

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
    let (word, rest) = text.split_once(" (")?;
    let (name, pid) = word.strip_suffix(']')?.split_once('[')?;
    let end = rest.get(..rest.floor_char_boundary(160))?.find("): ")?;
    (is_number(pid) && !name.contains(' ')).then_some((name, word.len() + 2 + end + 2))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}
