//! The part of the query language that the fake speaks; what it does not speak it refuses, so that no test passes by luck.

use std::cmp::Ordering;

use mongodb::bson::{Bson, Document, doc};

use super::{Failure, fails};

/// Filters, sorts and cuts as `find` does.
pub fn select(documents: &[Document], filter: &Document, sort: &Document, skip: i64, limit: i64) -> Result<Vec<Document>, Failure> {
    let mut found = Vec::new();
    for document in documents {
        if matches(filter, document)? {
            found.push(document.clone());
        }
    }
    order(&mut found, sort)?;
    let limit = if limit == 0 { usize::MAX } else { usize::try_from(limit.abs()).unwrap_or(usize::MAX) };
    Ok(found.into_iter().skip(usize::try_from(skip).unwrap_or(0)).take(limit).collect())
}

/// Runs the stages of a pipeline one after the other.
pub fn run(mut documents: Vec<Document>, stages: &[Bson]) -> Result<Vec<Document>, Failure> {
    for stage in stages {
        let (name, argument) = stage_of(stage)?;
        let empty = Document::new();
        let inner = argument.as_document().unwrap_or(&empty);
        let number =
            || whole(argument).filter(|number| *number >= 0).ok_or_else(|| fails(9, "FailedToParse", format!("{name} needs a number")));
        documents = match name {
            "$match" => select(&documents, inner, &empty, 0, 0)?,
            "$sort" => select(&documents, &empty, inner, 0, 0)?,
            "$skip" => documents.into_iter().skip(number()? as usize).collect(),
            "$limit" if number()? == 0 => return Err(fails(15958, "Location15958", "the limit must be positive")),
            "$limit" => documents.into_iter().take(number()? as usize).collect(),
            "$count" if documents.is_empty() => documents,
            "$count" => vec![doc! {argument.as_str().unwrap_or("count"): documents.len() as i32}],
            "$group" => counted(&documents, inner)?,
            "$project" | "$unset" => documents,
            "$currentOp" | "$indexStats" | "$collStats" => {
                return Err(fails(40602, "Location40602", format!("{name} is only valid as the first stage in a pipeline.")));
            }
            other => return Err(unknown_stage(other)),
        };
    }
    Ok(documents)
}

pub fn unknown_stage(name: &str) -> Failure {
    fails(40324, "Location40324", format!("Unrecognized pipeline stage name: '{name}'"))
}

/// The name of a stage and its argument.
pub fn stage_of(stage: &Bson) -> Result<(&str, &Bson), Failure> {
    let Some(document) = stage.as_document() else {
        return Err(fails(14, "TypeMismatch", "Each element of the 'pipeline' array must be an object"));
    };
    match (document.len(), document.iter().next()) {
        (1, Some((name, argument))) => Ok((name, argument)),
        _ => Err(fails(40323, "Location40323", "A pipeline stage specification object must contain exactly one field.")),
    }
}

/// The one form of `$group` that a driver's `count_documents` sends: a fixed `_id` and `{$sum: 1}`.
fn counted(documents: &[Document], group: &Document) -> Result<Vec<Document>, Failure> {
    let mut out = Document::new();
    for (field, value) in group {
        match (field.as_str(), value) {
            ("_id", Bson::Null | Bson::Int32(_) | Bson::Int64(_)) => out.insert("_id", value.clone()),
            (_, Bson::Document(sum)) if sum.len() == 1 && sum.get("$sum").and_then(whole) == Some(1) => {
                out.insert(field, documents.len() as i32)
            }
            _ => return Err(fails(238, "NotImplemented", "the fake groups by a constant with {$sum: 1} only")),
        };
    }
    Ok(if documents.is_empty() { vec![] } else { vec![out] })
}

