//! Generic telemetry: logs, metrics, spans, topology and changes, and the answers of query backends.

use crate::model::observation::Observations;

/// Reads `text` as telemetry; `None` when it has none of the known shapes.
pub fn read(_source: &str, _text: &str) -> Option<Observations> {
    None
}
