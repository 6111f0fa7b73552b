use jiff::Timestamp;

use super::{card, conclude, details, findings, json, markdown, text, words};
use crate::model::{
    Action, ActionKind, Alert, Category, Entity, Evidence, EvidenceId, EvidenceKind, Hypothesis, Incident, IncidentId, IncidentState,
    Investigation, InvestigationId, InvestigationStatus, Message, Part, Priority, Request, Routing, Span, Text, ToolCall,
};

pub fn at(time: &str) -> Timestamp {
    format!("2026-01-15T{time}Z").parse().unwrap()
}

fn evidence(id: u32, kind: EvidenceKind, time: &str, summary: &str, excerpt: &str) -> Evidence {
    Evidence {
        id: EvidenceId(id),
        kind,
        source: "pods.json".into(),
        query: String::new(),
        entity: Entity::new("Pod", "shop", "checkout-1"),
        time: Some(at(time)),
        until: None,
        summary: summary.into(),
        excerpt: excerpt.into(),
        link: None,
        decisive: true,
    }
}

fn cause(rank: u32, statement: &str, confidence: f64, supporting: &[u32]) -> Hypothesis {
    Hypothesis {
        rank,
        category: Category::OomKilled,
        statement: statement.into(),
        entity: Entity::new("Deployment", "shop", "checkout"),
        confidence,
        supporting: supporting.iter().copied().map(EvidenceId).collect(),
        contradicting: Vec::new(),
        falsifier: "the pods stay up with 128Mi".into(),
        remediation: vec!["roll back: `kubectl rollout undo deployment/checkout -n shop`".into()],
        prevention: vec!["keep the limit above the heap".into()],
    }
}

pub fn investigation() -> Investigation {
    Investigation {
        id: InvestigationId(1u128.into()),
        request: Request::alert(Alert { name: "KubePodCrashLooping".into(), service: "checkout".into(), ..Alert::default() }),
        status: InvestigationStatus::Complete,
        routing: Routing { agents: vec!["infrastructure".into()], reasons: vec!["name `KubePodCrashLooping` is a pod's".into()] },
        tool_calls: vec![ToolCall {
            tool: "kubernetes_objects".into(),
            agent: "infrastructure".into(),
            arguments: serde_json::Value::Null,
            duration_ms: 4,
            digest: "12 objects".into(),
            error: None,
            calls: 0,
            bytes: 0,
        }],
        evidence: vec![
            evidence(1, EvidenceKind::Change, "14:02:10", "revision 17 → 18: limits.memory 512Mi → 128Mi", ""),
            evidence(2, EvidenceKind::Condition, "14:03:11", "last state OOMKilled, exit 137", "reason: OOMKilled"),
            evidence(3, EvidenceKind::LogPattern, "14:03:30", "502 from checkout ×116", "GET /cart 502 <script>"),
        ],
        hypotheses: vec![
            cause(1, "Rollout 18 lowered the memory limit of `deployment/checkout` from 512Mi to 128Mi", 0.91, &[2, 1]),
            cause(2, "A memory leak", 0.31, &[3]),
        ],
        impact: "3 of 3 pods are not ready".into(),
        gaps: vec!["Loki did not answer in 8 s".into()],
        ruled_out: vec!["node memory pressure".into()],
        activity: crate::model::Activity::default(),
        narrowed: String::new(),
        now: Some(at("14:21:00")),
        duration_ms: 1234,
    }
}

pub fn incident(state: IncidentState) -> Incident {
    let alert = Alert {
        name: "KubePodCrashLooping".into(),
        summary: "Pod is crash looping".into(),
        starts_at: Some(at("14:03:00")),
        ..Alert::default()
    };
    Incident {
        id: IncidentId(42),
        version: 1,
        state,
        fingerprint: "f".into(),
        title: "t".into(),
        service: "checkout".into(),
        namespace: "shop".into(),
        priority: Priority::P0,
        alert_count: 3,
        channel: "C1".into(),
        agents: vec!["infrastructure".into(), "database".into()],
        ..Incident::opened(alert, at("14:20:00"))
    }
}

