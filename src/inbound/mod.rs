//! inbound

pub mod alerts;
