//! Servers on this machine that behave as the systems that we ask do, their refusals included.

pub mod kubernetes;
pub mod logs;
pub mod misbehave;
#[allow(dead_code, unused_imports, reason = "a whole server, of which each test needs a part")]
pub mod mongod;
pub mod real;
pub mod server;
pub mod tls;
pub mod traces;
