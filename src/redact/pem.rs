//! Private keys: whole, cut off at either end, escaped into one line, or wrapped in base64 once more.

use super::{
    look::{at, line_end, run, run_back},
    rules::{Chars, Rule},
    scan::Scan,
};

/// The longest key, in bytes: RSA of 16,384 bits has some 12.7 KiB in this form.
const KEY_MAX: usize = 32 * 1024;
/// A line of a key has at least so many characters of base64, unless it is the last; RFC 7468 says 64.
const LINE_MIN: usize = 20;
/// How many backslashes stand before a line break that was escaped again and again: each time twice as many, and five times is more than
/// anybody does.
const ESCAPES_MAX: usize = 32;

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

impl Scan<'_> {
    pub(super) fn pem(&mut self, start: usize, end: usize) {
        let label = self.bytes.get(end..(end + 48).min(self.bytes.len())).unwrap_or_default();
        self.work += label.len();
        let Some(private) = memchr::memmem::find(label, b"PRIVATE") else { return };
        let between = label.get(..private).unwrap_or_default();
        if start < self.keys || memchr::memmem::find(between, b"--").is_some() {
            return;
        }
        let last = (start + KEY_MAX).min(self.bytes.len());
        let body = end + private;
        let footer = memchr::memmem::find(self.bytes.get(body..last).unwrap_or_default(), b"-----END").map(|found| body + found);
        let to = match footer {
            // The label of the footer, then five dashes.
            Some(footer) => {
                let label = run(self.bytes, footer + 8, 64, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'%' | b'+'));
                run(self.bytes, label, 5, |byte| byte == b'-')
            }
            None => self.cut_off(body, last),
        };
        self.work += to - start;
        self.keys = to;
        self.take(start, to, Rule::PrivateKey);
    }

    /// Where a key without its end ends: before the first line that does not look like one of its lines.
    fn cut_off(&self, body: usize, last: usize) -> usize {
        let bytes = self.bytes;
        // The rest of the header: ` KEY-----`, and whatever a query makes of the space.
        let header = run(bytes, body, 40, |byte| byte != b'\n' && byte != b'\\' && byte != b'"');
        if at(bytes, header) != b'\n' && at(bytes, header) != b'\r' {
            let to = run(bytes, header, last - header.min(last), |byte| byte != b'\n' && !matches!(byte, b'"' | b'\''));
            return run_back(bytes, to, to - body, |byte| byte == b'\\').max(header.min(to));
        }
        let mut index = line_end(bytes, header) + 1;
        let mut to = header;
        while index < last {
            let end = line_end(bytes, index).min(last);
            let line = bytes.get(index..end).unwrap_or_default();
            let whole = line.iter().all(|byte| base64(*byte) || byte.is_ascii_whitespace());
            let headed = line.starts_with(b"Proc-Type") || line.starts_with(b"DEK-Info");
            if !(whole || headed || longest(line) >= LINE_MIN) {
                break;
            }
            to = end;
            index = end + 1;
        }
        to
    }

    /// A footer whose header was cut off: the base64 before it.
    pub(super) fn pem_end(&mut self, start: usize, end: usize) {
        let label = self.bytes.get(end..(end + 48).min(self.bytes.len())).unwrap_or_default();
        self.work += label.len();
        if start < self.keys || memchr::memmem::find(label, b"PRIVATE").is_none() {
            return;
        }
        let low = start.saturating_sub(KEY_MAX);
        let mut from = start;
        loop {
            // The indent of the line, and the line break before it where that is escaped.
            let indent = run_back(self.bytes, from, 8, |byte| byte.is_ascii_whitespace());
            let escaped = indent >= 2 && at(self.bytes, indent - 1) == b'n' && at(self.bytes, indent - 2) == b'\\';
            let gap = if escaped { run_back(self.bytes, indent - 1, ESCAPES_MAX, |byte| byte == b'\\') } else { indent };
            let text = run_back(self.bytes, gap, gap.saturating_sub(low), base64);
            // The first letter of a line can be that of the escape before it.
            let text = if at(self.bytes, text.wrapping_sub(1)) == b'\\' && at(self.bytes, text) == b'n' { text + 1 } else { text };
            if gap - text.min(gap) < LINE_MIN && from != start || text >= gap {
                break;
            }
            from = text;
        }
        self.work += start - from;
        if from < start {
            self.take(from, start, Rule::PrivateKey);
        }
    }

    /// `LS0tLS1CRUdJTi…`: a PEM in base64, as kubeconfig files keep it. Certificates are public and stay.
    pub(super) fn pem_base64(&mut self, start: usize) {
        let last = run(self.bytes, start, 2 * KEY_MAX, |byte| Chars::Base64.has(byte));
        self.work += 64.min(last - start);
        let label = self.part(start, last.min(start + 64));
        // "PRIVATE KEY" at each of the three offsets that base64 knows.
        let private = ["UFJJVkFURSBL", "BSSVZBVEUgS0", "QUklWQVRFIEtF"].iter().any(|part| label.contains(part));
        if private && start >= self.keys {
            self.work += last - start;
            self.keys = last;
            self.take(start, last, Rule::PrivateKey);
        }
    }
}

/// The longest run of base64 in a line.
fn longest(line: &[u8]) -> usize {
    line.split(|byte| !base64(*byte)).map(<[u8]>::len).max().unwrap_or(0)
}
