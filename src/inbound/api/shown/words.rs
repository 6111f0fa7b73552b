//! The closed lists of words, as the model has them, and instants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    model::{AlertStatus, EvidenceKind, IncidentState, InvestigationStatus, Priority, Severity, Verdict},
    store::LookState,
};

/// An instant, RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, example = "2026-01-31T14:05:00Z")]
pub struct When(pub Timestamp);

impl From<Timestamp> for When {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// Declares a list of words that are the model's own, one for one.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident($case:tt) of $model:ident { $($word:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = $case)]
        pub enum $name { $($word,)* }

        impl From<$model> for $name {
            fn from(word: $model) -> Self {
                match word { $($model::$word => Self::$word,)* }
            }
        }

        impl From<$name> for $model {
            fn from(word: $name) -> Self {
                match word { $($name::$word => Self::$word,)* }
            }
        }
    )*};
}

words! {
    /// Where in its life an incident is.
    StateName("snake_case") of IncidentState { Open, Investigating, Reported, Acknowledged, Resolved, Silenced, FalsePositive }

    /// The order of work, the most urgent first.
    PriorityName("UPPERCASE") of Priority { P0, P1, P2, P3 }

    /// How bad the sender says it is.
    SeverityName("snake_case") of Severity { Critical, High, Medium, Low }

    /// Where in its life the sender says the alert is.
    AlertStatusName("snake_case") of AlertStatus { Firing, Resolved, Acknowledged, NoData, Paused, Pending }

    /// What sort of observation a piece of evidence is.
    EvidenceKindName("snake_case") of EvidenceKind { Condition, Event, LogPattern, MetricAnomaly, Change, Probe, Database }

    /// How an investigation ended.
    StatusName("snake_case") of InvestigationStatus { Complete, Partial, Fallback, NoProblemFound, Failed }

    /// What a person says about a report.
    VerdictName("snake_case") of Verdict { Correct, OneHopShort, Wrong }

    /// How far an investigation is as a piece of work.
    LookStateName("snake_case") of LookState { Waiting, Running, Done, PutAside }
}

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    /// It is durable and will be done; nobody waited for the outcome, or it took longer.
    Accepted,
    Done,
    /// It was so already, or could not be.
    NothingToDo,
}
