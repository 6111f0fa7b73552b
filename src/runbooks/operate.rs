//! One operation of one system: its dry run, the doing, the check and the taking back.

use crate::model::{Check, Operation, Preview, Run, RunId, RunStep, Workload};

use super::{Approved, Systems, alertmanager, http, kubernetes, mongodb};

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may work in a moment.
    #[error("{0}")]
    Later(String),
    /// The system does not want it, or it is not allowed.
    #[error("{0}")]
    Refused(String),
    /// The object is not there.
    #[error("{0}")]
    Gone(String),
    /// Somebody else wrote at the same moment.
    #[error("{0}")]
    Conflict(String),
    /// What was approved is not what is there any more.
    #[error("{0}")]
    Changed(String),
}

impl Failure {
    /// The same call may succeed soon.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Later(_) | Self::Conflict(_))
    }
}

/// What a check saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub holds: bool,
    /// It will not come true by waiting.
    pub hopeless: bool,
    /// `3 of 3 pods ready, no restart`.
    pub says: String,
}

impl Seen {
    pub fn so(says: impl Into<String>) -> Self {
        Self { holds: true, hopeless: false, says: says.into() }
    }

    pub fn not_yet(says: impl Into<String>) -> Self {
        Self { holds: false, hopeless: false, says: says.into() }
    }

    pub fn never(says: impl Into<String>) -> Self {
        Self { holds: false, hopeless: true, says: says.into() }
    }
}

/// One step of one run, as the systems' files see it.
#[derive(Clone, Copy)]
pub struct Doing<'a> {
    pub run: RunId,
    pub at: usize,
    pub step: &'a RunStep,
    /// It may have been done before, by a process that ended before it could say so.
    pub again: bool,
}

impl Doing<'_> {
    /// What the changed object is marked with.
    pub fn mark(&self) -> String {
        format!("{}/{}", self.run, self.at)
    }
}

/// The dry run of one step: what would change, and what is to be seen afterwards where the step does not say so itself.
///
/// # Errors
/// When the system does not want it, or cannot be asked.
pub async fn preview(systems: &Systems, run: &Run, at: usize, step: &RunStep) -> Result<(Preview, Vec<Check>), Failure> {
    let doing = Doing { run: run.id, at, step, again: false };
    match &step.operation {
        Operation::RolloutRestart(of) => kubernetes::workload::restart(systems, of, &run.requested_at.to_string()).await,
        Operation::Rollback(of) => kubernetes::workload::rollback(systems, &of.into(), of.revision).await,
        Operation::Scale(of) => kubernetes::workload::scale(systems, &of.into(), of.replicas).await,
        Operation::PatchResources(of) => kubernetes::workload::resources(systems, of).await,
        Operation::DeletePod { cluster, namespace, name } => kubernetes::single::delete_pod(systems, cluster, namespace, name).await,
        Operation::Cordon { cluster, node } => kubernetes::single::cordon(systems, cluster, node, true).await,
        Operation::Uncordon { cluster, node } => kubernetes::single::cordon(systems, cluster, node, false).await,
        Operation::KillOp { deployment, opid } => mongodb::kill_op(systems, deployment, opid).await,
        Operation::StepDown { deployment, seconds } => mongodb::step_down(systems, deployment, *seconds).await,
        Operation::Profiler { deployment, database, level, slow_ms } => {
            mongodb::profiler(systems, deployment, database, *level, *slow_ms).await
        }
        Operation::Silence { alertmanager, matchers, minutes, .. } => {
            alertmanager::preview(systems, &doing, alertmanager, matchers, *minutes).await
        }
        Operation::Http { target, method, path, body } => http::preview(systems, target, method, path, body.as_ref()),
        Operation::WaitUntil(_) => Ok((
            Preview { place: "changes nothing".to_owned(), effect: "waits until it is so".to_owned(), ..Preview::default() },
            Vec::new(),
        )),
        Operation::Note { text } => {
            Ok((Preview { place: "changes nothing".to_owned(), effect: text.clone(), ..Preview::default() }, Vec::new()))
        }
    }
}