fn button(action: &Action) -> String {
    match &action.kind {
        ActionKind::More(choices) => {
            format!("[⋮ {}]", choices.iter().map(|choice| choice.label.as_str()).collect::<Vec<_>>().join(" | "))
        }
        _ => format!("[{}]", action.label),
    }
}

/// The message as a reader would copy it.
pub fn reading(message: &Message) -> String {
    let spans = |text: &Text| -> String {
        text.0
            .iter()
            .map(|span| match span {
                Span::Plain(text) => text.clone(),
                Span::Bold(text) => format!("*{text}*"),
                Span::Code(text) => format!("`{text}`"),
                Span::Link { text, .. } => text.clone(),
                Span::User(id) | Span::Group(id) => format!("@{id}"),
                Span::Time(at) => at.strftime("%H:%M").to_string(),
                Span::Evidence(id) => format!("[{id}]"),
                Span::Emoji(name) => format!(":{name}:"),
            })
            .collect()
    };
    let parts = message.parts.iter().map(|part| match part {
        Part::Header(text) => format!("# {text}"),
        Part::Section(text) => spans(text),
        Part::Item(text, action) => format!("{}  [{}]", spans(text), action.label),
        Part::Plan { title, tasks } => {
            tasks.iter().fold(format!("{title}:"), |out, task| format!("{out}\n- {} ({:?})", task.title, task.state))
        }
        Part::Feedback { good, bad, .. } => format!("[{good}] [{bad}]"),
        Part::Input(input) => format!("{}: ____", input.label),
        Part::Context(text) => format!("({})", spans(text)),
        Part::Excerpt(text) => format!("> {text}"),
        Part::Table { rows, .. } => rows.iter().map(|row| format!("| {}", row.join(" | "))).collect::<Vec<_>>().join("\n"),
        Part::Actions(actions) => actions.iter().map(button).collect::<Vec<_>>().join(" "),
        Part::Divider => "---".into(),
    });
    format!("{}\n\n{}", message.text, parts.collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_report_says_the_cause_first_and_proves_it() {
    let investigation = investigation();
    let report = conclude(&investigation, vec!["INC-17 (12 Oct): limit lowered".into()]);
    insta::assert_snapshot!(reading(&findings(IncidentId(42), &report)), @r"
    INC-42 root cause: Rollout 18 lowered the memory limit of deployment/checkout from 512Mi to 128Mi (confidence high)

    *Root cause*  ·  confidence high (0.91)  ·  `oom_killed`
    Rollout 18 lowered the memory limit of `deployment/checkout` from 512Mi to 128Mi  [E2] [E1]
    | E2 condition | last state OOMKilled, exit 137 | 14:03:11
    | E1 change | revision 17 → 18: limits.memory 512Mi → 128Mi | 14:02:10
    | E3 log | 502 from checkout ×116 | 14:03:30
    > reason: OOMKilled
    *Impact*  3 of 3 pods are not ready
    *Do now*  roll back: `kubectl rollout undo deployment/checkout -n shop`
    *Prevent*  keep the limit above the heap
    (*Other causes*  2. A memory leak (0.31))
    [All evidence (3)] [Run again]
    (Ruled out: node memory pressure.
    Could not check: Loki did not answer in 8 s.
    Rules only, 1 query in 1.2 s  ·  like INC-17 (12 Oct): limit lowered
    Asked infrastructure: name `KubePodCrashLooping` is a pod's)
    ");
}

#[test]
fn no_problem_is_an_answer_that_says_what_was_looked_at() {
    let empty = Investigation {
        status: InvestigationStatus::NoProblemFound,
        evidence: Vec::new(),
        hypotheses: Vec::new(),
        impact: String::new(),
        gaps: Vec::new(),
        ..investigation()
    };
    let shown = reading(&findings(IncidentId(42), &conclude(&empty, Vec::new())));
    assert!(shown.starts_with("INC-42: No problem found in what could be checked"), "{shown}");
    assert!(shown.contains("Looked at 1 source with infrastructure"), "{shown}");
    assert!(!shown.contains("Root cause"), "{shown}");
}

#[test]
fn the_card_shows_the_state_and_the_acts_that_fit_it() {
    let cards: Vec<String> = [IncidentState::Investigating, IncidentState::Reported, IncidentState::Acknowledged, IncidentState::Resolved]
        .into_iter()
        .map(|state| {
            let mut incident = incident(state);
            if state != IncidentState::Investigating {
                incident.report = Some(conclude(&investigation(), Vec::new()));
                incident.reported_at = Some(at("14:20:01"));
            }
            if state == IncidentState::Acknowledged {
                incident.owner = Some("U1".into());
            }
            incident.resolved_at = (state == IncidentState::Resolved).then(|| at("15:25:00"));
            reading(&card(&incident))
        })
        .collect();
    insta::assert_snapshot!(cards.join("\n======\n"), @r"
    INC-42 checkout: Pod is crash looping

    :red_circle: *INC-42 · checkout* · P0
    Pod is crash looping
    (*Looking* with infrastructure, database  ·  no owner yet  ·  3 alerts  ·  since 14:03)
    [Acknowledge] [Resolve] [Silence…] [⋮ Assign… | Escalate… | Runbooks and similar… | What is known…]
    ======
    INC-42 checkout: Rollout 18 lowered the memory limit of deployment/checkout from 512Mi to 128Mi

    :red_circle: *INC-42 · checkout* · P0
    Rollout 18 lowered the memory limit of deployment/checkout from 512Mi to 128Mi
    (*Reported* after 1.0 s  ·  no owner yet  ·  3 alerts  ·  since 14:03)
    [Acknowledge] [Resolve] [Silence…] [⋮ Assign… | Escalate… | Run again | Runbooks and similar… | Details…]
    ======
    INC-42 checkout: Rollout 18 lowered the memory limit of deployment/checkout from 512Mi to 128Mi

    :large_blue_circle: *INC-42 · checkout* · P0
    Rollout 18 lowered the memory limit of deployment/checkout from 512Mi to 128Mi
    (*Acknowledged*  ·  owner @U1  ·  3 alerts  ·  since 14:03)
    [Unacknowledge] [Resolve] [Silence…] [⋮ Assign… | Escalate… | Run again | Runbooks and similar… | Details…]
    ======
    INC-42 checkout: Rollout 18 lowered the memory limit of deployment/checkout from 512Mi to 128Mi

    :large_green_circle: *INC-42 · checkout* · P0
    Rollout 18 lowered the memory limit of deployment/checkout from 512Mi to 128Mi
    (*Resolved* after 65 min  ·  3 alerts  ·  since 14:03)
    [Reopen] [⋮ Assign… | Run again | Runbooks and similar… | Details…]
    ");
}

#[test]
fn details_hold_every_piece_with_its_own_words() {
    let message = Message { text: String::new(), parts: details(&investigation()) };
    let shown = reading(&message);
    for wanted in [
        "1. oom_killed · 0.91",
        "Would be refuted by: the pods stay up",
        "> GET /cart 502",
        "could not check: Loki",
        "infrastructure asked kubernetes_objects: 12 objects",
    ] {
        assert!(shown.contains(wanted), "{wanted} is not in {shown}");
    }
}

#[test]
fn text_markdown_and_json_hold_the_same_report() {
    let investigation = investigation();
    let report = conclude(&investigation, Vec::new());
    for shown in [text(&report), markdown(&report)] {
        for wanted in ["512Mi to 128Mi", "E2", "3 of 3 pods", "kubectl rollout undo", "Loki did not answer", "node memory pressure"] {
            assert!(shown.contains(wanted), "{wanted} is not in {shown}");
        }
    }
    let value = json(&investigation, &report);
    assert_eq!(value["schema"], 1);
    assert_eq!(value["hypotheses"][0]["supporting"][0], "E2");
    assert_eq!(value["timeline"][0]["evidence"], "E1");
    assert_eq!(value["durations_ms"]["total"], 1234);
}

#[test]
fn durations_and_cuts_read_well() {
    let shown: Vec<String> = [0.048, 1.24, 42.0, 1080.0, 7500.0, 300_000.0].into_iter().map(words::duration).collect();
    assert_eq!(shown, ["48 ms", "1.2 s", "42 s", "18 min", "2 h 5 min", "3 d"]);
    assert_eq!(words::short("one two\nthree", 100), "one two three");
    assert_eq!(words::short("one two, three four", 10), "one two…");
}
