//! Numbers of payment cards, by issuer, length and check digit, and e-mail addresses where they are unwanted.

use super::{
    look::{at, before, begins_word, run, run_back},
    rules::Rule,
    scan::Scan,
};

/// Last parts of names whose long numbers are no cards.
const IDS: &[&str] = &[
    "id",
    "ids",
    "uid",
    "gid",
    "pid",
    "tid",
    "trace",
    "span",
    "seq",
    "sequence",
    "offset",
    "ts",
    "time",
    "timestamp",
    "date",
    "at",
    "ns",
    "nanos",
    "us",
    "micros",
    "ms",
    "bytes",
    "size",
    "count",
    "total",
    "version",
    "revision",
    "generation",
    "hash",
    "digest",
    "lsn",
    "xid",
    "txn",
    "term",
    "index",
    "memory",
    "limit",
    "usage",
    "cursor",
    "session",
    "request",
    "duration",
    "length",
    "value",
    "port",
    "epoch",
    "nonce",
    "serial",
    "usec",
    "nsec",
    "capacity",
    "used",
    "free",
];

/// The groups in which numbers are printed.
const GROUPS: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3]];

/// Whether digits stand in the text that could be a card.
pub(super) fn any(bytes: &[u8]) -> bool {
    next(bytes, 0).is_some()
}

/// Takes every card in the text.
pub(super) fn cards(scan: &mut Scan<'_>) {
    let mut index = 0;
    while let Some((start, end)) = next(scan.bytes, index) {
        if !identifier(scan, start, end) {
            scan.take(start, end, Rule::Card);
        }
        index = end;
    }
}

/// The next number that passes every check but that of its name.
fn next(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut index = from;
    while index < bytes.len() {
        // Cards begin with 2 to 6.
        let found = bytes.get(index..)?.iter().position(u8::is_ascii_digit)?;
        let start = index + found;
        let end = run(bytes, start, usize::MAX, |byte| byte.is_ascii_digit());
        index = end;
        let card = match end - start {
            13..=19 => Some(end),
            4 => grouped(bytes, start),
            _ => None,
        };
        let Some(end) = card else { continue };
        let last = before(bytes, start);
        let led = (begins_word(bytes, start) && !matches!(last, b'.' | b'_' | b'+' | b'-' | b'#' | b'@' | b'$')) || start == 0;
        let follows = at(bytes, end);
        let ended = !(follows.is_ascii_alphanumeric()
            || follows == b'_'
            || (matches!(follows, b'-' | b'.' | b' ' | b':') && at(bytes, end + 1).is_ascii_digit()));
        if led && ended && !digit_before(bytes, start) && plausible(bytes.get(start..end)?) {
            return Some((start, end));
        }
    }
    None
}

/// Whether a group of digits stands before, one mark away: then this is the middle of a longer number.
fn digit_before(bytes: &[u8], start: usize) -> bool {
    matches!(before(bytes, start), b' ' | b'-' | b':' | b'/') && before(bytes, start.saturating_sub(1)).is_ascii_digit() && start >= 2
}

/// Where a number in groups ends.
fn grouped(bytes: &[u8], start: usize) -> Option<usize> {
    let mark = at(bytes, start + 4);
    if !matches!(mark, b' ' | b'-') {
        return None;
    }
    // The longest form first: nineteen digits begin like sixteen.
    GROUPS.iter().rev().find_map(|groups| {
        let mut index = start;
        for (nth, size) in groups.iter().enumerate() {
            if nth > 0 {
                if at(bytes, index) != mark {
                    return None;
                }
                index += 1;
            }
            let end = run(bytes, index, 20, |byte| byte.is_ascii_digit());
            if end - index != *size {
                return None;
            }
            index = end;
        }
        Some(index)
    })
}

/// Issuer, length and check digit (ISO/IEC 7812-1).
fn plausible(text: &[u8]) -> bool {
    let mut digits = [0u8; 19];
    let mut count = 0;
    for (slot, digit) in digits.iter_mut().zip(text.iter().filter(|byte| byte.is_ascii_digit())) {
        *slot = digit - b'0';
        count += 1;
    }
    let digits = digits.get(..count).unwrap_or_default();
    issued(digits) && luhn(digits)
}

fn issued(digits: &[u8]) -> bool {
    let head = |many: usize| digits.iter().take(many).fold(0u32, |sum, digit| sum * 10 + u32::from(*digit));
    match (head(1), digits.len()) {
        // Visa
        (4, 13 | 16 | 19) => true,
        // Mastercard
        (5, 16) => (51..=55).contains(&head(2)),
        (2, 16) => (2221..=2720).contains(&head(4)),
        // American Express
        (3, 15) => matches!(head(2), 34 | 37),
        // Diners Club, JCB
        (3, 14) => matches!(head(2), 36 | 38 | 39) || (300..=305).contains(&head(3)),
        (3, 16) => (3528..=3589).contains(&head(4)),
        // Discover, UnionPay
        (6, 16) => head(4) == 6011 || head(2) == 65 || (644..=649).contains(&head(3)) || head(2) == 62,
        (6, 17..=19) => head(2) == 62,
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(nth, digit)| {
            let value = u32::from(*digit) << (nth % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| Some(digit) != digits.first())
}

/// Whether the name before the number says that it is an id, a time or an amount. Lengths that hardly any card has need a name that says card.
fn identifier(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let joint = run_back(scan.bytes, start, 8, |byte| matches!(byte, b'"' | b'\'' | b'\\' | b' ' | b':' | b'=' | b'(' | b'['));
    let name_start = run_back(scan.bytes, joint, 64, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    let name = if joint == 0 { scan.field } else { scan.part(name_start, joint) };
    if !(14..=16).contains(&(end - start)) && scan.part(start, end).bytes().all(|byte| byte.is_ascii_digit()) {
        let lower = name.to_ascii_lowercase();
        return !["card", "pan", "visa", "credit", "unionpay"].iter().any(|word| lower.contains(word));
    }
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    // `traceId`, `resourceVersion`: the last capital begins the last part.
    let camel = last.rfind(|c: char| c.is_ascii_uppercase()).and_then(|at| last.get(at..)).filter(|part| part.len() > 1).unwrap_or(last);
    [last, camel].iter().any(|part| IDS.contains(&part.to_ascii_lowercase().as_str()) || part.to_ascii_lowercase().ends_with("id"))
}

/// Takes every e-mail address in the text.
pub(super) fn emails(scan: &mut Scan<'_>) {
    for found in memchr::memchr_iter(b'@', scan.bytes) {
        let name = run_back(scan.bytes, found, 64, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-'));
        let mut end = run(scan.bytes, found + 1, 253, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        end = run_back(scan.bytes, end, end - found, |byte| matches!(byte, b'.' | b'-'));
        let name = name + run(scan.bytes, name, 64, |byte| byte == b'.') - name;
        let top = scan.part(found + 1, end.max(found + 1)).rsplit_once('.').map_or("", |(_, top)| top);
        if name < found && top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) && scan.part(name, found) != "git" {
            scan.take(name, end, Rule::Email);
        }
    }
}