/// Does one step, exactly as it was shown, and only while what was seen is still so. Done twice it has one effect.
///
/// # Errors
/// When it was not done; [`Failure::Changed`] where it is not what was approved any more.
pub async fn apply(systems: &Systems, _proof: &Approved, doing: Doing<'_>) -> Result<String, Failure> {
    match &doing.step.operation {
        Operation::RolloutRestart(of) => kubernetes::workload::apply(systems, of, doing).await,
        Operation::Rollback(of) => kubernetes::workload::apply(systems, &of.into(), doing).await,
        Operation::Scale(of) => kubernetes::workload::apply(systems, &of.into(), doing).await,
        Operation::PatchResources(of) => kubernetes::workload::apply(systems, &of.into(), doing).await,
        Operation::DeletePod { cluster, namespace, name } => {
            kubernetes::single::apply_delete(systems, cluster, namespace, name, doing).await
        }
        Operation::Cordon { cluster, node } => kubernetes::single::apply_cordon(systems, cluster, node, true, doing).await,
        Operation::Uncordon { cluster, node } => kubernetes::single::apply_cordon(systems, cluster, node, false, doing).await,
        Operation::KillOp { deployment, opid } => mongodb::apply_kill(systems, deployment, opid, doing).await,
        Operation::StepDown { deployment, seconds } => mongodb::apply_step_down(systems, deployment, *seconds, doing).await,
        Operation::Profiler { deployment, database, level, slow_ms } => {
            mongodb::apply_profiler(systems, deployment, database, *level, *slow_ms, doing).await
        }
        Operation::Silence { alertmanager, matchers, minutes, comment } => {
            alertmanager::apply(systems, alertmanager, matchers, *minutes, comment, doing).await
        }
        Operation::Http { target, method, path, body } => http::apply(systems, target, method, path, body.as_ref(), doing).await,
        Operation::WaitUntil(_) | Operation::Note { .. } => Ok(String::new()),
    }
}

/// Takes one step back, unless somebody has changed its object since.
///
/// # Errors
/// When it was not taken back, or cannot be.
pub async fn undo(systems: &Systems, _proof: &Approved, doing: Doing<'_>) -> Result<String, Failure> {
    match &doing.step.operation {
        Operation::RolloutRestart(_) | Operation::DeletePod { .. } | Operation::KillOp { .. } | Operation::StepDown { .. } => {
            Err(Failure::Refused("it cannot be taken back".to_owned()))
        }
        Operation::Rollback(of) => kubernetes::workload::undo(systems, &of.into(), doing).await,
        Operation::Scale(of) => kubernetes::workload::undo(systems, &of.into(), doing).await,
        Operation::PatchResources(of) => kubernetes::workload::undo(systems, &of.into(), doing).await,
        Operation::Cordon { cluster, node } => kubernetes::single::undo_cordon(systems, cluster, node, doing).await,
        Operation::Uncordon { cluster, node } => kubernetes::single::undo_cordon(systems, cluster, node, doing).await,
        Operation::Profiler { deployment, database, .. } => mongodb::undo_profiler(systems, deployment, database, doing).await,
        Operation::Silence { alertmanager, .. } => alertmanager::undo(systems, alertmanager, doing).await,
        Operation::Http { .. } => Err(Failure::Refused("a call to another system cannot be taken back from here".to_owned())),
        Operation::WaitUntil(_) | Operation::Note { .. } => Ok(String::new()),
    }
}

/// Looks whether it is so.
///
/// # Errors
/// When the system cannot be asked.
pub async fn check(systems: &Systems, check: &Check, since: Option<jiff::Timestamp>) -> Result<Seen, Failure> {
    match check {
        Check::Ready { cluster, namespace, kind, name, .. } => {
            let of = Workload { cluster: cluster.clone(), namespace: namespace.clone(), kind: *kind, name: name.clone() };
            kubernetes::ready::ready(systems, &of, since).await
        }
        Check::PodGone { cluster, namespace, name, uid } => kubernetes::single::pod_gone(systems, cluster, namespace, name, uid).await,
        Check::Schedulable { cluster, node, schedulable } => kubernetes::single::schedulable(systems, cluster, node, *schedulable).await,
        Check::OpGone { deployment, opid } => mongodb::op_gone(systems, deployment, opid).await,
        Check::OtherPrimary { deployment, not } => mongodb::other_primary(systems, deployment, not).await,
        Check::ProfilerLevel { deployment, database, level } => mongodb::profiler_level(systems, deployment, database, *level).await,
        Check::Silenced { alertmanager, comment } => alertmanager::silenced(systems, alertmanager, comment).await,
        Check::Json { target, path, pointer, equals, at_least, at_most } => {
            http::json(systems, target, path, pointer, equals.as_ref(), *at_least, *at_most).await
        }
    }
}

/// The clusters, deployments and addresses that a step touches.
pub fn clusters(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::RolloutRestart(of) => Some(&of.cluster),
        Operation::Rollback(of) => Some(&of.cluster),
        Operation::Scale(of) => Some(&of.cluster),
        Operation::PatchResources(of) => Some(&of.cluster),
        Operation::DeletePod { cluster, .. } | Operation::Cordon { cluster, .. } | Operation::Uncordon { cluster, .. } => Some(cluster),
        Operation::KillOp { deployment, .. } | Operation::StepDown { deployment, .. } | Operation::Profiler { deployment, .. } => {
            Some(deployment)
        }
        Operation::Silence { alertmanager, .. } => Some(alertmanager),
        Operation::Http { target, .. } => Some(target),
        Operation::WaitUntil(_) | Operation::Note { .. } => None,
    }
}
