//! The arguments of a call: from the query, a form or JSON, and the token that came with them.

use std::borrow::Cow;

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};

/// Named arguments; in a form, structured ones are JSON strings.
#[derive(Debug, Clone, Default)]
pub struct Args {
    fields: Map<String, Value>,
    broken: bool,
}

impl From<Value> for Args {
    fn from(value: Value) -> Self {
        Self { fields: value.as_object().cloned().unwrap_or_default(), broken: !value.is_object() }
    }
}

impl Args {
    /// Reads a request. Methods that only read do not take JSON bodies, as in Slack: they see no arguments then.
    pub fn read(headers: &HeaderMap, query: Option<&str>, body: &[u8], takes_json: bool) -> Self {
        let mut args = Self::default();
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        args.pairs(query.unwrap_or_default().as_bytes());
        if content_type.starts_with("application/json") {
            if takes_json && !body.is_empty() {
                match serde_json::from_slice::<Map<String, Value>>(body) {
                    Ok(fields) => args.fields.extend(fields),
                    Err(_) => args.broken = true,
                }
            }
            // A token in a JSON body does not count.
            args.fields.shift_remove("token");
        } else {
            args.pairs(body);
        }
        args
    }

    fn pairs(&mut self, text: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(text) {
            self.fields.insert(name.into_owned(), Value::String(value.into_owned()));
        }
    }

    /// The body was JSON, but not an object.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Everything but the token, for the record.
    pub fn body(&self) -> Value {
        let mut fields = self.fields.clone();
        fields.shift_remove("token");
        Value::Object(fields)
    }

    /// The bearer token, or the `token` field of a form.
    pub fn token(&self, headers: &HeaderMap) -> String {
        let header = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let bearer = header.and_then(|v| v.strip_prefix("Bearer ").or_else(|| v.strip_prefix("bearer ")));
        bearer.or_else(|| self.str("token")).unwrap_or_default().trim().to_owned()
    }

    /// The argument as it came.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|v| !v.is_null())
    }

    /// A string argument; an empty one counts as absent.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str).filter(|v| !v.is_empty())
    }

    /// A flag: true, "true" or "1".
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(n)) => n.as_i64() == Some(1),
            _ => false,
        }
    }

    /// A number, also as text.
    pub fn number(&self, name: &str) -> Option<usize> {
        let value = self.get(name)?;
        let number = value.as_u64().or_else(|| value.as_str().and_then(|t| t.parse().ok()));
        number.and_then(|n| usize::try_from(n).ok())
    }

    /// A structured argument, parsed where it came as a JSON string; `Err` where that is not JSON.
    pub fn json(&self, name: &str) -> Result<Option<Cow<'_, Value>>, ()> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(|v| Some(Cow::Owned(v))).map_err(|_| ()),
            Some(value) => Ok(Some(Cow::Borrowed(value))),
        }
    }
}
