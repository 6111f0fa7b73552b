//! Checks over Kubernetes objects and events.
