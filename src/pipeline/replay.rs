//! Another look as of the alert's own time: does it still come to the same cause?

use crate::{
    model::{Incident, Investigation},
    report,
};

/// How the replay compares with the incident's report.
pub fn lead(incident: &Incident, investigation: &Investigation) -> String {
    let before = incident.report.as_ref().and_then(|report| report.hypotheses.first());
    report::comparison(before, investigation.hypotheses.first())
}
