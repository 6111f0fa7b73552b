//! Tests of the room; `keys` holds the published example keys and signs what no honest issuer would.

mod forged;
mod keyset;
mod keys;
mod limits;
mod machines;
mod policies;
mod sign_in;
mod server;
mod sessions;
mod tokens;
