//! An incident is silenced, with everything else that the silence covers, and brought back.

use jiff::{SignedDuration, Timestamp};

use super::{Case, Decided};
use crate::{
    model::{Incident, IncidentState, Matcher, Scope, Silence, Silenced},
    pipeline::{group::note, rights},
    report::answers,
    store::{DocumentKind, DocumentUpdate, IncidentFilter, NewWork, Told},
};

/// How many other open incidents one silence takes with it.
const OTHERS_MAX: usize = 100;

/// Begins a silence: a document that outlives the process, the incidents that it covers now, and the word to the sender.
pub async fn begin(case: Case<'_>, incident: Incident, seconds: u64, reason: &str, matchers: &[Matcher]) -> anyhow::Result<Decided> {
    if incident.state.is_closed() {
        return Ok(Decided::nothing(answers::nothing(case.act, &incident, case.now)));
    }
    let matchers = if matchers.is_empty() { Scope::Alert.matchers(&incident.alert) } else { matchers.to_vec() };
    let lasts = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let Ok(until) = case.now.checked_add(lasts) else { anyhow::bail!("a silence of {seconds} s has no end") };
    let silence = Silence {
        id: format!("SIL-{}", case.id()),
        matchers,
        from: case.now,
        until,
        by: case.person.id.to_owned(),
        reason: reason.to_owned(),
        incident: incident.id,
        pushed: Vec::new(),
        ended: None,
        kept_quiet: 0,
    };
    if !silence.matches(&incident.alert) {
        return Ok(Decided::refused(answers::silence_misses(incident.id)));
    }
    let mut documents = vec![document(&silence)?];
    let mut enqueue = Vec::new();
    let priority = incident.priority;
    let mut tell = |what| enqueue.push(NewWork::now(case.tell(incident.id, what), priority));
    let earlier = incident.silenced.as_ref().map(|known| known.silence.clone());
    // A second silence takes the place of the first.
    if let Some(earlier) = &earlier
        && let Some(mut earlier) = load(case, earlier).await?
    {
        earlier.ended = Some(case.now);
        if case.ctx.silencer.takes(&incident.alert.source) {
            tell(Told::Unsilence { silence: earlier.id.clone() });
        }
        documents.push(document(&earlier)?);
    }
    if case.ctx.silencer.takes(&incident.alert.source) {
        tell(Told::Silence { silence: silence.id.clone() });
    }
    let filter = IncidentFilter { open: true, limit: 500, ..IncidentFilter::default() };
    let mut incidents = vec![silenced(incident, &silence, case.now)];
    for other in case.ctx.store.incidents(&filter).await? {
        let held = other.silenced.as_ref().map(|known| &known.silence);
        if other.id == silence.incident || incidents.len() > OTHERS_MAX {
            continue;
        } else if (held.is_none() || held == earlier.as_ref()) && silence.matches(&other.alert) {
            // What belongs to others in their channel or cluster stays loud.
            if matches!(rights::of(case.ctx, case.act, &other, case.person).await, rights::Right::Granted) {
                incidents.push(silenced(other, &silence, case.now));
            }
        } else if held.is_some() && held == earlier.as_ref() {
            // The first silence held it, the second does not.
            incidents.push(back(other, case.person.id, "ended the silence", case.now));
        }
    }
    let words: Vec<String> = silence.matchers.iter().map(|matcher| format!("{}={}", matcher.name, matcher.value)).collect();
    let detail = format!("{} until {until}: {}; {reason}", silence.id, words.join(", "));
    let mut decided = Decided::done(answers::silenced(&incidents, &silence), detail, incidents);
    decided.commit.documents = documents;
    decided.commit.enqueue = enqueue;
    Ok(decided)
}

/// Ends the incident's silence before its time, everywhere.
pub async fn end(case: Case<'_>, incident: Incident) -> anyhow::Result<Decided> {
    let Some(known) = incident.silenced.clone() else {
        return Ok(Decided::nothing(answers::nothing(case.act, &incident, case.now)));
    };
    let mut documents = Vec::new();
    let mut enqueue = Vec::new();
    if let Some(mut silence) = load(case, &known.silence).await? {
        silence.ended = Some(case.now);
        documents.push(document(&silence)?);
        if case.ctx.silencer.takes(&incident.alert.source) {
            let kind = case.tell(incident.id, Told::Unsilence { silence: silence.id });
            enqueue.push(NewWork::now(kind, incident.priority));
        }
    }
    let filter = IncidentFilter { open: true, limit: 500, ..IncidentFilter::default() };
    let same = |other: &Incident| other.silenced.as_ref().is_some_and(|silenced| silenced.silence == known.silence);
    let others = case.ctx.store.incidents(&filter).await?;
    let own = incident.id;
    let others = others.into_iter().filter(|other| other.id != own && same(other));
    let incidents: Vec<Incident> =
        std::iter::once(incident).chain(others).map(|incident| back(incident, case.person.id, "ended the silence", case.now)).collect();
    let mut decided = Decided::done(answers::unsilenced(&incidents), known.silence.clone(), incidents);
    decided.commit.documents = documents;
    decided.commit.enqueue = enqueue;
    Ok(decided)
}

/// The incident while `silence` holds; what it was before is kept.
pub fn silenced(mut incident: Incident, silence: &Silence, now: Timestamp) -> Incident {
    let before = incident.state_beneath();
    incident.state = IncidentState::Silenced;
    incident.silenced = Some(Silenced { silence: silence.id.clone(), until: silence.until, by: silence.by.clone(), before });
    let words = if silence.reason.is_empty() { String::new() } else { format!(": {}", silence.reason) };
    note(&mut incident, now, &silence.by, &format!("silenced it until {} UTC{words}", silence.until.strftime("%-d %b %H:%M")));
    incident
}

/// The incident after its silence has run out; as it is when it was not silenced.
pub fn unsilenced(incident: Incident, now: Timestamp) -> Incident {
    if incident.silenced.is_none() {
        return incident;
    }
    back(incident, "sre-agent", "the silence is over", now)
}

fn back(mut incident: Incident, by: &str, text: &str, now: Timestamp) -> Incident {
    let state = match incident.state_beneath() {
        // The report came while nobody was to be disturbed.
        IncidentState::Open | IncidentState::Investigating if incident.report.is_some() => IncidentState::Reported,
        state => state,
    };
    incident.state = state;
    incident.silenced = None;
    note(&mut incident, now, by, text);
    incident
}

async fn load(case: Case<'_>, id: &str) -> anyhow::Result<Option<Silence>> {
    let found = case.ctx.store.document(DocumentKind::Silence, id).await?;
    Ok(found.map(|found| serde_json::from_value(found.body)).transpose()?)
}

/// The silence as it is stored.
pub fn document(silence: &Silence) -> anyhow::Result<DocumentUpdate> {
    Ok(DocumentUpdate { kind: DocumentKind::Silence, key: silence.id.clone(), body: Some(serde_json::to_value(silence)?) })
}
