//! Secrets as manifests of Kubernetes: in `kind: Secret` every value under `data` and `stringData` is one.

use super::{
    look::{SLASHES, at, line_end, line_start, quote, quoted_end, run, run_back},
    rules::Rule,
    scan::{REACH, Scan},
};

/// How far a manifest goes around its kind, in bytes: a Secret holds at most 1 MiB, most are far smaller.
const MANIFEST_MAX: usize = 256 * 1024;

impl Scan<'_> {
    /// Whether the word is the value of a field `kind`, quoted or not, and nothing else.
    pub(super) fn is_kind(&self, start: usize, end: usize) -> bool {
        if !matches!(self.part(start, end), "Secret" | "SecretList") {
            return false;
        }
        let skip = |byte: u8| matches!(byte, b' ' | b'"' | b'\'' | b'\\');
        let colon = run_back(self.bytes, start, SLASHES, skip);
        let name = run_back(self.bytes, colon.saturating_sub(1), SLASHES, skip);
        self.bytes.get(..colon).is_some_and(|head| head.ends_with(b":")) && self.part(name.saturating_sub(4), name) == "kind"
    }
}

/// Takes the values of the manifest whose kind stands at `start..end`.
pub(super) fn manifest(scan: &mut Scan<'_>, start: usize, end: usize) {
    if start < scan.manifests {
        return;
    }
    let line = line_start(scan.bytes, start);
    let flow = quote(scan.bytes, end).is_some() && scan.part(line, start).contains(['"', '{']);
    if flow { objects(scan, start) } else { block(scan, line) }
}

/// JSON, or YAML that looks like it: every object called `data` or `stringData` around the kind, in whatever escaping.
fn objects(scan: &mut Scan<'_>, start: usize) {
    let from = start.saturating_sub(MANIFEST_MAX);
    let to = (start + MANIFEST_MAX).min(scan.bytes.len());
    scan.manifests = to;
    scan.work += to - from;
    let bytes = scan.bytes;
    let mut index = from;
    while let Some(found) = memchr::memmem::find(bytes.get(index..to).unwrap_or_default(), b"ata").map(|found| index + found) {
        index = found + 3;
        let name = run_back(bytes, index, 12, |byte| byte.is_ascii_alphabetic());
        if !matches!(bytes.get(name..index), Some(b"data" | b"stringData")) {
            continue;
        }
        let Some(close) = quote(bytes, index) else { continue };
        let colon = run(bytes, close.inside, 8, |byte| matches!(byte, b' ' | b':'));
        if at(bytes, colon) == b'{' && colon > close.inside {
            index = object(scan, colon + 1);
        }
    }
}

/// The text values of one flat object; returns where it ends.
fn object(scan: &mut Scan<'_>, from: usize) -> usize {
    let gap = |index: usize| {
        let mut index = index;
        loop {
            let next = run(scan.bytes, index, REACH, |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b','));
            let next = if matches!(scan.bytes.get(next..next + 2), Some(b"\\n" | b"\\t")) { next + 2 } else { next };
            if next == index {
                return index;
            }
            index = next;
        }
    };
    let mut index = from;
    let mut taken = Vec::new();
    while let Some(name) = quote(scan.bytes, gap(index)) {
        let (end, _) = quoted_end(scan.bytes, name, REACH);
        let Some(close) = quote(scan.bytes, end) else { break };
        let colon = run(scan.bytes, close.inside, 8, |byte| matches!(byte, b' ' | b':'));
        let Some(open) = quote(scan.bytes, colon) else {
            // `null`, a number or a nested object: nothing to hide, or nothing that a Secret has.
            index = run(scan.bytes, colon, 64, |byte| byte.is_ascii_alphanumeric());
            if index == colon {
                break;
            }
            continue;
        };
        let (end, closed) = quoted_end(scan.bytes, open, MANIFEST_MAX);
        taken.push((open.inside, end));
        index = quote(scan.bytes, end).map_or(end, |close| close.inside);
        if !closed || index <= open.inside {
            break;
        }
    }
    for (start, end) in taken {
        scan.take(start, end, Rule::Kubernetes);
    }
    index.max(from)
}

