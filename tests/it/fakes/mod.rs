//! Servers on this machine that behave as the systems that we ask do, their refusals included.

#[allow(dead_code, reason = "whole servers, of which each test needs a part")]
pub mod backends;
#[allow(dead_code, unused_imports, reason = "a whole server, of which each test needs a part")]
pub mod idp;
#[allow(dead_code, unused_imports, reason = "a whole server, of which each test needs a part")]
pub mod kubernetes;
pub mod misbehave;
#[allow(dead_code, unused_imports, reason = "a whole server, of which each test needs a part")]
pub mod mongod;
pub mod real;
pub mod tls;
