//! Checks over mongod logs and MongoDB command results.
