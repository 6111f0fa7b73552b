//! Log, trace, deployment and database backends over HTTP, as strict as the documented ones: what is not known is refused.

pub mod atlas;
pub mod common;
pub mod datadog;
pub mod elastic;
pub mod elastic_aggs;
pub mod elastic_error;
pub mod elastic_query;
pub mod elastic_search;
pub mod github;
pub mod gitlab;
pub mod infix;
pub mod jaeger;
pub mod logql;
pub mod loki;
pub mod re;
pub mod signoz;
pub mod signoz_data;
pub mod signoz_legacy;
pub mod signoz_v5;
pub mod span;
pub mod tempo;
pub mod victorialogs;
pub mod words;

#[cfg(test)]
mod parsers_tests;
