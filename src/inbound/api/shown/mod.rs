//! How things look to the API's callers: shapes of their own, so that the model can change without breaking a script.

mod evidence;
mod incident;
mod words;

pub use evidence::{EvidenceView, InvestigationLine, InvestigationView, ReportView};
pub use incident::{AuditLine, IncidentView, MemberView, SilenceView, TimelineLine};
pub use words::{AlertStatusName, LookStateName, OutcomeName, PriorityName, StateName, VerdictName, When};
