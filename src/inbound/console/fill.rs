//! The view models, filled from what is stored. Pure.

use crate::{
    console::views::{
        self, Act, Cause, Choice, Confidence, Decided, Deed, Diff, Evidence, Export, Feedback, Field, FieldKind, Given, IncidentLine, Mark,
        Moment, Pending, Picture, RunLine, RunStep, Similar, Step, StepState, Tone, Verification,
    },
    model::{
        Hypothesis, Incident, IncidentState, Investigation, ParameterKind, Report, Risk, Run, RunState, Runbook, StepState as Stage,
        Verdict,
    },
    report,
    runbooks::{self, Facts},
    store,
};

/// How much is listed.
const LINES_MAX: usize = 200;
const DIFF_LINES: usize = 200;
/// The lengths that a silence may have: seconds, and words.
const SILENCES: [(&str, &str); 5] =
    [("1800", "30 minutes"), ("7200", "2 hours"), ("28800", "8 hours"), ("86400", "1 day"), ("259200", "3 days")];

/// Everything about one incident.
pub struct Known<'a> {
    pub incident: &'a Incident,
    pub investigation: Option<&'a Investigation>,
    pub similar: &'a [store::Similar],
    pub runs: &'a [Run],
    pub runbooks: &'a [&'a Runbook],
    /// Whether the person may do this.
    pub may: &'a dyn Fn(&str) -> bool,
}

fn state(state: IncidentState) -> Mark {
    let tone = match state {
        IncidentState::Open | IncidentState::Reported => Tone::Warn,
        IncidentState::Investigating | IncidentState::Acknowledged => Tone::Busy,
        IncidentState::Resolved => Tone::Good,
        IncidentState::Silenced | IncidentState::FalsePositive => Tone::Neutral,
    };
    Mark::new(state.as_str().replace('_', " "), tone)
}

fn confidence(cause: &Hypothesis) -> Confidence {
    Confidence { share: cause.confidence, word: cause.confidence_word().to_owned() }
}

pub fn line(incident: &Incident) -> IncidentLine {
    let first = incident.report.as_ref().and_then(|report| report.hypotheses.first());
    IncidentLine {
        id: incident.id.to_string(),
        title: incident.title.clone(),
        cause: first.map(|cause| cause.statement.replace('`', "")),
        confidence: first.map(confidence),
        state: state(incident.state),
        priority: incident.priority.to_string(),
        service: incident.service.clone(),
        owner: incident.owner.clone(),
        opened_at: incident.opened_at,
        alerts: incident.alert_count,
    }
}

pub fn incident(known: &Known<'_>) -> views::Incident {
    let incident = known.incident;
    let may = known.may;
    let deeds: Vec<Deed> =
        incident.timeline.iter().map(|entry| Deed { at: entry.at, who: entry.actor.clone(), text: entry.text.replace('`', "") }).collect();
    let picture = known
        .investigation
        .and_then(|investigation| report::timeline_picture(incident, investigation))
        .map(|picture| Picture { src: format!("/incidents/{}/timeline.png", incident.id), alt: picture.alt.clone() });
    let forms = [Export::Markdown, Export::Json, Export::Postmortem];
    views::Incident {
        id: incident.id.to_string(),
        title: incident.title.clone(),
        headline: incident.report.as_ref().map(|report| report.headline.replace('`', "")).unwrap_or_default(),
        state: state(incident.state),
        state_line: deeds.last().map(|last| format!("{}: {}", last.who, last.text)).unwrap_or_default(),
        priority: incident.priority.to_string(),
        service: incident.service.clone(),
        namespace: incident.namespace.clone(),
        cluster: incident.alert.cluster.clone(),
        owner: incident.owner.clone(),
        opened_at: incident.opened_at,
        alerts: incident.alert_count,
        acts: acts(incident, may),
        silences: SILENCES
            .iter()
            .map(|(value, label)| Choice { value: (*value).to_owned(), label: (*label).to_owned(), chosen: *value == "7200" })
            .collect(),
        report: incident.report.as_ref().map(the_report),
        evidence: incident.report.as_ref().map(evidence).unwrap_or_default(),
        timeline: incident.report.as_ref().map(timeline).unwrap_or_default(),
        picture,
        deeds,
        runbooks: known.runbooks.iter().map(|runbook| the_runbook(runbook, incident, may("runbook:request"))).collect(),
        runs: known.runs.iter().take(LINES_MAX).map(run_line).collect(),
        feedback: Feedback { allowed: incident.report.is_some() && may("incident:feedback"), given: given(incident) },
        similar: known
            .similar
            .iter()
            .filter(|past| past.incident != incident.id)
            .map(|past| Similar {
                id: past.incident.to_string(),
                title: past.title.clone(),
                why: past.cause.replace('`', ""),
                at: past.opened_at,
            })
            .collect(),
        exports: forms.into_iter().filter(|form| *form == Export::Postmortem || known.investigation.is_some()).collect(),
    }
}

