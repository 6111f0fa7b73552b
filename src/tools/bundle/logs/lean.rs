//! A structured line without its fields: only what a reader of the log's words needs, read where it stands.
//!
//! Whatever is not plain (an error object, a message inside of another object) is left to `json`, which knows all shapes.

use std::{borrow::Cow, collections::HashMap, fmt, sync::LazyLock};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{
    json::{ERRORS, HOLDERS, LEVELS, MESSAGES, SERVICES, Structured, TIMES, append},
    level, time,
};

/// What a key holds, and its rank among the keys that hold the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Time(usize),
    Level(usize),
    Service(usize),
    Message(usize),
    Error(usize),
    /// May hold any of them.
    Holder,
}

type Make = fn(usize) -> Part;

static PARTS: LazyLock<HashMap<&'static str, Part, foldhash::fast::FixedState>> = LazyLock::new(|| {
    let mut parts = HashMap::default();
    let lists: [(&[&str], Make); 6] = [
        (HOLDERS, |_| Part::Holder),
        (SERVICES, Part::Service),
        (ERRORS, Part::Error),
        (MESSAGES, Part::Message),
        (LEVELS, Part::Level),
        (TIMES, Part::Time),
    ];
    for (keys, part) in lists {
        parts.extend(keys.iter().enumerate().map(|(rank, key)| (*key, part(rank))));
    }
    parts
});

/// A value as far as it is needed.
enum Plain<'a> {
    Text(Cow<'a, str>),
    Number(serde_json::Number),
    Nothing,
    /// An object, a list, a truth: not plain.
    Other,
}

/// The plain members that say something, in the order of their ranks.
struct Members<'a>(Vec<(Part, Plain<'a>)>);

/// Reads one JSON object; `None` when it is none, or one that only the whole reader understands.
pub fn read(line: &str) -> Option<Structured> {
    let Members(mut members) = serde_json::from_str(line).ok()?;
    members.sort_by_key(|(part, _)| *part);
    let mut out = Structured::default();
    for (part, value) in members {
        match (part, value) {
            (Part::Time(_), value) if out.time.is_none() => {
                out.time = match value {
                    Plain::Text(text) => time::text(&text),
                    Plain::Number(number) => time::epoch(number.as_f64()?),
                    Plain::Nothing => None,
                    Plain::Other => return None,
                };
            }
            (Part::Level(rank), value) if out.level.is_none() => {
                let key = LEVELS.get(rank)?;
                out.level = match value {
                    Plain::Text(text) => level::text(key, &text),
                    Plain::Number(number) => level::number(key, number.as_u64()?),
                    Plain::Nothing => None,
                    Plain::Other => return None,
                };
            }
            (Part::Service(_), Plain::Text(text)) if out.service.is_empty() => out.service = text.into_owned(),
            (Part::Message(_), Plain::Text(text)) if out.message.is_empty() => text.trim_end().clone_into(&mut out.message),
            (Part::Error(rank), Plain::Text(text)) => append(&mut out.message, text.trim_end(), ERRORS.get(rank)?),
            (Part::Service(_) | Part::Message(_) | Part::Error(_), Plain::Number(_) | Plain::Other) | (Part::Holder, Plain::Other) => {
                return None;
            }
            _ => {}
        }
    }
    (!out.message.is_empty()).then_some(out)
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members: Vec<(Part, Plain<'de>)> = Vec::with_capacity(8);
                while let Some(Key(part)) = map.next_key()? {
                    let Some(part) = part else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let value = map.next_value()?;
                    // of two equal keys the later one counts
                    members.retain(|(known, _)| *known != part || part == Part::Holder);
                    members.push((part, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

struct Key(Option<Part>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
                Ok(Key(PARTS.get(key).copied()))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl<'de> Deserialize<'de> for Plain<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Plain<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Plain<'de>, E> {
                Ok(Plain::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Plain<'de>, E> {
                Ok(Plain::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Plain<'de>, E> {
                Ok(Plain::Number(number.into()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Plain<'de>, E> {
                Ok(Plain::Number(number.into()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Plain<'de>, E> {
                Ok(serde_json::Number::from_f64(number).map_or(Plain::Nothing, Plain::Number))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Plain<'de>, E> {
                Ok(Plain::Other)
            }

            fn visit_unit<E: Error>(self) -> Result<Plain<'de>, E> {
                Ok(Plain::Nothing)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Plain<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Plain::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Plain::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The same by the whole reader, without the fields.
pub fn object(line: &str) -> Option<Structured> {
    if !line.starts_with('{') || !line.ends_with('}') {
        return None;
    }
    read(line).or_else(|| super::json::object(line).map(|full| Structured { fields: Value::Null, ..full }))
}
