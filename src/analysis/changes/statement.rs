//! One line of code as its frame and the values in it, whatever the language.

use super::effect::{Effect, is_talk, similar};

/// One line as its frame and the values in it.
pub struct Statement<'a> {
    frame: String,
    values: Vec<&'a str>,
    words: Vec<&'a str>,
    name: &'a str,
    /// What is assigned, as it is written.
    right: &'a str,
}

impl<'a> Statement<'a> {
    pub fn of(line: &'a str) -> Option<Self> {
        let line = line.trim();
        if is_talk(line) || line.len() < 4 {
            return None;
        }
        let mut statement =
            Self { frame: String::new(), values: Vec::new(), words: Vec::new(), name: name_of(line), right: right_of(line) };
        for token in tokens(line) {
            if is_value(token) {
                statement.values.push(token);
                statement.frame.push('#');
            } else if let Some(word) = quoted(token) {
                statement.words.push(word);
                statement.frame.push('"');
            } else if !token.trim().is_empty() {
                statement.frame.push_str(token.trim());
            }
        }
        // `level: debug` and `LEVEL=debug`: a setting's value needs no quotes.
        if statement.values.is_empty()
            && statement.words.is_empty()
            && let Some((name, value)) = setting(line)
        {
            statement.frame = format!("{name}=\"");
            statement.words.push(value);
        }
        Some(statement)
    }

    /// The effect of going from this line to `new`; `None` when they are not the same statement, an empty one when nothing changed.
    pub fn compared(&self, new: &Self, file: &str) -> Option<Option<Effect>> {
        let same_frame = self.frame == new.frame || !self.name.is_empty() && self.name == new.name && self.values.len() == new.values.len();
        if same_frame && self.values.len() == new.values.len() && !self.values.is_empty() && self.words == new.words {
            let mut pairs = self.values.iter().zip(&new.values).filter(|(old, new)| old != new);
            let Some((from, to)) = pairs.next() else { return Some(None) };
            let switched = matches!(from.to_lowercase().as_str(), "true" | "false" | "on" | "off" | "enabled" | "disabled");
            // A time is written with its unit beside it: 30 * time.Second.
            let (unit_before, unit_after) = (unit(self.right), unit(new.right));
            let (from, to) = if unit_before.is_some() || unit_after.is_some() { (&self.right, &new.right) } else { (from, to) };
            let name = if self.name.is_empty() { "a value" } else { self.name }.to_owned();
            return Some(Some(if switched {
                Effect::Switched { name, to: (*to).to_owned(), file: file.to_owned() }
            } else {
                Effect::Value {
                    name,
                    from: (*from).to_owned(),
                    to: (*to).to_owned(),
                    rises: amount(from)
                        .map(|value| value * unit_before.unwrap_or(1.0))
                        .zip(amount(to).map(|value| value * unit_after.unwrap_or(1.0)))
                        .filter(|(a, b)| (a - b).abs() > f64::EPSILON)
                        .map(|(a, b)| b > a),
                    file: file.to_owned(),
                }
            }));
        }
        let like =
            self.words.len() == new.words.len() && !self.words.is_empty() && (self.frame == new.frame || similar(&self.frame, &new.frame));
        if like {
            let mut pairs = self.words.iter().zip(&new.words).filter(|(old, new)| old != new);
            let Some((from, to)) = pairs.next() else { return (self.frame == new.frame).then_some(None) };
            // What people read is no name; a name is one word.
            let names = |word: &str| !word.contains(' ') && word.len() > 1;
            return (names(from) && names(to))
                .then(|| Some(Effect::Renamed { from: (*from).to_owned(), to: (*to).to_owned(), file: file.to_owned() }));
        }
        (self.frame == new.frame && self.values == new.values).then_some(None)
    }
}

/// The name and the one bare word of a line of YAML or of an environment.
fn setting(line: &str) -> Option<(&str, &str)> {
    let bare = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let yaml = line.trim_start_matches("- ").split_once(": ").filter(|(name, _)| bare(name));
    let shell = line.split_once('=').filter(|(name, _)| name.len() > 1 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    yaml.or(shell).filter(|(_, value)| value.len() > 1 && bare(value))
}

/// The name that a line gives a value to.
fn name_of(line: &str) -> &str {
    let until = line.find(['=', ':', '(']).unwrap_or(line.len());
    let head = line.get(..until).unwrap_or(line).trim_end_matches([' ', ':', '"', '\'', '+', '-']);
    let start = head.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).map_or(0, |at| at + 1);
    head.get(start..).unwrap_or("").trim_matches('"')
}

/// What stands to the right of an assignment or a colon, without what ends the statement.
fn right_of(line: &str) -> &str {
    let at = line.find(":=").map(|at| at + 2).or_else(|| line.find('=').map(|at| at + 1)).or_else(|| line.find(':').map(|at| at + 1));
    let right = at.and_then(|at| line.get(at..)).unwrap_or(line).trim().trim_end_matches([',', ';', ')', '{']).trim();
    if right.len() <= 48 { right } else { line.get(line.len()..).unwrap_or("") }
}

/// Seconds that the unit beside a number stands for, as languages write it.
fn unit(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let units =
        [("milli", 0.001), ("micro", 1e-6), ("nano", 1e-9), ("minute", 60.0), ("hour", 3_600.0), ("days", 86_400.0), ("second", 1.0)];
    units.iter().find(|(word, _)| lower.contains(word)).map(|(_, factor)| *factor)
}

/// Pieces of a line: quoted strings, numbers with their units, words, and what lies between.
fn tokens(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' | '`' => rest.get(1..).and_then(|tail| tail.find(first)).map_or(1, |at| at + 2),
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        out.push(token);
        rest = tail;
    }
    out
}

fn quoted(token: &str) -> Option<&str> {
    let inner = token.strip_prefix(['"', '\'', '`'])?.strip_suffix(['"', '\'', '`'])?;
    (!inner.is_empty()).then_some(inner)
}

/// A number, with or without a unit, quoted or not; a switch.
fn is_value(token: &str) -> bool {
    let token = quoted(token).unwrap_or(token);
    let starts = token.starts_with(|c: char| c.is_ascii_digit());
    starts && token.len() <= 24
        || matches!(
            token.to_ascii_lowercase().as_str(),
            "true"
                | "false"
                | "on"
                | "off"
                | "enabled"
                | "disabled"
                | "second"
                | "seconds"
                | "minute"
                | "minutes"
                | "hour"
                | "hours"
                | "millisecond"
                | "milliseconds"
        )
}

/// A value as a number in base units.
fn amount(token: &str) -> Option<f64> {
    let token = quoted(token).unwrap_or(token).replace('_', "").to_ascii_lowercase();
    let token = token.trim_start_matches(|c: char| !c.is_ascii_digit());
    let token = token.split([' ', '*', ',', ')']).next().unwrap_or(token);
    let end = token.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(token.len());
    let number: f64 = token.get(..end)?.parse().ok()?;
    let factor = match token.get(end..)? {
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        "k" | "kb" | "ki" | "kib" => 1_024.0,
        "mb" | "mi" | "mib" => 1_048_576.0,
        "g" | "gb" | "gi" | "gib" => 1_073_741_824.0,
        _ => 1.0,
    };
    Some(number * factor)
}
