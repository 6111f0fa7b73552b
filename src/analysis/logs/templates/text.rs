//! A template as text for people, with punctuation as they set it.

use super::{VALUE as PLACEHOLDER, mask::VALUE};

/// The words with their placeholders, where `values` says that a place is one; runs of placeholders are one.
pub fn render(tokens: &[&[u8]], values: &[bool]) -> String {
    let mut line = Line::default();
    let mut after_value = false;
    for (at, (token, value)) in tokens.iter().zip(values).enumerate() {
        let is_value = *value || **token == [VALUE];
        if is_value && after_value {
            continue;
        }
        after_value = is_value;
        match *token {
            _ if is_value => line.word(PLACEHOLDER),
            // `file(s)`, `call()`
            b"(" if tokens.get(at + 1).is_some_and(|next| *next == b")") || matches!(tokens.get(at + 1..at + 3), Some([b"s", b")"])) => {
                line.glue("(");
            }
            b"(" | b"[" | b"{" => line.open(token),
            b"<" if tokens.iter().skip(at).any(|later| *later == b">") => line.open(token),
            b"=" | b"#" => line.glue(&String::from_utf8_lossy(token)),
            b"," | b":" | b";" | b")" | b"]" | b"}" | b">" | b"?" | b"!" | b"." | b".." => line.close(token),
            // `can't`
            b"'" if is_elision(at.checked_sub(1).and_then(|before| tokens.get(before)), tokens.get(at + 1)) => line.glue("'"),
            b"\"" | b"'" | b"`" => line.quote(token),
            token => line.word(&String::from_utf8_lossy(token)),
        }
    }
    line.text
}

/// Between `can` and `t`.
fn is_elision(before: Option<&&[u8]>, after: Option<&&[u8]>) -> bool {
    before.is_some_and(|word| word.iter().all(u8::is_ascii_alphabetic))
        && after.is_some_and(|word| matches!(*word, b"t" | b"s" | b"re" | b"ll" | b"ve" | b"d" | b"m"))
}

#[derive(Default)]
struct Line {
    text: String,
    /// The next token stands close to what is there.
    close: bool,
    /// Quotes that wait for their end.
    quotes: Vec<u8>,
}

impl Line {
    fn word(&mut self, text: &str) {
        if !self.close && !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.close = false;
    }

    fn open(&mut self, mark: &[u8]) {
        self.word(&String::from_utf8_lossy(mark));
        self.close = true;
    }

    fn close(&mut self, mark: &[u8]) {
        self.close = true;
        self.word(&String::from_utf8_lossy(mark));
    }

    fn glue(&mut self, mark: &str) {
        self.close = true;
        self.word(mark);
        self.close = true;
    }

    fn quote(&mut self, mark: &[u8]) {
        let mark = mark.first().copied().unwrap_or(b'"');
        if self.quotes.last() == Some(&mark) {
            self.quotes.pop();
            self.close(&[mark]);
        } else {
            self.quotes.push(mark);
            self.open(&[mark]);
        }
    }
}
