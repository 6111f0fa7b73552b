//! Tests of the room; `keys` holds the published example keys and signs what no honest issuer would.

mod forged;
mod keys;
mod keyset;
mod limits;
mod machines;
mod policies;
mod server;
mod sessions;
mod sign_in;
mod tokens;
