//! Reads a YAML file key by key and remembers everything that is wrong, with the key, instead of stopping at the first.

use std::{cell::RefCell, time::Duration};

use jiff::{civil::Time, tz::TimeZone};
use serde_json::{Map, Value};

use crate::model::nearest;

/// The largest file, in bytes: thousands of overrides.
const FILE_MAX: usize = 1024 * 1024;
/// How many mistakes are told of; more come from one cause.
const WRONG_MAX: usize = 100;
/// How many edits away a known word may be to be what somebody meant.
const TYPING_ERROR: usize = 2;

/// Everything that is wrong with a file, a line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Wrong(pub Vec<String>);

/// A file that is being read.
pub(super) struct File {
    name: &'static str,
    root: Value,
    wrong: RefCell<Vec<String>>,
}

impl File {
    /// # Errors
    /// When it is no YAML, or too large to be looked at.
    pub(super) fn new(name: &'static str, text: &str) -> Result<Self, Wrong> {
        if text.len() > FILE_MAX {
            return Err(Wrong(vec![format!("{name}: is larger than {} MiB", FILE_MAX >> 20)]));
        }
        let root = if text.trim().is_empty() { Ok(Value::Null) } else { serde_saphyr::from_str::<Value>(text) };
        let root = root.map_err(|error| {
            let place = error.location().map(|location| format!("line {}: ", location.line())).unwrap_or_default();
            let said = error.to_string();
            Wrong(vec![format!("{name}: {place}is not readable as YAML: {}", said.lines().next().unwrap_or_default())])
        })?;
        Ok(Self { name, root, wrong: RefCell::default() })
    }

    /// The whole of it.
    pub(super) fn root(&self) -> Field<'_> {
        Field { file: self, key: String::new(), value: &self.root }
    }

    /// What was read, when nothing was wrong.
    pub(super) fn done<T>(self, read: T) -> Result<T, Wrong> {
        let wrong = self.wrong.into_inner();
        if wrong.is_empty() { Ok(read) } else { Err(Wrong(wrong)) }
    }

    fn note(&self, key: &str, said: &str) {
        let mut wrong = self.wrong.borrow_mut();
        let line = if key.is_empty() { format!("{}: {said}", self.name) } else { format!("{}: `{key}` {said}", self.name) };
        if wrong.len() < WRONG_MAX && !wrong.contains(&line) {
            wrong.push(line);
        }
    }
}

