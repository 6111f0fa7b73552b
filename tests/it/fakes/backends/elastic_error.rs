//! The error body of Elasticsearch and OpenSearch.

use serde_json::{Map, Value, json};

use super::common::Resp;

#[derive(Debug, Clone)]
pub struct EsError {
    pub status: u16,
    pub kind: &'static str,
    pub reason: String,
    /// Found by a shard, not by the parser.
    pub shard: bool,
    pub more: Map<String, Value>,
}

impl EsError {
    pub fn new(status: u16, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), shard: false, more: Map::new() }
    }

    pub fn parsing(reason: impl Into<String>) -> Self {
        let mut error = Self::new(400, "parsing_exception", reason);
        error.more = Map::from_iter([("line".to_owned(), json!(1)), ("col".to_owned(), json!(1))]);
        error
    }

    pub fn illegal(reason: impl Into<String>) -> Self {
        Self::new(400, "illegal_argument_exception", reason)
    }

    pub fn on_shard(self) -> Self {
        Self { shard: true, ..self }
    }

    pub fn resp(&self) -> Resp {
        let mut cause = Map::from_iter([("type".to_owned(), json!(self.kind)), ("reason".to_owned(), json!(self.reason))]);
        cause.extend(self.more.clone());
        let mut error = Map::from_iter([("root_cause".to_owned(), json!([cause]))]);
        if self.shard {
            let failed = json!([{"shard": 0, "index": "logs", "node": "n1", "reason": cause}]);
            let whole = json!({"type": "search_phase_execution_exception", "reason": "all shards failed", "phase": "query", "grouped": true, "failed_shards": failed});
            error.extend(whole.as_object().cloned().unwrap_or_default());
        } else {
            error.extend(cause);
        }
        Resp::json(self.status, &json!({"error": error, "status": self.status}))
    }
}

pub type Es<T> = Result<T, EsError>;
