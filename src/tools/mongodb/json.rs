//! BSON as the relaxed extended JSON that mongosh prints, and back.

use jiff::Timestamp;
use mongodb::bson::{Bson, Document};
use serde_json::{Map, Value, json};

/// How deep a document may be nested. Source: MongoDB's own limit is 100; nothing that a diagnosis reads is half as deep.
const DEEP: usize = 60;

/// A value for readers of JSON.
pub fn value(bson: Bson) -> Value {
    within(bson, DEEP)
}

fn within(bson: Bson, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    match bson {
        Bson::Document(document) => Value::Object(document.into_iter().map(|(name, inner)| (name, within(inner, depth - 1))).collect()),
        Bson::Array(items) => Value::Array(items.into_iter().map(|inner| within(inner, depth - 1)).collect()),
        Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text) => Value::String(text),
        Bson::Boolean(word) => Value::Bool(word),
        Bson::Int32(number) => json!(number),
        Bson::Int64(number) => json!(number),
        Bson::Double(number) => json!(number),
        Bson::DateTime(time) => {
            Timestamp::from_millisecond(time.timestamp_millis()).map_or(Value::Null, |time| json!({"$date": time.to_string()}))
        }
        Bson::Timestamp(time) => json!({"$timestamp": {"t": time.time, "i": time.increment}}),
        Bson::ObjectId(id) => json!({"$oid": id.to_hex()}),
        Bson::Decimal128(number) => json!({"$numberDecimal": number.to_string()}),
        Bson::RegularExpression(regex) => {
            json!({"$regularExpression": {"pattern": regex.pattern.to_string(), "options": regex.options.to_string()}})
        }
        // What somebody stored is not read; that it is there is enough.
        Bson::Binary(binary) => json!({"$binary": format!("{} bytes", binary.bytes.len())}),
        Bson::Null | Bson::Undefined | Bson::MaxKey | Bson::MinKey | Bson::JavaScriptCodeWithScope(_) | Bson::DbPointer(_) => Value::Null,
    }
}

/// A filter from JSON. Operators that run code are refused.
///
/// # Errors
/// Says which operator, or that it is nested too deeply.
pub fn document(fields: &Map<String, Value>) -> Result<Document, String> {
    match bson(&Value::Object(fields.clone()), DEEP)? {
        Bson::Document(document) => Ok(document),
        _ => Err("an object is wanted".to_owned()),
    }
}

fn bson(value: &Value, depth: usize) -> Result<Bson, String> {
    if depth == 0 {
        return Err(format!("it is nested more than {DEEP} levels deep"));
    }
    Ok(match value {
        Value::Null => Bson::Null,
        Value::Bool(word) => Bson::Boolean(*word),
        Value::Number(number) => number.as_i64().map_or_else(|| Bson::Double(number.as_f64().unwrap_or_default()), Bson::Int64),
        Value::String(text) => Bson::String(text.clone()),
        Value::Array(items) => Bson::Array(items.iter().map(|inner| bson(inner, depth - 1)).collect::<Result<_, _>>()?),
        Value::Object(fields) => {
            let mut document = Document::new();
            for (name, inner) in fields {
                if ["$where", "$function", "$accumulator"].contains(&name.as_str()) {
                    return Err(format!("{name} runs code on the server and is not allowed"));
                }
                document.insert(name.clone(), bson(inner, depth - 1)?);
            }
            Bson::Document(document)
        }
    })
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{DateTime, doc};

    use super::*;

    #[test]
    fn dates_and_numbers_are_as_the_shell_prints_them() {
        let found = value(Bson::Document(doc! {"at": DateTime::from_millis(1_768_484_591_000), "n": 5_i64, "list": [1, {"a": true}]}));
        assert_eq!(found, json!({"at": {"$date": "2026-01-15T13:43:11Z"}, "n": 5, "list": [1, {"a": true}]}));
    }

    #[test]
    fn code_is_refused_in_a_filter() {
        let filter = json!({"a": {"$or": [{"$where": "sleep(1000)"}]}});
        assert!(document(filter.as_object().unwrap()).unwrap_err().starts_with("$where runs code"));
        assert!(document(json!({"a": {"$gt": 5}}).as_object().unwrap()).is_ok());
        let mut deep = json!(1);
        (0..100).for_each(|_| deep = json!({"a": deep}));
        document(deep.as_object().unwrap()).unwrap_err();
    }
}
