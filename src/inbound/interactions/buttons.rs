//! Buttons and menus of messages and modals.

use super::{
    modals::{self, Modal},
    payload::{Payload, Pressed},
    record, record_wish,
};
use crate::{
    inbound::{State, exports, reply::Refusal, storms},
    model::{Act, IncidentId, InvestigationId, RunId, RunWish, Verdict},
    slack::blocks,
};

/// Handles what was pressed and chosen.
pub async fn handle(state: &State, payload: &Payload) -> Result<(), Refusal> {
    for pressed in &payload.actions {
        press(state, payload, pressed).await?;
    }
    Ok(())
}

async fn press(state: &State, payload: &Payload, pressed: &Pressed) -> Result<(), Refusal> {
    let value = pressed.value.as_deref().unwrap_or_default();
    match pressed.action_id.as_str() {
        action if action.starts_with("storm_") => {
            let (team, user, trigger) = (payload.team(), payload.user.id.as_str(), payload.trigger_id.as_str());
            return storms::handle(state, &storms::Press { team, action, value, user, trigger }).await;
        }
        "run_approve" | "run_deny" => return decide(state, payload, pressed, value).await,
        action if action.starts_with("prepare_") => return prepare(state, payload, value),
        "feedback" | "feedback+" | "feedback-" => return feedback(state, payload, pressed, value).await,
        // A choice within a form: only what shows a preview needs us before the submission.
        "covers" => {
            modals::preview(state, payload);
            return Ok(());
        }
        // The browser opens these.
        "runbook_link" => return Ok(()),
        action if action.starts_with("open_link_") => return Ok(()),
        _ => {}
    }
    // What was chosen in the menu says what is meant; a button says it itself.
    let meant = match (&pressed.selected_option, pressed.action_id.as_str()) {
        (Some(chosen), "more") => chosen.value.as_str(),
        (_, action) => action,
    };
    let mut words = value.split_whitespace();
    let named = words.next().filter(|word| !word.is_empty()).unwrap_or_else(|| blocks::about(&pressed.block_id));
    let Ok(incident) = named.parse::<IncidentId>() else {
        state.metrics.unknown_event();
        return Ok(());
    };
    let act = match meant {
        "ack" => Act::Acknowledge,
        "unack" => Act::Unacknowledge,
        "resolve" => Act::Resolve,
        "reopen" => Act::Reopen,
        "rerun" => Act::Rerun,
        "unsilence" => Act::Unsilence,
        "unassign" => Act::Assign { to: None },
        "silence" => return open(state, payload, incident, Modal::Silence),
        "assign" => return open(state, payload, incident, Modal::Assign),
        "escalate" => return open(state, payload, incident, Modal::Escalate),
        "similar" | "runbook" => return open(state, payload, incident, Modal::Background),
        "details" => return open(state, payload, incident, Modal::Details),
        exports::ACTION => return file(state, payload, incident).await,
        "details_next" | "details_back" => {
            let page = words.next().and_then(|page| page.parse().ok()).unwrap_or_default();
            modals::turn(state, payload, incident, page);
            return Ok(());
        }
        _ => {
            state.metrics.unknown_event();
            return Ok(());
        }
    };
    record(state, payload, &payload.key(pressed), act, incident, payload.reply()).await?;
    if meant == "unassign" {
        modals::owner_goes(state, payload, incident);
    }
    Ok(())
}

/// A decision about a run: its id and the hash that was shown.
async fn decide(state: &State, payload: &Payload, pressed: &Pressed, value: &str) -> Result<(), Refusal> {
    let Some((run, hash)) = value.split_once(' ').and_then(|(run, hash)| Some((run.parse::<RunId>().ok()?, hash))) else {
        state.metrics.unknown_event();
        return Ok(());
    };
    let wish = RunWish::Decide { run, approves: pressed.action_id == "run_approve", hash: hash.to_owned() };
    record_wish(state, payload, &payload.key(pressed), wish, payload.reply()).await
}

/// A runbook is to be prepared: the incident and the runbook's id.
fn prepare(state: &State, payload: &Payload, value: &str) -> Result<(), Refusal> {
    let Some((incident, runbook)) = value.split_once(' ').and_then(|(id, runbook)| Some((id.parse::<IncidentId>().ok()?, runbook))) else {
        state.metrics.unknown_event();
        return Ok(());
    };
    modals::open_runbook(state, payload, incident, runbook);
    Ok(())
}

/// All evidence as a file, or the reason why not.
async fn file(state: &State, payload: &Payload, incident: IncidentId) -> Result<(), Refusal> {
    if let Some(why) = exports::handle(state, payload.team(), &payload.user.id, incident).await? {
        modals::tell(state, payload, why);
    }
    Ok(())
}

fn open(state: &State, payload: &Payload, incident: IncidentId, modal: Modal) -> Result<(), Refusal> {
    modals::open(state, payload, incident, modal);
    Ok(())
}

/// Thumbs: up is an act, down asks what was wrong. The value is the sign, the incident and the investigation.
async fn feedback(state: &State, payload: &Payload, pressed: &Pressed, value: &str) -> Result<(), Refusal> {
    let mut words = value.get(1..).unwrap_or_default().split_whitespace();
    let Some(incident) = words.next().and_then(|word| word.parse::<IncidentId>().ok()) else {
        state.metrics.unknown_event();
        return Ok(());
    };
    let investigation = words.next().and_then(|word| word.parse::<InvestigationId>().ok());
    if value.starts_with('-') {
        return open(state, payload, incident, Modal::Wrong(investigation));
    }
    let act = Act::Feedback { verdict: Verdict::Correct, note: String::new(), investigation };
    record(state, payload, &payload.key(pressed), act, incident, payload.reply()).await
}