/// YAML in blocks: the fields `data` and `stringData` at the indentation of the kind, in the same document and the same item.
fn block(scan: &mut Scan<'_>, line: usize) {
    let bytes = scan.bytes;
    let level = key(bytes, line) - line;
    let mut from = line;
    let low = line.saturating_sub(MANIFEST_MAX);
    // An item of a list begins with a dash; its first field stands at the level of the others.
    while from > low && !dashed(bytes, from) {
        let above = line_start(bytes, from - 1);
        let ends = bytes.get(above..from).is_some_and(|text| text.starts_with(b"---"));
        if ends || (!blank(bytes, above) && key(bytes, above) - above < level) {
            break;
        }
        from = above;
    }
    let mut index = from;
    let mut first = true;
    let high = (line + MANIFEST_MAX).min(bytes.len());
    while index < high {
        let (end, inside) = (line_end(bytes, index), key(bytes, index));
        let document = bytes.get(index..end).is_some_and(|text| text.starts_with(b"---"));
        let outside = !blank(bytes, index) && (inside - index < level || (!first && dashed(bytes, index) && inside - index == level));
        if index > line && (document || outside) {
            break;
        }
        first = false;
        let name_end = run(bytes, inside, 16, |byte| byte.is_ascii_alphabetic());
        if inside - index == level && at(bytes, name_end) == b':' && matches!(bytes.get(inside..name_end), Some(b"data" | b"stringData")) {
            let below = deeper(bytes, end + 1, level);
            values(scan, end + 1, below);
            index = below.max(end + 1);
        } else {
            index = end + 1;
        }
    }
    scan.work += index.min(bytes.len()) - from;
    scan.manifests = index;
}

/// The values of the fields in these lines; what stands deeper than the fields belongs to the value above it.
fn values(scan: &mut Scan<'_>, from: usize, to: usize) {
    let bytes = scan.bytes;
    let level = indent(bytes, from);
    let mut index = from;
    while index < to {
        let end = line_end(bytes, index).min(to);
        let start = index + indent(bytes, index);
        let value = if start - index > level {
            start
        } else {
            let colon = memchr::memchr(b':', bytes.get(start..end).unwrap_or_default()).map_or(end, |found| start + found + 1);
            run(bytes, colon, REACH, |byte| byte == b' ').min(end)
        };
        let value = match quote(bytes, value) {
            Some(open) if open.inside < end => (open.inside, quoted_end(bytes, open, MANIFEST_MAX).0.min(end)),
            _ if matches!(at(bytes, value), b'|' | b'>') && end - value <= 3 => (end, end),
            _ => (value, end),
        };
        let to_end = run_back(bytes, value.1, 4, |byte| matches!(byte, b' ' | b'\r'));
        scan.take(value.0, to_end.max(value.0), Rule::Kubernetes);
        index = end + 1;
    }
}

/// Spaces at the beginning of the line.
pub(super) fn indent(bytes: &[u8], line: usize) -> usize {
    run(bytes, line, REACH, |byte| byte == b' ') - line
}

/// Where the first field of the line begins: behind the spaces and the dash of an item.
fn key(bytes: &[u8], line: usize) -> usize {
    run(bytes, line, REACH, |byte| matches!(byte, b' ' | b'-'))
}

fn dashed(bytes: &[u8], line: usize) -> bool {
    let start = line + indent(bytes, line);
    at(bytes, start) == b'-' && at(bytes, start + 1) == b' '
}

fn blank(bytes: &[u8], line: usize) -> bool {
    matches!(at(bytes, line + indent(bytes, line)), b'\n' | b'\r' | 0)
}

/// Where the lines that are indented deeper than `level` end; blank lines belong to them.
pub(super) fn deeper(bytes: &[u8], from: usize, level: usize) -> usize {
    let mut index = from.min(bytes.len());
    while index < bytes.len() && (blank(bytes, index) || indent(bytes, index) > level) {
        index = (line_end(bytes, index) + 1).min(bytes.len());
    }
    index
}
