//! Servers on this machine that behave as the systems that we ask do, their refusals included.

pub mod kubernetes;
pub mod misbehave;
pub mod real;
