//! Forms that were sent off: what is wrong in them is said in the form, what is right becomes an act.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    payload::{Context, Payload, View},
    record, record_wish,
};
use crate::{
    inbound::{State, deliveries::Ack, reply::Refusal},
    model::{Act, RunWish, Scope, Verdict, silence_until},
    report::forms::NOTE_MAX,
    runbooks,
};

/// What is wrong, by input.
type Errors = BTreeMap<&'static str, String>;

/// Handles one submission.
pub async fn handle(state: &State, payload: &Payload) -> Ack {
    let Some(view) = &payload.view else { return Err(Refusal::Malformed("a submission without a `view`".to_owned())) };
    let first = match view.callback_id.as_str() {
        "silence" => "for",
        "assign" | "escalate" => "to",
        "feedback" => "verdict",
        "runbook" => return runbook(state, payload, view).await,
        _ => {
            state.metrics.unknown_event();
            return Ok(None);
        }
    };
    let Some(context) = view.context() else {
        return Ok(Some(errors([(first, "This form is too old to be read. Please close it and open it again.".to_owned())].into())));
    };
    let read = match view.callback_id.as_str() {
        "silence" => silence(state, view, &context).await?,
        "assign" => assign(view),
        "escalate" => escalate(view),
        _ => feedback(view, &context),
    };
    match read {
        Ok(act) => {
            // One form is one act, however often it is sent.
            let key = format!("view/{}/{}", view.id, view.callback_id);
            record(state, payload, &key, act, context.incident, context.reply).await?;
            Ok(None)
        }
        Err(wrong) => Ok(Some(errors(wrong))),
    }
}

/// A runbook's form: what is wrong is said beside its field, what is right becomes a wish.
async fn runbook(state: &State, payload: &Payload, view: &View) -> Ack {
    let found = view.context().and_then(|context| Some((state.runbooks.catalog.get(&context.runbook)?, context)));
    let Some((runbook, context)) = found else {
        let first = view.state.values.keys().next().cloned().unwrap_or_default();
        let old = "This form is too old to be read. Please close it and open it again.";
        return Ok(Some(json!({"response_action": "errors", "errors": {first: old}})));
    };
    let given: BTreeMap<String, Value> = runbook
        .parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), Value::String(view.filled(&parameter.name).unwrap_or_default())))
        .collect();
    if let Err(wrong) = runbooks::values(runbook, &given, None) {
        let errors: BTreeMap<String, String> = wrong.into_iter().map(|error| (error.place, error.reason)).collect();
        return Ok(Some(json!({"response_action": "errors", "errors": errors})));
    }
    let wish = RunWish::Request { runbook: runbook.id.clone(), parameters: given, incident: Some(context.incident) };
    let key = format!("view/{}/runbook", view.id);
    record_wish(state, payload, &key, wish, context.reply).await?;
    Ok(None)
}

fn errors(errors: Errors) -> Value {
    json!({"response_action": "errors", "errors": errors})
}

async fn silence(state: &State, view: &View, context: &Context) -> Result<Result<Act, Errors>, Refusal> {
    let now = state.clock.now();
    let zone = TimeZone::get(&context.zone).unwrap_or(TimeZone::UTC);
    let mut wrong = Errors::new();
    let other = view.filled("other");
    let place = if other.is_some() { "other" } else { "for" };
    let until = match other.or_else(|| view.filled("for")) {
        Some(words) => silence_until(&words, now, &zone).map_err(|error| error.to_string()),
        None => Err("Please choose how long.".to_owned()),
    };
    let scope = view.filled("covers").and_then(|word| Scope::from_word(&word));
    if scope.is_none() {
        wrong.insert("covers", "Please choose what it covers.".to_owned());
    }
    let reason = note(view, "reason", &mut wrong);
    match (until, scope) {
        (Ok(until), Some(scope)) if wrong.is_empty() => {
            // An incident that is gone is the pipeline's to tell.
            let incident = state.store.incident(context.incident).await?;
            let matchers = incident.map(|incident| scope.matchers(&incident.alert)).unwrap_or_default();
            let seconds = until.duration_since(now).as_secs().max(0).unsigned_abs();
            Ok(Ok(Act::Silence { seconds, reason, matchers }))
        }
        (until, _) => {
            if let Err(error) = until {
                wrong.insert(place, error);
            }
            Ok(Err(wrong))
        }
    }
}

fn assign(view: &View) -> Result<Act, Errors> {
    match view.filled("to") {
        Some(to) if is_id(&to) => Ok(Act::Assign { to: Some(to) }),
        _ => Err([("to", "Please choose a person.".to_owned())].into()),
    }
}

fn escalate(view: &View) -> Result<Act, Errors> {
    let mut wrong = Errors::new();
    let to = view.filled("to").filter(|to| is_id(to));
    if to.is_none() {
        wrong.insert("to", "Please choose whom to call.".to_owned());
    }
    let reason = note(view, "reason", &mut wrong);
    if reason.is_empty() && !wrong.contains_key("reason") {
        wrong.insert("reason", "Please say what you need from them.".to_owned());
    }
    match to {
        Some(to) if wrong.is_empty() => Ok(Act::Escalate { to, reason }),
        _ => Err(wrong),
    }
}

fn feedback(view: &View, context: &Context) -> Result<Act, Errors> {
    let mut wrong = Errors::new();
    let verdict = match view.filled("verdict").as_deref() {
        Some("one_hop_short") => Some(Verdict::OneHopShort),
        Some("wrong") => Some(Verdict::Wrong),
        _ => None,
    };
    if verdict.is_none() {
        wrong.insert("verdict", "Please choose one.".to_owned());
    }
    let note = note(view, "cause", &mut wrong);
    match verdict {
        Some(verdict) if wrong.is_empty() => Ok(Act::Feedback { verdict, note, investigation: context.investigation }),
        _ => Err(wrong),
    }
}

/// What a person wrote; too much of it is an error in the form.
fn note(view: &View, input: &'static str, wrong: &mut Errors) -> String {
    let text = view.filled(input).unwrap_or_default();
    if text.chars().count() > NOTE_MAX {
        wrong.insert(input, format!("Please keep it below {NOTE_MAX} characters."));
    }
    crate::redact::text(&text).into_owned()
}

/// A Slack id, or one of our own words.
fn is_id(text: &str) -> bool {
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric())
}
