//! The one integration binary: every test that looks at the product from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod alerts;
mod architecture;
mod scores_alerts;
