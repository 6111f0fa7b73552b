//! One specialist: a name and the checks of its domain.

use std::collections::BTreeSet;

use crate::{
    analysis::{
        Finding, Focus, Thresholds, asked, changes, databases, kubernetes, levels, logs, mongodb, probes, reported, signals, spans,
    },
    model::observation::Observations,
};

/// What every check is given.
pub struct Case<'a> {
    pub observations: &'a Observations,
    pub cluster: &'a kubernetes::Cluster<'a>,
    pub focus: &'a Focus,
    pub thresholds: &'a Thresholds,
}

/// What checks found: facts worth a hypothesis, and what was looked at and is healthy.
#[derive(Debug, Default)]
pub struct Verdict {
    pub findings: Vec<Finding>,
    pub ruled_out: Vec<String>,
    /// Sources that this specialist has weighed in whole: what others read out of single lines of them does not count.
    pub weighed: BTreeSet<String>,
}

/// A specialist.
pub trait Agent: Send + Sync {
    fn name(&self) -> &'static str;

    /// Judges the evidence with the checks of this domain.
    fn judge(&self, case: &Case<'_>) -> Verdict;
}

/// The specialists that have checks.
pub const AGENTS: &[&dyn Agent] = &[&Infrastructure, &Network, &Database, &Application];

struct Infrastructure;
struct Network;
struct Database;
struct Application;

impl Agent for Infrastructure {
    fn name(&self) -> &'static str {
        "infrastructure"
    }

    fn judge(&self, case: &Case<'_>) -> Verdict {
        let mut checked = kubernetes::infrastructure(case.cluster, case.focus, case.thresholds);
        checked.findings.extend(levels::findings(case.observations, case.focus.now));
        Verdict { findings: checked.findings, ruled_out: checked.ruled_out, ..Verdict::default() }
    }
}

impl Agent for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn judge(&self, case: &Case<'_>) -> Verdict {
        let mut checked = kubernetes::network(case.cluster, case.focus, case.thresholds);
        checked.findings.extend(reported::findings(&case.observations.documents, case.focus));
        let tried = probes::check(&case.observations.documents, case.focus);
        checked.findings.extend(tried.findings);
        checked.ruled_out.extend(tried.ruled_out);
        Verdict { findings: checked.findings, ruled_out: checked.ruled_out, ..Verdict::default() }
    }
}

impl Agent for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    fn judge(&self, case: &Case<'_>) -> Verdict {
        let mut checked = databases::check(case.observations, case.focus);
        checked.findings.extend(mongodb::findings(case.observations, case.focus));
        Verdict { findings: checked.findings, ruled_out: checked.ruled_out, weighed: checked.weighed }
    }
}

impl Agent for Application {
    fn name(&self) -> &'static str {
        "application"
    }

    fn judge(&self, case: &Case<'_>) -> Verdict {
        let mut findings = logs::findings(&case.observations.logs, case.focus);
        let changed = changes::findings(case.observations, case.focus);
        let study = signals::Study::of(case.observations, case.focus);
        if let Some(study) = &study {
            study.discount(&mut findings);
            findings.extend(study.findings());
        }
        if !study.is_some_and(|study| study.explains_traces()) {
            findings.extend(spans::findings(case.observations, case.focus));
        }
        changes::explain(&changed, &mut findings);
        findings.extend(changed);
        findings.extend(asked::findings(&case.observations.logs, case.focus));
        Verdict { findings, ..Verdict::default() }
    }
}
