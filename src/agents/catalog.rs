//! The list of agents: names, what they take, which tools they may ask. Data, so that a team can change it.

use serde::{Deserialize, Serialize};

/// The file that comes with the program.
const EMBEDDED: &str = include_str!("../../config/agents.yaml");

/// Why an agents file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("agents: {0}")]
pub struct CatalogError(String);

/// How much one agent may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub calls: usize,
    pub seconds: u64,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    pub name: String,
    pub description: String,
    pub takes: String,
    pub tools: Vec<String>,
    pub limits: Limits,
}

/// All agents, in the order in which they join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    pub agents: Vec<AgentSpec>,
}

impl Catalog {
    /// The agents that come with the program.
    pub fn embedded() -> Self {
        // The file is part of the program; a test proves that it parses.
        Self::from_yaml(EMBEDDED).unwrap_or(Self { agents: Vec::new() })
    }

    /// Agents of one's own. A name without checks of its own only gathers evidence.
    ///
    /// # Errors
    /// Names the line and the key that is wrong.
    pub fn from_yaml(text: &str) -> Result<Self, CatalogError> {
        let catalog: Self = serde_saphyr::from_str(text).map_err(|error| CatalogError(error.to_string()))?;
        match catalog.agents.iter().enumerate().find(|(at, agent)| catalog.agents.iter().take(*at).any(|other| other.name == agent.name)) {
            Some((_, twice)) => Err(CatalogError(format!("the agent `{}` is listed twice", twice.name))),
            None => Ok(catalog),
        }
    }

    pub fn get(&self, name: &str) -> Option<&AgentSpec> {
        self.agents.iter().find(|agent| agent.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_agents_parse_and_are_the_four() {
        let catalog = Catalog::from_yaml(EMBEDDED).unwrap();
        let names: Vec<&str> = catalog.agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(names, ["infrastructure", "network", "database", "application"]);
    }

    #[test]
    fn a_name_cannot_come_twice() {
        let text = "agents:\n- {name: a, description: d, takes: t, tools: [], limits: {calls: 1, seconds: 1}}\n- {name: a, description: d, takes: t, tools: [], limits: {calls: 1, seconds: 1}}\n";
        assert!(Catalog::from_yaml(text).unwrap_err().to_string().contains("twice"));
    }
}
