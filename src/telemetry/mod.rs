//! Logs and metrics: the set-up, and one named function per metric.
