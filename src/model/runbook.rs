//! Runbooks: what can be done about a cause, with what, and how it is seen that it worked. Typed actions, never a shell.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much an action can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Undone in seconds, and nobody notices: a profiler level, a silence.
    Low,
    /// Some requests may fail: a restart, a deleted pod.
    Medium,
    /// Other code or other limits run afterwards, or a whole node or database is concerned.
    High,
}

impl Risk {
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a runbook applies. Each list that is not empty must match; `*` stands for any letters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Applies {
    /// Categories of the report's causes.
    pub categories: Vec<String>,
    /// Names of alerts.
    pub alerts: Vec<String>,
    pub services: Vec<String>,
}

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    #[default]
    Text,
    Integer,
    /// One of `choices`.
    Choice,
}

/// What a runbook needs to be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameter {
    pub name: String,
    pub kind: ParameterKind,
    /// What people read beside the field.
    pub description: String,
    /// The whole value must match this regular expression.
    pub pattern: String,
    pub least: Option<i64>,
    pub most: Option<i64>,
    pub choices: Vec<String>,
    pub optional: bool,
    /// Where the evidence has the value: `cause.namespace`, `cause.workload`, `cause.pod`, `cause.node`, `cause.cluster`,
    /// `alert.service`, `alert.namespace`, `alert.labels.NAME`. The first that is there counts.
    pub from: Vec<String>,
    /// What stands for it when the evidence has none.
    pub default: Option<Value>,
}

/// One step as it is written: an action with `{{parameter}}` in its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepPlan {
    pub name: String,
    /// `kubernetes.rollback`, `mongodb.kill_op`…
    pub action: String,
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
    /// How it is seen that it worked, in place of the action's own check.
    #[serde(default)]
    pub verify: Vec<CheckPlan>,
    /// How long the checks may take to come true.
    #[serde(default)]
    pub within: Option<String>,
    /// Whether a step that did not work is taken back. Source: the operator's own choice; the safe state differs by action.
    #[serde(default = "yes")]
    pub rollback: bool,
}

fn yes() -> bool {
    true
}

/// A check as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckPlan {
    /// `kubernetes.ready`, `http.json`…
    pub check: String,
    #[serde(default)]
    pub with: BTreeMap<String, Value>,
}

/// Who may have it run; each list that is not empty narrows what the roles allow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Roles that may ask for it.
    pub request: Vec<String>,
    /// Roles that may approve it.
    pub approve: Vec<String>,
    /// How many must approve; at least as many as the risk demands.
    pub approvals: Option<u32>,
}

/// One runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// Its file's name, without the ending.
    #[serde(default)]
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    pub risk: Risk,
    #[serde(default)]
    pub applies: Applies,
    #[serde(default)]
    pub people: People,
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    pub steps: Vec<StepPlan>,
}

/// A workload of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// The cluster's name in the settings.
    #[serde(default)]
    pub cluster: String,
    pub namespace: String,
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    #[serde(default = "deployment")]
    pub kind: WorkloadKind,
    pub name: String,
}

fn deployment() -> WorkloadKind {
    WorkloadKind::Deployment
}

/// The kinds whose pods are replaced by a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl WorkloadKind {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    /// As its address has it.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }
}

/// A workload and the revision that it is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    #[serde(default)]
    pub cluster: String,
    pub namespace: String,
    #[serde(default = "deployment")]
    pub kind: WorkloadKind,
    pub name: String,
    /// The one before the present one where none is named.
    #[serde(default)]
    pub revision: Option<u64>,
}

/// A workload and how many replicas it is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    #[serde(default)]
    pub cluster: String,
    pub namespace: String,
    #[serde(default = "deployment")]
    pub kind: WorkloadKind,
    pub name: String,
    pub replicas: u32,
}

/// A container of a workload and what it may use, like `{memory: 512Mi}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchResources {
    #[serde(default)]
    pub cluster: String,
    pub namespace: String,
    #[serde(default = "deployment")]
    pub kind: WorkloadKind,
    pub name: String,
    pub container: String,
    #[serde(default)]
    pub requests: BTreeMap<String, String>,
    #[serde(default)]
    pub limits: BTreeMap<String, String>,
}

impl From<&Rollback> for Workload {
    fn from(of: &Rollback) -> Self {
        Self { cluster: of.cluster.clone(), namespace: of.namespace.clone(), kind: of.kind, name: of.name.clone() }
    }
}

impl From<&Scale> for Workload {
    fn from(of: &Scale) -> Self {
        Self { cluster: of.cluster.clone(), namespace: of.namespace.clone(), kind: of.kind, name: of.name.clone() }
    }
}

impl From<&PatchResources> for Workload {
    fn from(of: &PatchResources) -> Self {
        Self { cluster: of.cluster.clone(), namespace: of.namespace.clone(), kind: of.kind, name: of.name.clone() }
    }
}