/// What can be done to it now, and the person may do.
fn acts(incident: &Incident, may: &dyn Fn(&str) -> bool) -> Vec<Act> {
    let state = incident.state_beneath();
    let mut out = Vec::new();
    let mut add = |act: Act, permission: &str, now: bool| {
        if now && may(permission) {
            out.push(act);
        }
    };
    let open = !state.is_closed();
    add(Act::Acknowledge, "incident:acknowledge", open && state != IncidentState::Acknowledged);
    add(Act::Resolve, "incident:resolve", open);
    add(Act::Reopen, "incident:reopen", !open);
    add(Act::Rerun, "incident:rerun", state != IncidentState::Investigating);
    add(Act::AssignToMe, "incident:assign", open);
    add(Act::Silence, "incident:silence", open && incident.silenced.is_none());
    out
}

fn the_report(report: &Report) -> views::Report {
    let steps = |lines: &[String]| {
        lines
            .iter()
            .map(|line| {
                let text = line.replace('`', "");
                Step { command: ["kubectl ", "helm ", "mongosh ", "db.", "rs."].iter().any(|start| text.starts_with(start)), text }
            })
            .collect()
    };
    let tone = if report.hypotheses.is_empty() { Tone::Neutral } else { Tone::Good };
    let plain = |lines: &[String]| lines.iter().map(|line| line.replace('`', "")).collect();
    views::Report {
        status: Mark::new(report.status.as_str().replace('_', " "), tone),
        took_ms: report.duration_ms,
        causes: report.hypotheses.iter().map(cause).collect(),
        impact: report.impact.replace('`', ""),
        actions: steps(&report.immediate_actions),
        prevention: steps(&report.prevention),
        ruled_out: plain(&report.ruled_out),
        gaps: plain(&report.gaps),
    }
}

fn cause(cause: &Hypothesis) -> Cause {
    Cause {
        rank: cause.rank,
        statement: cause.statement.replace('`', ""),
        category: cause.category.as_str().replace('_', " "),
        entity: if cause.entity.is_empty() { String::new() } else { cause.entity.to_string() },
        confidence: confidence(cause),
        supporting: cause.supporting.iter().map(ToString::to_string).collect(),
        contradicting: cause.contradicting.iter().map(ToString::to_string).collect(),
        falsifier: cause.falsifier.replace('`', ""),
    }
}

fn evidence(report: &Report) -> Vec<Evidence> {
    let one = |seen: &crate::model::Evidence| Evidence {
        id: seen.id.to_string(),
        kind: seen.kind.as_str().replace('_', " "),
        source: seen.source.clone(),
        query: seen.query.clone(),
        entity: if seen.entity.is_empty() { String::new() } else { seen.entity.to_string() },
        time: seen.time,
        until: seen.until,
        summary: seen.summary.replace('`', ""),
        excerpt: seen.excerpt.clone(),
        link: seen.link.clone(),
        decisive: seen.decisive,
    };
    report.evidence.iter().take(LINES_MAX).map(one).collect()
}

fn timeline(report: &Report) -> Vec<Moment> {
    let one = |item: &crate::model::TimelineItem| Moment {
        at: item.time,
        text: item.text.replace('`', ""),
        evidence: item.evidence.map(|id| id.to_string()),
    };
    report.timeline.iter().take(LINES_MAX).map(one).collect()
}

fn given(incident: &Incident) -> Vec<Given> {
    let mark = |verdict: Verdict| match verdict {
        Verdict::Correct => Mark::new("correct", Tone::Good),
        Verdict::OneHopShort => Mark::new("one hop short", Tone::Warn),
        Verdict::Wrong => Mark::new("wrong", Tone::Bad),
    };
    incident
        .feedback
        .iter()
        .map(|said| Given { at: said.at, by: said.by.clone(), verdict: mark(said.verdict), note: said.note.clone() })
        .collect()
}

fn risk(risk: Risk) -> Mark {
    Mark::new(
        risk.as_str(),
        match risk {
            Risk::Low => Tone::Neutral,
            Risk::Medium => Tone::Warn,
            Risk::High => Tone::Bad,
        },
    )
}

