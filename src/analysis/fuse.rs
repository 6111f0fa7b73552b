//! Findings of all checks become numbered evidence and ranked hypotheses.
