//! Opening modals and showing something else in them: best effort, beside the acknowledgement.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::payload::{Context, Payload};
use crate::{
    inbound::{
        State,
        commands::{READ, Rights},
        exports,
    },
    model::{Incident, IncidentId, InvestigationId, Message, Part, Reply, Scope, Silence, Text},
    notify::at_sender,
    report::{
        self, answers,
        forms::{self, Preview, SilenceDraft},
    },
    runbooks,
    slack::{SlackError, blocks},
    store::{IncidentFilter, Result},
};

/// How long the person's time zone may take to look up: the modal has three seconds in all.
const ZONE_WAIT: Duration = Duration::from_millis(800);
/// How many past incidents are named.
const SIMILAR_MAX: usize = 5;
/// What stands for PagerDuty among those who can be called.
const PAGERDUTY: (&str, &str) = ("pagerduty", "PagerDuty");

/// Which modal.
#[derive(Debug, Clone, Copy)]
pub enum Modal {
    Silence,
    Assign,
    Escalate,
    /// Runbooks and similar incidents.
    Background,
    Details,
    /// What is wrong with the report of this investigation.
    Wrong(Option<InvestigationId>),
}

/// Who asked, as a task of its own needs it.
struct Asked {
    state: State,
    team: String,
    user: String,
    reply: Reply,
}

impl Asked {
    fn new(state: &State, payload: &Payload) -> Self {
        Self { state: state.clone(), team: payload.team().to_owned(), user: payload.user.id.clone(), reply: payload.reply() }
    }

    async fn rights(&self) -> Rights {
        Rights::of(&self.state, &self.team, &self.user).await
    }

    async fn answer(&self, message: &Message) {
        self.state.slack.of(&self.team).client.answer(&self.reply, &self.user, &blocks::message(message)).await;
    }
}

/// Answers the person, beside the acknowledgement.
pub fn tell(state: &State, payload: &Payload, message: Message) {
    let asked = Asked::new(state, payload);
    tokio::spawn(async move { asked.answer(&message).await });
}

/// What a modal shows, or what the person hears in its place.
type Built = std::result::Result<Value, Message>;

/// Opens a modal. Slack wants its answer within three seconds and the modal too: the one does not wait for the other.
pub fn open(state: &State, payload: &Payload, incident: IncidentId, modal: Modal) {
    let (asked, trigger) = (Asked::new(state, payload), payload.trigger_id.clone());
    tokio::spawn(async move {
        let view = match build(&asked, incident, modal).await {
            Ok(Ok(view)) => view,
            Ok(Err(why)) => return asked.answer(&why).await,
            Err(error) => {
                tracing::error!(%incident, %error, "a modal's content could not be read");
                let sorry = "This cannot be read at the moment. Please try again.";
                blocks::modal(&incident.to_string(), &[Part::Section(Text::new().plain(sorry))])
            }
        };
        if let Err(error) = asked.state.slack.of(&asked.team).client.open_view(&trigger, &view).await {
            let late = is_late(&error);
            tracing::warn!(%incident, user = asked.user, %error, late, "a modal was not opened");
            asked.answer(&if late { answers::too_late() } else { answers::not_opened() }).await;
        }
    });
}

/// Opens the form of a runbook, filled in with what the evidence has.
pub fn open_runbook(state: &State, payload: &Payload, incident: IncidentId, runbook: &str) {
    let (asked, trigger, runbook) = (Asked::new(state, payload), payload.trigger_id.clone(), runbook.to_owned());
    tokio::spawn(async move {
        let found = match asked.state.store.incident(incident).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%incident, %error, "a runbook's form could not be filled in");
                return asked.answer(&answers::not_opened()).await;
            }
        };
        let Some((incident, runbook)) = found.zip(asked.state.runbooks.catalog.get(&runbook)) else {
            return asked.answer(&answers::refused("the incident or the runbook is not there any more")).await;
        };
        // The right to ask for a run is the pipeline's to check: only there it is known what the run touches.
        let rights = asked.rights().await;
        for permission in [READ, "runbook:read"] {
            if let Err(why) = rights.need_for(&asked.state, permission, &incident).await {
                return asked.answer(&why).await;
            }
        }
        let context = Context {
            incident: incident.id,
            reply: asked.reply.clone(),
            zone: String::new(),
            investigation: None,
            runbook: runbook.id.clone(),
        };
        let values = runbooks::defaults(runbook, Some(&runbooks::Facts { incident: &incident }));
        let view = blocks::form(&report::prepare(&incident, runbook, &values, context.to_metadata()));
        if let Err(error) = asked.state.slack.of(&asked.team).client.open_view(&trigger, &view).await {
            let late = is_late(&error);
            tracing::warn!(incident = %incident.id, user = asked.user, %error, late, "a runbook's form was not opened");
            asked.answer(&if late { answers::too_late() } else { answers::not_opened() }).await;
        }
    });
}