/// A value and the key that it has in the file.
pub(super) struct Field<'a> {
    file: &'a File,
    pub(super) key: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// Notes a mistake of this field: what it wants to be.
    pub(super) fn wants(&self, what: &str) {
        self.file.note(&self.key, &format!("wants {what}"));
    }

    /// Notes a mistake in other words.
    pub(super) fn wrong(&self, said: &str) {
        self.file.note(&self.key, said);
    }

    /// Notes that it names nothing of what is known.
    pub(super) fn unknown<'b>(&self, what: &str, word: &str, known: impl Iterator<Item = &'b str>) {
        let word: String = word.chars().take(64).collect();
        let meant = nearest(&word, known, TYPING_ERROR).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        self.wrong(&format!("names `{word}`, which is no {what}{meant}"));
    }

    /// As a section with these keys and no others; an empty one where it is none.
    pub(super) fn section(&self, keys: &'static [&'static str]) -> Section<'a> {
        let fields = self.map();
        for name in fields.into_iter().flatten().map(|(name, _)| name.as_str()).filter(|name| !keys.contains(name)) {
            let meant = nearest(name, keys.iter().copied(), TYPING_ERROR).map(|meant| format!("did you mean `{meant}`?"));
            let said = meant.unwrap_or_else(|| format!("known here: {}", keys.join(", ")));
            self.file.note(&join(&self.key, name), &format!("is no setting; {said}"));
        }
        Section { file: self.file, key: self.key.clone(), fields }
    }

    /// As a section whose keys the user names; at most `most`.
    pub(super) fn named(&self, most: usize) -> Vec<(&'a str, Field<'a>)> {
        let fields = self.map();
        if fields.is_some_and(|fields| fields.len() > most) {
            self.wrong(&format!("has more than {most} entries"));
        }
        let fields = fields.into_iter().flatten().take(most);
        fields.map(|(name, value)| (name.as_str(), Field { file: self.file, key: join(&self.key, name), value })).collect()
    }

    fn map(&self) -> Option<&'a Map<String, Value>> {
        match self.value {
            Value::Object(fields) => Some(fields),
            Value::Null => None,
            _ => {
                self.wants("its settings below it, indented");
                None
            }
        }
    }

    /// As a list of at most `most`.
    pub(super) fn list(&self, most: usize) -> Vec<Field<'a>> {
        match self.value {
            Value::Array(items) => {
                if items.len() > most {
                    self.wrong(&format!("has more than {most} entries"));
                }
                let field = |(at, value)| Field { file: self.file, key: format!("{}[{at}]", self.key), value };
                items.iter().take(most).enumerate().map(field).collect()
            }
            Value::Null => Vec::new(),
            _ => {
                self.wants("a list");
                Vec::new()
            }
        }
    }

    /// As a text that is not empty and has at most `most` letters; numbers and `true` are their own text.
    pub(super) fn text(&self, most: usize) -> Option<String> {
        let text = match self.value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(word) => word.to_string(),
            _ => String::new(),
        };
        let fine = !text.is_empty() && text.chars().count() <= most && !text.contains(char::is_control);
        if !fine {
            self.wants(&format!("a single text of at most {most} letters"));
        }
        fine.then_some(text)
    }

    /// What `read` makes of the text, or a mistake that says what is wanted.
    pub(super) fn parsed<T>(&self, wanted: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = match self.value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(word) => word.to_string(),
            _ => String::new(),
        };
        let parsed = read(&text);
        if parsed.is_none() {
            self.wants(wanted);
        }
        parsed
    }

    /// A length of time from `least` to `most`.
    pub(super) fn duration(&self, least: Duration, most: Duration) -> Option<Duration> {
        let read = self.parsed("a length of time such as 90s, 5m, 12h or 7d", duration)?;
        if read < least || read > most {
            self.wants(&format!("at least {} and at most {}", words(least), words(most)));
            return None;
        }
        Some(read)
    }

    pub(super) fn time(&self) -> Option<Time> {
        self.parsed("a time of day such as \"09:00\", in quotes", time)
    }

    pub(super) fn zone(&self) -> Option<TimeZone> {
        self.parsed("the name of a time zone such as Europe/Berlin or UTC", |name| TimeZone::get(name).ok())
    }
}

/// A section with known keys.
pub(super) struct Section<'a> {
    file: &'a File,
    key: String,
    fields: Option<&'a Map<String, Value>>,
}

impl<'a> Section<'a> {
    /// The field, where it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<Field<'a>> {
        let value = self.fields?.get(name).filter(|value| !value.is_null())?;
        Some(Field { file: self.file, key: join(&self.key, name), value })
    }

    /// The field; a mistake where it is not there.
    pub(super) fn must(&self, name: &str) -> Option<Field<'a>> {
        let field = self.get(name);
        if field.is_none() {
            self.file.note(&join(&self.key, name), "is missing");
        }
        field
    }

    /// The list of that name, empty where there is none.
    pub(super) fn list(&self, name: &str, most: usize) -> Vec<Field<'a>> {
        self.get(name).map(|field| field.list(most)).unwrap_or_default()
    }

    /// The names of the fields that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.fields.into_iter().flatten().map(|(name, _)| name.as_str())
    }
}

fn join(key: &str, name: &str) -> String {
    let name: String = name.chars().take(64).collect();
    if key.is_empty() { name } else { format!("{key}.{name}") }
}

/// `90s`, `5m`, `12h`, `7d`.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{seconds}s"), |(length, letter)| format!("{}{letter}", seconds / length))
}

/// `09:00`; `24:00` is midnight, for the end of a day.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() <= 2 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || minute.len() != 2 || !digits(minute) {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}
