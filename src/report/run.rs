//! A run of a runbook, as people see it: what exactly would be done, who agreed, how far it is and what came of it.

use crate::model::{
    Action, ActionStyle, Check, Form, Incident, Input, InputKind, Message, Operation, Parameter, ParameterKind, Part, Run, RunState,
    RunStep, Runbook, StepState, Text, is_slack_user,
};

use super::words::{count, short};

/// How much of a dry run a message shows. Slack takes 3,000 characters in one element.
const DIFF_CHARS: usize = 2600;
const SENTENCE_MAX: usize = 240;
/// How many digits of the hash a button carries; a decision without them does not count.
const HASH_DIGITS: usize = 24;
/// How many runbooks one message offers.
const OFFERED_MAX: usize = 4;

/// What a run is about: `shop/checkout`, `node worker-1`.
fn subject(operation: &Operation) -> String {
    let path = |namespace: &str, name: &str| format!("{namespace}/{name}");
    match operation {
        Operation::RolloutRestart(of) => of.path(),
        Operation::Rollback(of) => path(&of.namespace, &of.name),
        Operation::Scale(of) => path(&of.namespace, &of.name),
        Operation::PatchResources(of) => path(&of.namespace, &of.name),
        Operation::DeletePod { namespace, name, .. } => path(namespace, name),
        Operation::Cordon { node, .. } | Operation::Uncordon { node, .. } => format!("node {node}"),
        Operation::KillOp { deployment, opid } => format!("{deployment} operation {opid}").trim().to_owned(),
        Operation::StepDown { deployment, .. } => deployment.clone(),
        Operation::Profiler { database, .. } => format!("database {database}"),
        Operation::Silence { alertmanager, .. } => alertmanager.clone(),
        Operation::Http { target, .. } => target.clone(),
        Operation::WaitUntil(_) | Operation::Note { .. } => String::new(),
    }
}

/// `Roll back the workload shop/checkout`.
pub fn run_title(run: &Run) -> String {
    let what = run.steps.iter().map(|step| subject(&step.operation)).find(|subject| !subject.is_empty()).unwrap_or_default();
    if what.is_empty() { run.title.clone() } else { format!("{} {what}", run.title) }
}

fn titled(run: &Run) -> Text {
    let what = run.steps.iter().map(|step| subject(&step.operation)).find(|subject| !subject.is_empty()).unwrap_or_default();
    let text = Text::new().bold(run.title.clone());
    if what.is_empty() { text } else { text.plain(" ").code(what) }
}

fn who(text: Text, id: &str) -> Text {
    if is_slack_user(id) { text.user(id) } else { text.code(short(id, 80)) }
}

fn head(run: &Run) -> Text {
    let mut text = titled(run).plain(format!("  ·  risk {}", run.risk));
    if let Some(incident) = run.incident {
        text = text.plain(format!("  ·  {incident}"));
    }
    who(text.plain("\nasked by "), &run.requested_by.id).plain(" at ").time(run.requested_at)
}

/// What still has to happen before it runs.
fn wanted(run: &Run) -> String {
    match (run.missing(), run.own) {
        (1, true) => "You or somebody else must approve.".to_owned(),
        (1, false) => "A second person must approve.".to_owned(),
        (more, _) => format!("{} must approve.", count(u64::from(more), "more person").replace("persons", "people")),
    }
}

/// The dry run, as the systems said it.
pub fn diff_text(run: &Run) -> String {
    let mut out = String::new();
    for (at, step) in run.steps.iter().enumerate() {
        let preview = &step.preview;
        if run.steps.len() > 1 {
            out.push_str(&format!("{}. {}\n", at + 1, step.name));
        }
        out.push_str(&preview.place);
        out.push('\n');
        for line in &preview.diff {
            out.push_str(line);
            out.push('\n');
        }
        if !preview.effect.is_empty() {
            out.push_str(&preview.effect);
            out.push('\n');
        }
    }
    let cut: String = out.chars().take(DIFF_CHARS).collect();
    if cut.len() < out.len() { format!("{cut}\n… the rest is in the run's page") } else { cut.trim_end().to_owned() }
}

/// How it will be seen that it worked.
pub fn verified_by(run: &Run) -> String {
    let words: Vec<String> = run.steps.iter().flat_map(|step| step.checks.iter()).map(check_words).collect();
    let mut words = words;
    words.dedup();
    let undo =
        if run.steps.iter().any(|step| step.rollback) { "what can be taken back is, and it says so" } else { "it stops and says so" };
    if words.is_empty() {
        "Nothing can be checked afterwards.".to_owned()
    } else {
        format!("Verified afterwards: {}, else {undo}.", words.join(", "))
    }
}