/// Slack's three seconds were over, or the trigger was used before.
fn is_late(error: &SlackError) -> bool {
    ["expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged"]
        .iter()
        .any(|code| error.message.starts_with(code))
}

async fn build(asked: &Asked, id: IncidentId, modal: Modal) -> Result<Built> {
    let Some(incident) = asked.state.store.incident(id).await? else { return Ok(Err(answers::missing(id))) };
    let rights = asked.rights().await;
    // Each of them shows something of the incident; the act itself is the pipeline's to check.
    if let Err(why) = rights.need_for(&asked.state, READ, &incident).await {
        return Ok(Err(why));
    }
    let mut context =
        Context { incident: id, reply: asked.reply.clone(), zone: String::new(), investigation: None, runbook: String::new() };
    let form = match modal {
        Modal::Silence => {
            let zone = zone(asked).await;
            context.zone = zone.iana_name().unwrap_or("UTC").to_owned();
            return silence_view(&asked.state, &rights, &incident, Scope::Alert, &zone, &context).await.map(Ok);
        }
        Modal::Assign => forms::assign(&incident, context.to_metadata()),
        Modal::Escalate => forms::escalate(&incident, &targets(&asked.state), context.to_metadata()),
        Modal::Wrong(investigation) => {
            context.investigation = investigation;
            forms::wrong(id, context.to_metadata())
        }
        Modal::Background => {
            let similar = similar(&asked.state, &rights, &incident).await?;
            let service = asked.state.config.services.of(&incident.service);
            return Ok(Ok(blocks::modal(&id.to_string(), &report::background(&incident, service, &similar))));
        }
        Modal::Details => return details_view(&asked.state, &incident, 0).await.map(Ok),
    };
    Ok(Ok(blocks::form(&form)))
}

async fn zone(asked: &Asked) -> TimeZone {
    let slack = asked.state.slack.of(&asked.team);
    match tokio::time::timeout(ZONE_WAIT, slack.client.person(&asked.user)).await {
        Ok(Ok(known)) => known.zone.unwrap_or(TimeZone::UTC),
        Ok(Err(error)) => {
            tracing::info!(%error, "the person's time zone is not known; UTC stands for it");
            TimeZone::UTC
        }
        Err(_) => TimeZone::UTC,
    }
}

async fn silence_view(
    state: &State,
    rights: &Rights,
    incident: &Incident,
    scope: Scope,
    zone: &TimeZone,
    context: &Context,
) -> Result<Value> {
    let preview = preview_of(state, rights, incident, scope).await?;
    let source = incident.alert.source.as_str();
    let reaches = state.config.silencers.iter().any(|known| known == source) && at_sender(&preview.matchers, &incident.alert).is_some();
    let pushed_to = reaches.then(|| answers::system(source));
    let draft = SilenceDraft { scope, zone, preview: &preview, pushed_to };
    Ok(blocks::form(&forms::silence(incident, &draft, context.to_metadata())))
}

async fn preview_of(state: &State, rights: &Rights, incident: &Incident, scope: Scope) -> Result<Preview> {
    let matchers = scope.matchers(&incident.alert);
    let now = state.clock.now();
    let silence = Silence {
        id: String::new(),
        matchers,
        from: now,
        until: now,
        by: String::new(),
        reason: String::new(),
        incident: incident.id,
        pushed: Vec::new(),
        ended: None,
        kept_quiet: 0,
    };
    let open = state.store.incidents(&IncidentFilter { open: true, limit: 500, ..IncidentFilter::default() }).await?;
    let mut covered: Vec<&Incident> = open.iter().filter(|other| silence.matches(&other.alert)).collect();
    covered.sort_by_key(|other| (other.id != incident.id, other.id));
    let alerts = covered.iter().map(|other| other.alert_count).sum();
    // What the person may not see is counted and not named.
    let named = covered.iter().filter(|other| rights.reads(state, other));
    let incidents = named.map(|other| (other.id, other.alert.subject().to_owned())).collect();
    Ok(Preview { matchers: silence.matchers, incidents, alerts })
}