impl Workload {
    /// `shop/checkout`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// `deployment/checkout`, as kubectl writes it.
    pub fn object(&self) -> String {
        format!("{}/{}", self.kind.as_str().to_lowercase(), self.name)
    }
}

/// A label and its value, as Alertmanager's silences match them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelMatch {
    pub name: String,
    pub value: String,
    #[serde(default)]
    pub regex: bool,
}

/// One thing that is done. Each field is what the system's own documentation calls it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with", deny_unknown_fields)]
pub enum Operation {
    #[serde(rename = "kubernetes.rollout_restart")]
    RolloutRestart(Workload),
    #[serde(rename = "kubernetes.rollback")]
    Rollback(Rollback),
    #[serde(rename = "kubernetes.scale")]
    Scale(Scale),
    #[serde(rename = "kubernetes.delete_pod")]
    DeletePod {
        #[serde(default)]
        cluster: String,
        namespace: String,
        name: String,
    },
    #[serde(rename = "kubernetes.cordon")]
    Cordon {
        #[serde(default)]
        cluster: String,
        node: String,
    },
    #[serde(rename = "kubernetes.uncordon")]
    Uncordon {
        #[serde(default)]
        cluster: String,
        node: String,
    },
    #[serde(rename = "kubernetes.patch_resources")]
    PatchResources(PatchResources),
    #[serde(rename = "mongodb.kill_op")]
    KillOp {
        /// The deployment's name in the settings.
        #[serde(default)]
        deployment: String,
        /// A number, or `shard:number` on a sharded cluster.
        opid: String,
    },
    #[serde(rename = "mongodb.step_down")]
    StepDown {
        #[serde(default)]
        deployment: String,
        /// How long the member may not become primary again; 60 is MongoDB's own default.
        #[serde(default = "sixty")]
        seconds: u32,
    },
    #[serde(rename = "mongodb.profiler")]
    Profiler {
        #[serde(default)]
        deployment: String,
        database: String,
        /// 0, 1 or 2.
        level: u8,
        #[serde(default)]
        slow_ms: Option<u32>,
    },
    #[serde(rename = "alertmanager.silence")]
    Silence {
        #[serde(default)]
        alertmanager: String,
        matchers: Vec<LabelMatch>,
        minutes: u32,
        comment: String,
    },
    #[serde(rename = "http.call")]
    Http {
        /// The name of a configured address.
        target: String,
        method: String,
        /// Below that address.
        path: String,
        #[serde(default)]
        body: Option<Value>,
    },
    /// Nothing is changed: the run goes on when this is so.
    #[serde(rename = "wait_until")]
    WaitUntil(Check),
    /// A sentence for the people who read along.
    #[serde(rename = "note")]
    Note { text: String },
}

fn sixty() -> u32 {
    60
}

/// Something that can be seen to be so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "check", content = "with", deny_unknown_fields)]
pub enum Check {
    /// Every replica is of the newest revision and ready, and none has restarted for a while.
    #[serde(rename = "kubernetes.ready")]
    Ready {
        #[serde(default)]
        cluster: String,
        namespace: String,
        #[serde(default = "deployment")]
        kind: WorkloadKind,
        name: String,
        /// How long it must stay so, in seconds.
        #[serde(default = "ten")]
        stable_seconds: u32,
    },
    /// The pod of this uid is gone.
    #[serde(rename = "kubernetes.pod_gone")]
    PodGone {
        #[serde(default)]
        cluster: String,
        namespace: String,
        name: String,
        uid: String,
    },
    #[serde(rename = "kubernetes.schedulable")]
    Schedulable {
        #[serde(default)]
        cluster: String,
        node: String,
        schedulable: bool,
    },
    #[serde(rename = "mongodb.op_gone")]
    OpGone {
        #[serde(default)]
        deployment: String,
        opid: String,
    },
    /// There is a primary, and it is not this member.
    #[serde(rename = "mongodb.other_primary")]
    OtherPrimary {
        #[serde(default)]
        deployment: String,
        not: String,
    },
    #[serde(rename = "mongodb.profiler_level")]
    ProfilerLevel {
        #[serde(default)]
        deployment: String,
        database: String,
        level: u8,
    },
    /// The silence with this comment holds.
    #[serde(rename = "alertmanager.silenced")]
    Silenced {
        #[serde(default)]
        alertmanager: String,
        comment: String,
    },
    /// A value in the JSON that the address answers: `pointer` as in RFC 6901, one of the three comparisons.
    #[serde(rename = "http.json")]
    Json {
        target: String,
        path: String,
        #[serde(default)]
        pointer: String,
        #[serde(default)]
        equals: Option<Value>,
        #[serde(default)]
        at_least: Option<f64>,
        #[serde(default)]
        at_most: Option<f64>,
    },
}

fn ten() -> u32 {
    10
}

/// One run of a runbook; sorts by time of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub ulid::Ulid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = ulid::DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ulid::Ulid::from_str(text).map(Self)
    }
}