fn the_runbook(runbook: &Runbook, incident: &Incident, may: bool) -> views::Runbook {
    let values = runbooks::defaults(runbook, Some(&Facts { incident }));
    let fields = runbook.parameters.iter().map(|parameter| {
        let value = match values.get(&parameter.name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let options = |chosen: &str| {
            parameter
                .choices
                .iter()
                .map(|choice| Choice { value: choice.clone(), label: choice.clone(), chosen: choice == chosen })
                .collect()
        };
        Field {
            name: parameter.name.clone(),
            label: if parameter.description.is_empty() { parameter.name.clone() } else { parameter.description.clone() },
            hint: String::new(),
            required: !parameter.optional,
            kind: match parameter.kind {
                ParameterKind::Text => FieldKind::default(),
                ParameterKind::Integer => FieldKind::Number { min: parameter.least, max: parameter.most },
                ParameterKind::Choice => FieldKind::Select { options: options(&value) },
            },
            value,
            error: None,
        }
    });
    views::Runbook {
        id: runbook.id.clone(),
        title: runbook.title.clone(),
        what: runbook.description.clone(),
        risk: risk(runbook.risk),
        fields: fields.collect(),
        refusal: (!may).then(|| "this needs the permission runbook:request, and your roles do not have it".to_owned()),
    }
}

fn run_state(state: RunState) -> Mark {
    let tone = match state {
        RunState::Planning | RunState::Approved | RunState::Running | RunState::Undoing => Tone::Busy,
        RunState::Waiting | RunState::Undone | RunState::Stopped | RunState::Void => Tone::Warn,
        RunState::Done => Tone::Good,
        RunState::Failed => Tone::Bad,
        RunState::Denied | RunState::Expired => Tone::Neutral,
    };
    Mark::new(state.as_str(), tone)
}

fn run_line(run: &Run) -> RunLine {
    RunLine {
        id: run.id.to_string(),
        title: report::run_title(run),
        state: run_state(run.state),
        by: run.requested_by.id.clone(),
        at: run.requested_at,
    }
}

fn place(run: &Run) -> String {
    run.clusters.iter().filter(|cluster| !cluster.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

pub fn pending(run: &Run, refusal: Option<String>, can_deny: bool) -> Pending {
    Pending {
        id: run.id.to_string(),
        incident: run.incident.map(|incident| incident.to_string()),
        title: report::run_title(run),
        place: place(run),
        risk: risk(run.risk),
        asked_by: run.requested_by.id.clone(),
        asked_at: run.requested_at,
        expires_at: run.expires_at,
        agreed: format!("{} of {}", run.approvers().count(), run.needed),
        diff: Diff::read(&report::diff_text(run), DIFF_LINES),
        verify: vec![report::verified_by(run)],
        hash: run.hash.clone(),
        refusal,
        can_deny,
    }
}

/// A run that people have decided about, or let expire.
pub fn decided(run: &Run) -> Option<Decided> {
    let (word, tone) = match run.state {
        RunState::Planning | RunState::Waiting => return None,
        RunState::Denied => ("denied", Tone::Bad),
        RunState::Expired => ("expired", Tone::Neutral),
        _ if run.decisions.is_empty() => return None,
        _ => ("approved", Tone::Good),
    };
    let last = run.decisions.last();
    Some(Decided {
        id: run.id.to_string(),
        title: report::run_title(run),
        place: place(run),
        outcome: Mark::new(word, tone),
        by: last.map(|decision| decision.by.id.clone()).unwrap_or_default(),
        at: last.map_or(run.expires_at, |decision| decision.at),
        reason: run.detail.clone(),
    })
}

pub fn run(run: &Run) -> views::Run {
    let steps = run.steps.iter().map(|step| RunStep {
        title: step.name.clone(),
        state: match step.state {
            Stage::Waiting => StepState::Waiting,
            Stage::Begun | Stage::Verifying => StepState::Running,
            Stage::Done => StepState::Done,
            Stage::Failed => StepState::Failed,
            Stage::Undone => StepState::RolledBack,
            Stage::Skipped => StepState::Skipped,
        },
        began: step.begun_at,
        ended: step.ended_at,
        said: step.outcome.clone(),
    });
    let verification = run.ended_at.filter(|_| run.state.is_over() && !run.detail.is_empty()).map(|at| Verification {
        result: if run.state == RunState::Done { Mark::new("it worked", Tone::Good) } else { run_state(run.state) },
        said: run.detail.clone(),
        at,
    });
    views::Run {
        id: run.id.to_string(),
        title: report::run_title(run),
        incident: run.incident.map(|incident| incident.to_string()),
        place: place(run),
        risk: risk(run.risk),
        state: run_state(run.state),
        asked_by: run.requested_by.id.clone(),
        asked_at: run.requested_at,
        approved_by: run.approvers().map(|decision| decision.by.id.clone()).collect(),
        ended_at: run.ended_at,
        steps: steps.collect(),
        verification,
        diff: Diff::read(&report::diff_text(run), DIFF_LINES),
        hash: run.hash.clone(),
    }
}
