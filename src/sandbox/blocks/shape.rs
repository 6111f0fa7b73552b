//! The small language in which Block Kit is written down, and the walker that holds JSON against it.

use serde_json::{Map, Value};

/// One thing Slack would not accept, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A JSON pointer such as `/blocks/2/elements/0/text`.
    pub pointer: String,
    /// What is wrong there, in Slack's manner of speaking.
    pub message: String,
}

/// What may stand in a field.
pub enum Kind {
    /// A text object that must be `plain_text`, of at most so many characters.
    Plain(usize),
    /// A text object of either sort.
    Text(usize),
    /// A text object that must be `mrkdwn`.
    Mrkdwn(usize),
    /// A string of so many to so many characters.
    Str(usize, usize),
    /// True or false.
    Bool,
    /// Any number in the range.
    Num(f64, f64),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// So many to so many of the same.
    List(&'static Kind, usize, usize),
    /// An object without a `type`.
    Obj(&'static [Field]),
    /// An object whose `type` is one of these.
    Typed(&'static [&'static Shape]),
    /// An object of any content.
    Map,
}

/// A field: its name, whether it must be there, what it holds.
pub struct Field(pub &'static str, pub bool, pub Kind);

/// A required field.
pub const fn req(name: &'static str, kind: Kind) -> Field {
    Field(name, true, kind)
}

/// An optional field.
pub const fn opt(name: &'static str, kind: Kind) -> Field {
    Field(name, false, kind)
}

/// A typed object: a block, an element or a part of rich text.
pub struct Shape {
    /// The value of `type`.
    pub name: &'static str,
    /// All fields besides `type`.
    pub fields: &'static [Field],
    /// At least one of these must be there (empty: no such rule).
    pub any_of: &'static [&'static str],
}

impl Shape {
    /// A shape without an "at least one of" rule.
    pub const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields, any_of: &[] }
    }
}

/// Collects problems while walking down.
#[derive(Default)]
pub struct Walk {
    /// Everything found so far.
    pub problems: Vec<Problem>,
}

impl Walk {
    /// Notes one problem.
    pub fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.problems.push(Problem { pointer: pointer.to_owned(), message: message.into() });
    }

    /// Holds `value` against `kind`.
    pub fn check(&mut self, value: &Value, kind: &Kind, at: &str) {
        match kind {
            Kind::Plain(max) => self.text(value, &["plain_text"], *max, at),
            Kind::Mrkdwn(max) => self.text(value, &["mrkdwn"], *max, at),
            Kind::Text(max) => self.text(value, &["plain_text", "mrkdwn"], *max, at),
            Kind::Str(min, max) => match value.as_str() {
                Some(text) => self.length(text, *min, *max, at),
                None => self.add(at, "must be a string"),
            },
            Kind::Bool if value.is_boolean() => {}
            Kind::Bool => self.add(at, "must be a boolean"),
            Kind::Num(min, max) => match value.as_f64() {
                Some(number) if number >= *min && number <= *max => {}
                Some(_) => self.add(at, format!("must be between {min} and {max}")),
                None => self.add(at, "must be a number"),
            },
            Kind::OneOf(words) => match value.as_str() {
                Some(word) if words.contains(&word) => {}
                _ => self.add(at, format!("must be one of: {}", words.join(", "))),
            },
            Kind::List(of, min, max) => match value.as_array() {
                Some(items) => {
                    self.count(items.len(), *min, *max, at);
                    for (i, item) in items.iter().enumerate() {
                        self.check(item, of, &format!("{at}/{i}"));
                    }
                }
                None => self.add(at, "must be an array"),
            },
            Kind::Obj(fields) => match value.as_object() {
                Some(object) => self.fields(object, fields, at, &[]),
                None => self.add(at, "must be an object"),
            },
            Kind::Typed(shapes) => self.typed(value, shapes, at),
            Kind::Map if value.is_object() => {}
            Kind::Map => self.add(at, "must be an object"),
        }
    }

    fn typed(&mut self, value: &Value, shapes: &[&Shape], at: &str) {
        let Some(object) = value.as_object() else { return self.add(at, "must be an object") };
        let Some(name) = object.get("type") else { return self.add(at, "missing required field: type") };
        let shape = name.as_str().and_then(|name| shapes.iter().find(|s| s.name == name));
        let Some(shape) = shape else {
            return self.add(&format!("{at}/type"), format!("unsupported type: {}", name.as_str().unwrap_or("not a string")));
        };
        self.fields(object, shape.fields, at, &["type"]);
        if !shape.any_of.is_empty() && !shape.any_of.iter().any(|f| object.contains_key(*f)) {
            self.add(at, format!("missing required field: one of {}", shape.any_of.join(", ")));
        }
    }

    fn fields(&mut self, object: &Map<String, Value>, fields: &[Field], at: &str, known: &[&str]) {
        for Field(name, required, kind) in fields {
            match object.get(*name) {
                Some(value) => self.check(value, kind, &format!("{at}/{name}")),
                None if *required => self.add(at, format!("missing required field: {name}")),
                None => {}
            }
        }
        for name in object.keys() {
            if !known.contains(&name.as_str()) && !fields.iter().any(|f| f.0 == name) {
                self.add(&format!("{at}/{name}"), format!("unsupported field: {name}"));
            }
        }
    }

    fn text(&mut self, value: &Value, types: &[&str], max: usize, at: &str) {
        let Some(object) = value.as_object() else { return self.add(at, "must be a text object") };
        let Some(name) = object.get("type").and_then(Value::as_str) else {
            return self.add(at, "missing required field: type");
        };
        if !types.contains(&name) {
            return self.add(&format!("{at}/type"), format!("unsupported type: {name}; must be {}", types.join(" or ")));
        }
        let switch = if name == "mrkdwn" { "verbatim" } else { "emoji" };
        let fields = [req("text", Kind::Str(1, max)), opt(switch, Kind::Bool)];
        self.fields(object, &fields, at, &["type"]);
    }

    fn length(&mut self, text: &str, min: usize, max: usize, at: &str) {
        let n = text.chars().count();
        if n > max {
            self.add(at, format!("must be less than {} characters", max + 1));
        }
        if n < min {
            self.add(at, format!("must be more than {} characters", min.saturating_sub(1)));
        }
    }

    fn count(&mut self, n: usize, min: usize, max: usize, at: &str) {
        if n > max {
            self.add(at, format!("no more than {max} items allowed"));
        }
        if n < min {
            self.add(at, format!("no fewer than {min} items allowed"));
        }
    }
}
