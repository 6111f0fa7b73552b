//! What a tool says about itself.

use serde::{Deserialize, Serialize};

/// A tool's name and what it is good for; agents are given tools by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// `kubernetes_objects`, `logs`…
    pub name: String,
    pub description: String,
    /// It changes nothing. A tool in doubt says `false`.
    pub read_only: bool,
}
