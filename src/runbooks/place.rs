//! Which system a step means that names none: the only one that there is.
//!
//! It is written into the step before anybody's rights are looked at, so that a policy for a cluster holds whether or not the
//! cluster was named, and so that the hash of what is approved covers it.

use crate::model::{Check, Operation, RunStep};

use super::Systems;

/// Names the system in every operation and check that names none, where there is only one of its kind. Where there are more,
/// it stays without a name, and the dry run refuses it.
pub fn place(systems: &Systems, steps: &mut [RunStep]) {
    for step in steps {
        name_it(systems, of_operation(&mut step.operation));
        for check in &mut step.checks {
            name_it(systems, Some(of_check(check)));
        }
    }
}

fn name_it(systems: &Systems, place: Option<(&str, &mut String)>) {
    let Some((kind, name)) = place.filter(|(_, name)| name.is_empty()) else { return };
    if let [only] = systems.names(kind).as_slice() {
        (*only).clone_into(name);
    }
}

fn of_operation(operation: &mut Operation) -> Option<(&'static str, &mut String)> {
    match operation {
        Operation::RolloutRestart(of) => Some(("kubernetes", &mut of.cluster)),
        Operation::Rollback(of) => Some(("kubernetes", &mut of.cluster)),
        Operation::Scale(of) => Some(("kubernetes", &mut of.cluster)),
        Operation::PatchResources(of) => Some(("kubernetes", &mut of.cluster)),
        Operation::DeletePod { cluster, .. } | Operation::Cordon { cluster, .. } | Operation::Uncordon { cluster, .. } => {
            Some(("kubernetes", cluster))
        }
        Operation::KillOp { deployment, .. } | Operation::StepDown { deployment, .. } | Operation::Profiler { deployment, .. } => {
            Some(("mongodb", deployment))
        }
        Operation::Silence { alertmanager, .. } => Some(("alertmanager", alertmanager)),
        Operation::Http { target, .. } => Some(("http", target)),
        Operation::WaitUntil(check) => Some(of_check(check)),
        Operation::Note { .. } => None,
    }
}

fn of_check(check: &mut Check) -> (&'static str, &mut String) {
    match check {
        Check::Ready { cluster, .. } | Check::PodGone { cluster, .. } | Check::Schedulable { cluster, .. } => ("kubernetes", cluster),
        Check::OpGone { deployment, .. } | Check::OtherPrimary { deployment, .. } | Check::ProfilerLevel { deployment, .. } => {
            ("mongodb", deployment)
        }
        Check::Silenced { alertmanager, .. } => ("alertmanager", alertmanager),
        Check::Json { target, .. } => ("http", target),
    }
}