fn check_words(check: &Check) -> String {
    match check {
        Check::Ready { stable_seconds, .. } => format!("all pods ready and no restart for {stable_seconds} s"),
        Check::PodGone { .. } => "the pod is gone".to_owned(),
        Check::Schedulable { schedulable, .. } => format!("the node is {}", if *schedulable { "schedulable" } else { "cordoned" }),
        Check::OpGone { .. } => "the operation has ended".to_owned(),
        Check::OtherPrimary { .. } => "another member is primary".to_owned(),
        Check::ProfilerLevel { level, .. } => format!("the profiler is at level {level}"),
        Check::Silenced { .. } => "the silence holds".to_owned(),
        Check::Json { target, pointer, .. } => {
            format!("{target} says so{}", if pointer.is_empty() { String::new() } else { format!(" at {pointer}") })
        }
    }
}

/// The run's message as it is now; edited in place for its whole life.
pub fn run_message(run: &Run) -> Message {
    let mut parts = Vec::new();
    match run.state {
        RunState::Waiting => {
            let text = head(run).plain(", expires ").time(run.expires_at).plain(format!(". {}", wanted(run)));
            parts.push(Part::Section(approvers(text, run)));
            parts.push(Part::Excerpt(diff_text(run)));
            parts.push(Part::Actions(buttons(run)));
            parts.push(Part::Context(Text::new().plain(format!("{}  ·  action {} in the audit log", verified_by(run), run.short_hash()))));
        }
        RunState::Planning => parts.push(Part::Section(head(run).plain(". The dry run is being made."))),
        _ => {
            parts.push(Part::Section(approvers(head(run), run)));
            if run.steps.iter().any(|step| !step.preview.diff.is_empty()) {
                parts.push(Part::Excerpt(diff_text(run)));
            }
            parts.push(Part::Context(progress(run)));
        }
    }
    Message { text: run_sentence(run), parts }
}

fn approvers(text: Text, run: &Run) -> Text {
    let mut text = text;
    for (at, decision) in run.decisions.iter().enumerate() {
        let word = if decision.approves { "approved by " } else { "denied by " };
        text = text.plain(if at == 0 { "\n" } else { ", " }).plain(word);
        text = who(text, &decision.by.id).plain(" ").time(decision.at);
    }
    text
}

fn buttons(run: &Run) -> Vec<Action> {
    let value = format!("{} {}", run.id, run.hash.get(..HASH_DIGITS).unwrap_or(&run.hash));
    let place = if run.clusters.iter().all(String::is_empty) { String::new() } else { format!(" on {}", run.clusters.join(", ")) };
    let title = short(&format!("Run{place}?"), 90);
    let says = short(&run.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", then "), 250);
    vec![
        Action::button("run_approve", "Approve and run", value.clone()).styled(ActionStyle::Primary).confirmed(&title, &says, "Run it"),
        Action::button("run_deny", "Deny", value).styled(ActionStyle::Danger),
    ]
}

fn progress(run: &Run) -> Text {
    let mut text = Text::new().plain(state_word(run.state));
    for step in run.steps.iter().filter(|step| step.state != StepState::Waiting) {
        text = text.plain(format!("  ·  {}: {}", short(&step.name, 60), step_word(step)));
    }
    let told = run.steps.iter().any(|step| !step.outcome.is_empty() && run.detail.contains(&step.outcome));
    if run.state.is_over() && !run.detail.is_empty() && !told {
        text = text.plain(format!("  ·  {}", short(&run.detail, 600)));
    }
    if run.hash.is_empty() { text } else { text.plain(format!("  ·  action {} in the audit log", run.short_hash())) }
}

fn step_word(step: &RunStep) -> String {
    let word = step.state.as_str();
    if step.outcome.is_empty() { word.to_owned() } else { format!("{word}, {}", short(&step.outcome, 160)) }
}

fn state_word(state: RunState) -> &'static str {
    match state {
        RunState::Planning => "The dry run is being made",
        RunState::Waiting => "Waiting for approval",
        RunState::Approved => "Approved",
        RunState::Running => "Running",
        RunState::Undoing => "It did not work; taking it back",
        RunState::Done => "Done and verified",
        RunState::Failed => "Failed",
        RunState::Undone => "It did not work and was taken back",
        RunState::Denied => "Denied",
        RunState::Stopped => "Stopped",
        RunState::Expired => "Expired: nobody approved it in time",
        RunState::Void => "Not run",
    }
}

/// One sentence: for lock screens and the incident's timeline.
pub fn run_sentence(run: &Run) -> String {
    let title = run_title(run);
    let why = if run.detail.is_empty() { String::new() } else { format!(": {}", short(&run.detail, SENTENCE_MAX)) };
    match run.state {
        RunState::Planning => format!("{title}: the dry run is being made"),
        RunState::Waiting => format!("Approval needed: {title}"),
        RunState::Approved => format!("Approved: {title}"),
        RunState::Running => format!("Running: {title}"),
        RunState::Undoing => format!("Taking back: {title}{why}"),
        RunState::Done => format!("Done: {title}{why}"),
        RunState::Failed => format!("Failed: {title}{why}"),
        RunState::Undone => format!("Taken back: {title}{why}"),
        RunState::Denied => format!("Denied: {title}"),
        RunState::Stopped => format!("Stopped: {title}{why}"),
        RunState::Expired => format!("Expired: {title}"),
        RunState::Void => format!("Not run: {title}{why}"),
    }
}

