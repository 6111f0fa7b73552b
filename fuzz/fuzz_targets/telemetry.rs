//! Metrics and traces of every shape: CSV, Prometheus, SigNoz, OTLP, Jaeger, Zipkin, Tempo; read and reduced as an investigation does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::tools::bundle::Bundle;

fuzz_target!(|data: &[u8]| {
    let _ = Bundle::of_files([("metrics.json", data), ("traces.csv", data)]);
});