/// Whom the settings let people call.
fn targets(state: &State) -> Vec<(String, String)> {
    let groups = state.config.groups.iter().map(|(name, id)| (id.clone(), name.clone()));
    let pagerduty = state.config.pagerduty.then(|| (PAGERDUTY.0.to_owned(), PAGERDUTY.1.to_owned()));
    groups.chain(pagerduty).collect()
}

async fn similar(state: &State, rights: &Rights, incident: &Incident) -> Result<Vec<String>> {
    let text = format!("{} {}", incident.service, incident.alert.name);
    let found = state.store.similar(&text, SIMILAR_MAX + 1).await?;
    let mut others = Vec::new();
    for past in found.into_iter().filter(|past| past.incident != incident.id).take(SIMILAR_MAX) {
        if state.store.incident(past.incident).await?.is_some_and(|known| rights.reads(state, &known)) {
            let what = if past.cause.is_empty() { &past.title } else { &past.cause };
            others.push(format!("{} ({}): {what}", past.incident, past.opened_at.strftime("%-d %b")));
        }
    }
    Ok(others)
}

async fn details_view(state: &State, incident: &Incident, page: usize) -> Result<Value> {
    let investigation = match incident.investigation {
        Some(investigation) => state.store.investigation(investigation).await?,
        None => None,
    };
    let mut parts = match &investigation {
        Some(investigation) => report::details(investigation),
        None if incident.investigation.is_none() => {
            vec![Part::Section(Text::new().plain("It was over when it was first seen, so nobody looked into it. What is known:"))]
        }
        None => vec![Part::Section(Text::new().plain("The investigation has not finished yet. What is known so far:"))],
    };
    parts.push(Part::Divider);
    parts.extend(report::known(incident));
    let id = incident.id.to_string();
    let mut page = report::details_page(&parts, page, &id);
    if investigation.is_some() {
        page.push(Part::Actions(vec![exports::button(incident.id)]));
    }
    Ok(blocks::modal(&id, &page))
}

/// Shows in the open form what the chosen scope would cover.
pub fn preview(state: &State, payload: &Payload) {
    let Some(view) = &payload.view else { return };
    let (Some(context), Some(scope)) = (view.context(), view.filled("covers").and_then(|word| Scope::from_word(&word))) else {
        state.metrics.unknown_event();
        return;
    };
    let asked = Asked::new(state, payload);
    update(state, payload, async move |state| {
        let Some((incident, rights)) = seen(&asked, context.incident).await? else { return Ok(None) };
        let zone = TimeZone::get(&context.zone).unwrap_or(TimeZone::UTC);
        silence_view(&state, &rights, &incident, scope, &zone, &context).await.map(Some)
    });
}

/// Another page of the details.
pub fn turn(state: &State, payload: &Payload, incident: IncidentId, page: usize) {
    let asked = Asked::new(state, payload);
    update(state, payload, async move |state| {
        let Some((incident, _)) = seen(&asked, incident).await? else { return Ok(None) };
        details_view(&state, &incident, page).await.map(Some)
    });
}

/// The incident of an open modal; nothing where it is gone, or where the person may not see it any more and is told so.
async fn seen(asked: &Asked, id: IncidentId) -> Result<Option<(Incident, Rights)>> {
    let Some(incident) = asked.state.store.incident(id).await? else { return Ok(None) };
    let rights = asked.rights().await;
    if let Err(why) = rights.need_for(&asked.state, READ, &incident).await {
        asked.answer(&why).await;
        return Ok(None);
    }
    Ok(Some((incident, rights)))
}

/// The owner was removed from within the form.
pub fn owner_goes(state: &State, payload: &Payload, incident: IncidentId) {
    update(state, payload, async move |_| {
        let text = Text::new().plain(format!("Taken down. The card of {incident} shows whose it is."));
        Ok(Some(blocks::modal(&incident.to_string(), &[Part::Section(text)])))
    });
}

/// Puts another content into the modal from which the payload came, unless it has changed since.
fn update<B, F>(state: &State, payload: &Payload, build: B)
where
    B: FnOnce(State) -> F + Send + 'static,
    F: Future<Output = Result<Option<Value>>> + Send,
{
    let Some(view) = &payload.view else { return };
    let (state, team, id, hash) = (state.clone(), payload.team().to_owned(), view.id.clone(), view.hash.clone());
    tokio::spawn(async move {
        let content = match build(state.clone()).await {
            Ok(Some(content)) => content,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "a modal's new content could not be read"),
        };
        if let Err(error) = state.slack.of(&team).client.update_view(&id, hash.as_deref(), &content).await {
            // The person chose something else meanwhile, or closed it: the newer choice has its own answer.
            tracing::info!(%error, "a modal was not updated");
        }
    });
}
