//! What people see while they wait: one plan that fills in, a line for each agent.

use crate::model::{IncidentId, Message, Part, Task, TaskState, Text};

use super::words::{count, short};

/// Slack takes 256 characters for a step; what is read at a glance is shorter.
const TITLE_MAX: usize = 140;
const REASON_MAX: usize = 160;

/// An investigation while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looking {
    /// What is looked at.
    pub subject: String,
    /// Why these agents; may be empty.
    pub reason: String,
    pub agents: Vec<Looker>,
}

/// One agent at work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looker {
    pub name: String,
    /// It has begun.
    pub asked: bool,
    /// The tools whose answers it waits for.
    pub waits: Vec<String>,
    /// The tools that gave no answer, each with why.
    pub failed: Vec<(String, String)>,
    /// How many findings, and the most telling one.
    pub judged: Option<(usize, Option<String>)>,
}

/// The plan as it stands.
pub fn progress(incident: IncidentId, looking: &Looking) -> Message {
    let names: Vec<&str> = looking.agents.iter().map(|agent| agent.name.as_str()).collect();
    let subject = short(&looking.subject, 80);
    let tasks = looking.agents.iter().map(|agent| Task {
        id: agent.name.clone(),
        title: short(&format!("{}: {}", agent.name, says(agent)), TITLE_MAX),
        state: state(agent),
    });
    let mut parts = vec![Part::Plan { title: format!("Looking at {subject}"), tasks: tasks.collect() }];
    if !looking.reason.is_empty() {
        parts.push(Part::Context(Text::new().plain(short(&looking.reason, REASON_MAX))));
    }
    Message { text: format!("{incident}: looking at {subject} with {}", names.join(", ")), parts }
}

/// An agent that found something has done its work, even where a source was missing; the report names the gap.
fn state(agent: &Looker) -> TaskState {
    match &agent.judged {
        None if agent.asked => TaskState::Running,
        None => TaskState::Pending,
        Some((0, _)) if !agent.failed.is_empty() => TaskState::Failed,
        Some(_) => TaskState::Done,
    }
}

fn says(agent: &Looker) -> String {
    let mut words = match &agent.judged {
        Some((0, _)) if !agent.failed.is_empty() => String::new(),
        Some((0, _)) => "nothing suspicious".to_owned(),
        Some((findings, Some(first))) => format!("{}: {}", count(*findings as u64, "finding"), first.replace('`', "")),
        Some((findings, None)) => count(*findings as u64, "finding"),
        None if !agent.asked => "waits".to_owned(),
        None if agent.waits.is_empty() => "judging the evidence".to_owned(),
        None => format!("asking {}", listed(&agent.waits)),
    };
    for (tool, why) in &agent.failed {
        let failed = format!("{} did not answer ({})", spoken(tool), short(why, 60));
        // A failure comes before a long finding, so that it is not what gets cut.
        words = if words.is_empty() { failed } else { format!("{failed}; {words}") };
    }
    words
}

fn listed(tools: &[String]) -> String {
    tools.iter().map(|tool| spoken(tool)).collect::<Vec<_>>().join(", ")
}

/// A tool's name as people say it.
fn spoken(tool: &str) -> String {
    tool.replace('_', " ").replace("kubernetes", "Kubernetes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looker(name: &str) -> Looker {
        Looker { name: name.to_owned(), asked: true, ..Looker::default() }
    }

    fn lines(agents: Vec<Looker>) -> Vec<String> {
        let looking = Looking { subject: "checkout".into(), reason: "by name".into(), agents };
        let message = progress(IncidentId(42), &looking);
        let Some(Part::Plan { tasks, .. }) = message.parts.first() else { panic!("a plan first") };
        tasks.iter().map(|task| format!("{:?} {}", task.state, task.title)).collect()
    }

    #[test]
    fn each_agent_says_what_it_does() {
        let waiting = Looker { asked: false, ..looker("network") };
        let asking = Looker { waits: vec!["kubernetes_events".into(), "metrics".into()], ..looker("infrastructure") };
        let judging = looker("database");
        let found = Looker { judged: Some((3, Some("`checkout` was OOM-killed".into()))), ..looker("application") };
        assert_eq!(
            lines(vec![waiting, asking, judging, found]),
            [
                "Pending network: waits",
                "Running infrastructure: asking Kubernetes events, metrics",
                "Running database: judging the evidence",
                "Done application: 3 findings: checkout was OOM-killed",
            ]
        );
    }

    #[test]
    fn a_source_that_failed_is_said() {
        let failed = vec![("metrics".to_owned(), "no answer in 8 s".to_owned())];
        let empty = Looker { failed: failed.clone(), judged: Some((0, None)), ..looker("database") };
        let found = Looker { failed, judged: Some((1, Some("a pod was killed".into()))), ..looker("infrastructure") };
        assert_eq!(
            lines(vec![empty, found]),
            [
                "Failed database: metrics did not answer (no answer in 8 s)",
                "Done infrastructure: metrics did not answer (no answer in 8 s); 1 finding: a pod was killed",
            ]
        );
    }

    #[test]
    fn the_lock_screen_says_it_in_a_sentence() {
        let message =
            progress(IncidentId(7), &Looking { subject: "Checkout".into(), reason: String::new(), agents: vec![looker("network")] });
        assert_eq!(message.text, "INC-7: looking at Checkout with network");
        assert_eq!(message.parts.len(), 1, "no empty small print");
    }
}
