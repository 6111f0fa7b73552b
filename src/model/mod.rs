//! The words everybody uses: alerts, incidents, evidence, hypotheses, reports.
//!
//! Pure data and the small rules that belong to it. Nothing here performs I/O, reads a clock or knows a vendor's JSON;
//! every other room may import this one.

mod alert;
mod checkup;
mod clock;
mod entity;
mod evidence;
pub mod glob;
mod ids;
mod inbound;
mod incident;
mod investigation;
mod message;
mod nearest;
pub mod observation;
mod question;
mod report;
mod run;
mod runbook;
mod silence;
mod slack_ids;
mod storm;
mod tool;

pub use alert::{Alert, AlertStatus, Link, Origin, Priority, Severity};
pub use checkup::{Finding, Standing};
pub use clock::{Clock, Ids};
pub use entity::Entity;
pub use evidence::{Category, Evidence, EvidenceKind, Hypothesis};
pub use ids::{AlertId, EvidenceId, IncidentId, InvestigationId};
pub use inbound::{Act, AgentTask, Ask, Caller, Inbound, RawRecord, RecordSource, Reply, TaskAction, Verdict};
pub use incident::{
    AuditEntry, ChainStep, Escalation, Feedback, Group, Incident, IncidentState, Member, Silenced, ThreadRef, TimelineEntry,
};
pub use investigation::{Activity, Investigation, InvestigationStatus, Routing, ToolCall};
pub use message::{Action, ActionKind, ActionStyle, Choice, Confirm, Form, Input, InputKind, Message, Part, Span, Task, TaskState, Text};
pub use nearest::{edit_distance, nearest};
pub use question::{Request, Subject};
pub use report::{Report, TimelineItem};
pub use run::{Decision, Preview, Run, RunState, RunStep, RunWish, StepState};
pub use runbook::{
    Applies, Check, CheckPlan, LabelMatch, Operation, Parameter, ParameterKind, PatchResources, People, Risk, Rollback, RunId, Runbook,
    Scale, StepPlan, Workload, WorkloadKind,
};
pub use silence::{Matcher, Pushed, Scope, Silence, SilenceError, silence_until};
pub use slack_ids::{is_slack_group, is_slack_people, is_slack_user};
pub use storm::Storm;
pub use tool::{Annotations, ToolSpec};
