//! One redaction from beginning to end: rounds over a text until nothing more is found, and the walk through a document.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    Budget, Counts, Options,
    assign::telling,
    harmless,
    mark::{mark, masked},
    rules::Rule,
    scan::{MASK, Scan, Sign, any_sign},
};

/// Rounds over one text. The second finds nothing in practice; what has not settled after the last is not shown.
const ROUNDS: usize = 5;

pub(super) struct Redactor<'o> {
    options: &'o Options,
    budget: Budget,
    pub(super) counts: Counts,
    /// Bytes looked at by rules so far.
    pub(super) work: usize,
}

impl<'o> Redactor<'o> {
    pub(super) fn new(options: &'o Options, budget: Budget) -> Self {
        Self { options, budget, counts: Counts::default(), work: 0 }
    }

    /// Whether the text has any sign of a secret.
    pub(super) fn suspects(&self, text: &str) -> bool {
        any_sign(text, self.options.emails)
    }

    /// The text without secrets; `field` is the name of the field whose value it is, or empty.
    pub(super) fn text<'t>(&mut self, input: &'t str, field: &str) -> Cow<'t, str> {
        let mut out = Cow::Borrowed(input);
        for _ in 0..ROUNDS {
            match self.round(&out, field) {
                Some(next) => out = Cow::Owned(next),
                None => return out,
            }
        }
        Cow::Owned(self.marked(Rule::TooLong, &out))
    }

    fn round(&mut self, text: &str, field: &str) -> Option<String> {
        let masked = masked(text);
        let mut scan = Scan::new(&masked, field);
        scan.all(self.options.emails, Budget { work: self.budget.work.saturating_sub(self.work), ..self.budget });
        self.work += scan.work;
        let spans = scan.finish();
        if spans.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len() + 32 * spans.len());
        let mut from = 0;
        for span in spans {
            out.push_str(text.get(from..span.start).unwrap_or_default());
            mark(&mut out, span.rule, text.get(span.start..span.end).unwrap_or_default(), self.options);
            self.counts.add(span.rule);
            from = span.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Some(out)
    }

    fn marked(&mut self, rule: Rule, secret: &str) -> String {
        let mut out = String::new();
        mark(&mut out, rule, secret, self.options);
        self.counts.add(rule);
        out
    }

    /// Takes the secrets out of every text and name in a value; whether there were any.
    pub(super) fn value(&mut self, value: &mut Value, field: &str) -> bool {
        match value {
            Value::String(text) => self.field(text, field),
            Value::Array(list) => self.list(list, field),
            Value::Object(fields) => self.object(fields),
            Value::Number(number) => {
                let digits = number.to_string();
                let named = digits.len() >= 4 && telling(field) == Some(Sign::Hard);
                match if named { Cow::Owned(self.marked(Rule::Secret, &digits)) } else { self.text(&digits, field) } {
                    Cow::Owned(without) => {
                        *value = Value::String(without);
                        true
                    }
                    Cow::Borrowed(_) => false,
                }
            }
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// A field whose name says that it holds a secret is judged with its name: `"token": "…"`.
    fn field(&mut self, text: &mut String, field: &str) -> bool {
        let mut found = false;
        if let Cow::Owned(without) = self.text(text, field) {
            *text = without;
            found = true;
        }
        let Some(sign) = telling(field) else { return found };
        let masked = masked(text);
        if only_markers(&masked) || harmless::value(field, &masked, sign == Sign::Soft, true) {
            return found;
        }
        *text = self.marked(Rule::Secret, text);
        true
    }

    fn list(&mut self, list: &mut [Value], field: &str) -> bool {
        let mut found = false;
        // An argument names the one behind it: `["--password", "…"]`.
        let mut flag = String::new();
        for item in list {
            let name = if flag.is_empty() { field } else { &flag };
            found |= self.value(item, name);
            flag.clear();
            if let Value::String(text) = item
                && text.starts_with("--")
                && !text.contains(['=', ' '])
            {
                flag.push_str(text);
            }
        }
        found
    }

    fn object(&mut self, fields: &mut Map<String, Value>) -> bool {
        let mut found = self.names(fields);
        match fields.get("kind").and_then(Value::as_str) {
            Some("Secret") => found |= self.manifest(fields),
            Some("SecretList") => {
                let items = fields.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut);
                found |= items.fold(false, |found, item| self.manifest(item) | found);
            }
            _ => {}
        }
        // `{"name": "DB_PASSWORD", "value": "…"}`
        let named = ["name", "key", "Name", "Key"].iter().find_map(|name| fields.get(*name).and_then(Value::as_str)).map(str::to_owned);
        for (name, item) in fields.iter_mut() {
            let pair = named.as_deref().filter(|_| name.eq_ignore_ascii_case("value"));
            found |= self.value(item, pair.unwrap_or(name));
        }
        found
    }

    /// Secrets that are names of fields.
    fn names(&mut self, fields: &mut Map<String, Value>) -> bool {
        let bad: Vec<bool> = fields.keys().map(|name| matches!(self.text(name, ""), Cow::Owned(_))).collect();
        if !bad.contains(&true) {
            return false;
        }
        for (name, value) in std::mem::take(fields) {
            let mut clean = Redactor::new(self.options, self.budget).text(&name, "").into_owned();
            // Two secrets may have the same marker; both fields are kept.
            while fields.contains_key(&clean) {
                clean.push('+');
            }
            fields.insert(clean, value);
        }
        true
    }

    /// Every value of a Kubernetes Secret.
    fn manifest(&mut self, fields: &mut Map<String, Value>) -> bool {
        let mut found = false;
        for name in ["data", "stringData"] {
            let values = fields.get_mut(name).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
            for value in values {
                if let Value::String(text) = value
                    && !text.is_empty()
                    && !only_markers(&masked(text))
                {
                    *text = self.marked(Rule::Kubernetes, text);
                    found = true;
                }
            }
        }
        found
    }
}

/// Whether nothing but markers stands in the masked text.
fn only_markers(masked: &str) -> bool {
    masked.bytes().all(|byte| byte == MASK || byte.is_ascii_whitespace())
}
