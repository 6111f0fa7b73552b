//! Approval: pure decisions about who may agree, for how long and to exactly what. What they come to is a value,
//! [`Approved`], without which nothing is changed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Caller, Decision, Risk, Run, RunState, StepState};

/// What the settings say about approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How long people may take, and what was approved may wait.
    pub expires: SignedDuration,
    /// Roles that may approve a risk; everybody with the right to approve where none is named.
    pub roles: Vec<(Risk, Vec<String>)>,
}

impl Default for Terms {
    fn default() -> Self {
        // Source: the reliability contract, "Approval abuse".
        Self { expires: SignedDuration::from_mins(15), roles: vec![(Risk::High, vec!["admin".to_owned(), "developer".to_owned()])] }
    }
}

impl Terms {
    /// Whether people with these roles may approve the risk.
    pub fn roles_for(&self, risk: Risk) -> &[String] {
        self.roles.iter().find(|(of, _)| *of == risk).map_or(&[], |(_, roles)| roles.as_slice())
    }

    /// How many must agree, and whether the one who asked may be the one: alone only where little can break.
    pub fn people(risk: Risk, wanted: Option<u32>, by: &Caller) -> (u32, bool) {
        // Where a machine asks for what can break much, there are two people all the same.
        let least = if risk == Risk::High && by.is_machine() { 2 } else { 1 };
        (wanted.unwrap_or(1).clamp(least, 5), risk == Risk::Low)
    }
}

/// Why a decision does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("you asked for it yourself: a second person must approve")]
    Own,
    #[error("a key cannot approve: a person must")]
    Machine,
    #[error(
        "nobody can tell whether you are another person than the one who asked: decide where they asked, or have `access.identities` name your Slack user"
    )]
    Unknown,
    #[error("you have decided already")]
    Again,
    #[error("it is not waiting for approval any more")]
    NotWaiting,
    #[error("it was shown with another dry run: look at the newest message and decide there")]
    OtherHash,
    #[error("its time was over: ask for it again, and a new dry run is made")]
    Expired,
}

impl Refused {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Own => "self_approval",
            Self::Machine => "machine",
            Self::Unknown => "unknown_person",
            Self::Again => "decided_already",
            Self::NotWaiting => "not_waiting",
            Self::OtherHash => "other_hash",
            Self::Expired => "expired",
        }
    }
}

/// What is approved: every operation with what its dry run showed and saw, who asked and where. Anything else has another hash.
pub fn hash(run: &Run) -> String {
    let mut hasher = Sha256::new();
    let steps: Vec<_> = run.steps.iter().map(|step| (&step.name, &step.operation, &step.preview, &step.checks, step.rollback)).collect();
    let whole = (run.id, &run.runbook, run.risk, &run.requested_by.id, run.incident, &run.parameters, steps, run.needed, run.own);
    // What is stored was read from JSON or goes into it, so that it can always be written.
    hasher.update(serde_json::to_vec(&whole).unwrap_or_default());
    hex::encode(hasher.finalize())
}

/// The run after a person's decision, whose right to it was checked before. A no to a run that is under way stops it before its
/// next step.
///
/// # Errors
/// Why the decision does not count; the run stays as it is.
pub fn decide(mut run: Run, decision: Decision, shown: &str) -> Result<Run, Refused> {
    let stops = !decision.approves && run.is_under_way();
    if run.state != RunState::Waiting && !stops {
        return Err(Refused::NotWaiting);
    }
    if decision.at >= run.expires_at && !stops {
        return Err(Refused::Expired);
    }
    // A short form of the hash is taken from the buttons; it must say enough not to be guessed or mixed up.
    if shown.len() < 12 || !run.hash.starts_with(shown) {
        return Err(Refused::OtherHash);
    }
    // Whoever agreed may still say no.
    if run.decisions.iter().any(|known| known.by.id == decision.by.id && (decision.approves || !known.approves)) {
        return Err(Refused::Again);
    }
    if decision.approves {
        if decision.by.is_machine() {
            return Err(Refused::Machine);
        }
        if !run.own && decision.by.id == run.requested_by.id {
            return Err(Refused::Own);
        }
        // One person can have an account of Slack, a token of ours and one of the identity provider: as long as nobody says who is who, they may be the same.
        let others = run.approvers().map(|known| &known.by).chain((!run.own).then_some(&run.requested_by));
        if others.into_iter().any(|other| !other.is_machine() && kind(&other.id) != kind(&decision.by.id)) {
            return Err(Refused::Unknown);
        }
    }
    let (approves, by) = (decision.approves, decision.by.id.clone());
    run.decisions.push(decision);
    if stops {
        // The step that is under way comes to its end first: half a step helps nobody.
        run.detail = format!("{by} stops it after the present step");
    } else if !approves {
        // One no is enough.
        run.state = RunState::Denied;
        run.detail = format!("denied by {by}");
        run.ended_at = run.decisions.last().map(|last| last.at);
    } else if run.missing() == 0 {
        run.state = RunState::Approved;
    }
    Ok(run)
}

/// Who vouches for the person: Slack, a token of ours (`jwt`), an identity provider (`idp`).
fn kind(id: &str) -> &str {
    id.split_once(':').map_or("slack", |(kind, _)| kind)
}

/// Proof that exactly this run, with exactly these operations, was agreed to by enough people, and still may run.
#[derive(Debug)]
pub struct Approved {
    run: crate::model::RunId,
    hash: String,
}

impl Approved {
    /// Looks at it all again, just before something is done.
    ///
    /// # Errors
    /// Why it may not run (any more).
    pub fn of(run: &Run, now: Timestamp) -> Result<Self, String> {
        if !matches!(run.state, RunState::Approved | RunState::Running | RunState::Undoing) {
            return Err(format!("it is {}", run.state.as_str()));
        }
        // Once the first step was begun in time, the run goes through.
        let begun = run.steps.iter().any(|step| step.state != StepState::Waiting);
        if !begun && now >= run.expires_at {
            return Err("its approval was not used in time".to_owned());
        }
        if run.hash.is_empty() || hash(run) != run.hash {
            return Err("it is not what was approved".to_owned());
        }
        let mut people: Vec<&str> = run.approvers().map(|decision| decision.by.id.as_str()).collect();
        people.sort_unstable();
        people.dedup();
        if !run.own {
            people.retain(|by| *by != run.requested_by.id);
        }
        // A step that was begun comes to its end, or is taken back, also when somebody stops the run.
        if people.len() < run.needed as usize || !begun && run.refuser().is_some() {
            return Err("not enough people have approved it".to_owned());
        }
        Ok(Self { run: run.id, hash: run.hash.clone() })
    }

    pub fn run(&self) -> crate::model::RunId {
        self.run
    }

    /// What was agreed to.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}