/// The line that people are told of when it is over.
pub fn run_outcome(run: &Run) -> Message {
    let (mark, word) = match run.state {
        RunState::Done => ("white_check_mark", ""),
        RunState::Undone => ("leftwards_arrow_with_hook", "Taken back:"),
        RunState::Void => ("no_entry_sign", "Not run:"),
        RunState::Stopped => ("octagonal_sign", "Stopped:"),
        _ => ("x", "Failed:"),
    };
    let mut text = Text::new().emoji(mark).plain(" ");
    if !word.is_empty() {
        text = text.bold(word).plain(" ");
    }
    text.0.extend(titled(run).0);
    let mut line: Vec<Text> = Vec::new();
    for (at, decision) in run.approvers().enumerate() {
        let lead = Text::new().plain(if at == 0 { "approved by " } else { "and by " });
        line.push(who(lead, &decision.by.id).plain(" ").time(decision.at));
    }
    let began = run.steps.iter().find_map(|step| step.begun_at);
    if let (Some(began), Some(ended)) = (began, run.ended_at) {
        line.push(Text::new().plain("ran ").time(began).plain(" – ").time(ended));
    }
    if !run.detail.is_empty() {
        let lead = if run.state == RunState::Done { "verified: " } else { "" };
        line.push(Text::new().plain(format!("{lead}{}", short(&run.detail, 600))));
    }
    for (at, piece) in line.into_iter().enumerate() {
        text = text.plain(if at == 0 { "\n" } else { "  ·  " });
        text.0.extend(piece.0);
    }
    Message { text: run_sentence(run), parts: vec![Part::Section(text)] }
}

/// Buttons for the runbooks that fit an incident; `None` where none does.
pub fn offered(incident: &Incident, runbooks: &[&Runbook]) -> Option<Part> {
    let button = |runbook: &&Runbook| {
        let id = format!("prepare_{}", runbook.id);
        Action::button(&id, format!("{}…", short(&runbook.title, 70)), format!("{} {}", incident.id, runbook.id))
    };
    let buttons: Vec<Action> = runbooks.iter().take(OFFERED_MAX).map(button).collect();
    (!buttons.is_empty()).then_some(Part::Actions(buttons))
}

/// "Roll back the workload…": what it needs to know, as the evidence has it.
pub fn prepare(
    incident: &Incident,
    runbook: &Runbook,
    values: &std::collections::BTreeMap<String, serde_json::Value>,
    context: String,
) -> Form {
    let about = Text::new()
        .bold(runbook.title.clone())
        .plain(format!("  ·  risk {}  ·  {}\n{}", runbook.risk, incident.id, short(&runbook.description, 400)))
        .plain("\nNothing is changed yet: a dry run comes first, and somebody must approve it.");
    let mut parts = vec![Part::Section(about)];
    for parameter in &runbook.parameters {
        parts.push(Part::Input(input(parameter, values.get(&parameter.name))));
    }
    Form { callback: "runbook".to_owned(), title: format!("Prepare · {}", incident.id), submit: "Dry run".to_owned(), context, parts }
}

fn input(parameter: &Parameter, value: Option<&serde_json::Value>) -> Input {
    let shown = match value {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let kind = match parameter.kind {
        ParameterKind::Choice => InputKind::Menu {
            choices: parameter.choices.iter().map(|choice| crate::model::Choice { label: choice.clone(), value: choice.clone() }).collect(),
            chosen: Some(shown).filter(|shown| !shown.is_empty()),
        },
        ParameterKind::Text | ParameterKind::Integer => InputKind::Text { value: shown, placeholder: String::new(), lines: false },
    };
    let bounds = match (parameter.least, parameter.most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => String::new(),
    };
    Input {
        id: parameter.name.clone(),
        label: short(if parameter.description.is_empty() { &parameter.name } else { &parameter.description }, 140),
        hint: bounds,
        optional: parameter.optional,
        live: false,
        kind,
    }
}

/// The runs that wait or go on, and the last ones.
pub fn runs(found: &[Run]) -> Message {
    if found.is_empty() {
        return super::help::sentence("No runbook has been run yet. `runbook INC-42` shows those that fit an incident.");
    }
    let header = ["Run", "State", "What", "Asked by", "Hash"].map(str::to_owned).to_vec();
    let rows = found
        .iter()
        .take(20)
        .map(|run| {
            let id = run.id.to_string();
            vec![
                id,
                run.state.as_str().to_owned(),
                short(&run_title(run), 80),
                short(&run.requested_by.id, 40),
                run.hash.get(..12).unwrap_or("–").to_owned(),
            ]
        })
        .collect();
    Message { text: count(found.len() as u64, "run"), parts: vec![Part::Table { header, rows }] }
}