pub fn matches(filter: &Document, document: &Document) -> Result<bool, Failure> {
    for (field, wanted) in filter {
        let fits = match (field.as_str(), wanted) {
            ("$comment", _) => true,
            ("$and", Bson::Array(all)) => each(all, document)?.into_iter().all(|fits| fits),
            ("$or", Bson::Array(all)) => each(all, document)?.into_iter().any(|fits| fits),
            (name, _) if name.starts_with('$') => return Err(fails(2, "BadValue", format!("unknown top level operator: {name}"))),
            (path, Bson::Document(operators)) if operators.keys().any(|key| key.starts_with('$')) => {
                let found = values(document, path);
                let mut all = true;
                for (operator, wanted) in operators {
                    all &= holds(operator, wanted, &found)?;
                }
                all
            }
            (path, wanted) => equal(&values(document, path), wanted),
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn each(filters: &[Bson], document: &Document) -> Result<Vec<bool>, Failure> {
    let filters = filters.iter().map(|filter| filter.as_document().ok_or_else(|| fails(2, "BadValue", "$or/$and needs objects")));
    filters.map(|filter| matches(filter?, document)).collect()
}

fn holds(operator: &str, wanted: &Bson, found: &[&Bson]) -> Result<bool, Failure> {
    let any = |test: fn(Ordering) -> bool| found.iter().any(|value| compare(value, wanted).is_some_and(test));
    Ok(match (operator, wanted) {
        ("$eq", _) => equal(found, wanted),
        ("$ne", _) => !equal(found, wanted),
        ("$gt", _) => any(Ordering::is_gt),
        ("$gte", _) => any(Ordering::is_ge),
        ("$lt", _) => any(Ordering::is_lt),
        ("$lte", _) => any(Ordering::is_le),
        ("$in", Bson::Array(all)) => all.iter().any(|wanted| equal(found, wanted)),
        ("$nin", Bson::Array(all)) => !all.iter().any(|wanted| equal(found, wanted)),
        ("$exists", Bson::Boolean(wanted)) => found.is_empty() != *wanted,
        (other, _) => return Err(fails(2, "BadValue", format!("unknown operator: {other} (or one that the fake does not speak)"))),
    })
}

fn equal(found: &[&Bson], wanted: &Bson) -> bool {
    (found.is_empty() && *wanted == Bson::Null)
        || found.iter().any(|value| *value == wanted || compare(value, wanted) == Some(Ordering::Equal))
}

/// All values at a path with dots, through arrays, and the elements of an array beside the array itself.
fn values<'a>(document: &'a Document, path: &str) -> Vec<&'a Bson> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(value) = document.get(first) else { return vec![] };
    match (value, rest) {
        (Bson::Array(items), None) => std::iter::once(value).chain(items).collect(),
        (_, None) => vec![value],
        (Bson::Document(inner), Some(rest)) => values(inner, rest),
        (Bson::Array(items), Some(rest)) => items.iter().filter_map(Bson::as_document).flat_map(|inner| values(inner, rest)).collect(),
        _ => vec![],
    }
}

fn order(documents: &mut [Document], sort: &Document) -> Result<(), Failure> {
    for (field, direction) in sort {
        match whole(direction) {
            Some(1 | -1) => {}
            _ => return Err(fails(15975, "Location15975", "$sort key ordering must be 1 (for ascending) or -1 (for descending)")),
        }
        if field == "$natural" {
            if whole(direction) == Some(-1) {
                documents.reverse();
            }
            return Ok(());
        }
    }
    documents.sort_by(|a, b| {
        let mut orders = sort.iter().map(|(field, direction)| {
            let key = |document| values(document, field).first().map_or(Bson::Null, |value| (*value).clone());
            let (a, b) = (key(a), key(b));
            let order = compare(&a, &b).unwrap_or_else(|| rank(&a).cmp(&rank(&b)));
            if whole(direction) == Some(-1) { order.reverse() } else { order }
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    Ok(())
}

/// The order of two values of one kind; values of different kinds have none, as in a real filter.
fn compare(a: &Bson, b: &Bson) -> Option<Ordering> {
    match (a, b) {
        (Bson::String(a), Bson::String(b)) => Some(a.cmp(b)),
        (Bson::DateTime(a), Bson::DateTime(b)) => Some(a.cmp(b)),
        (Bson::Boolean(a), Bson::Boolean(b)) => Some(a.cmp(b)),
        (Bson::ObjectId(a), Bson::ObjectId(b)) => Some(a.cmp(b)),
        (Bson::Timestamp(a), Bson::Timestamp(b)) => Some((a.time, a.increment).cmp(&(b.time, b.increment))),
        (Bson::Null, Bson::Null) => Some(Ordering::Equal),
        _ => match (whole(a), whole(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => real(a)?.partial_cmp(&real(b)?),
        },
    }
}

/// The order of kinds, as BSON has it.
fn rank(value: &Bson) -> u8 {
    match value {
        Bson::Null | Bson::Undefined => 0,
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => 1,
        Bson::String(_) | Bson::Symbol(_) => 2,
        Bson::Document(_) => 3,
        Bson::Array(_) => 4,
        Bson::Binary(_) => 5,
        Bson::ObjectId(_) => 6,
        Bson::Boolean(_) => 7,
        Bson::DateTime(_) => 8,
        Bson::Timestamp(_) => 9,
        _ => 10,
    }
}

/// A number without a fraction.
pub fn whole(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        Bson::Double(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        _ => None,
    }
}

fn real(value: &Bson) -> Option<f64> {
    match value {
        Bson::Double(number) => Some(*number),
        other => whole(other).map(|number| number as f64),
    }
}
