//! Secrets out of text: one function, used before every sink (store, Slack, logs).
