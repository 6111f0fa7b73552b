//! Evidence of any content through every reader and every check: two files, parted by a line of `%%`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::{
    agents::{Engine, router::Router},
    analysis::Thresholds,
    model::{InvestigationId, Request},
    tools::{Registry, bundle::Bundle},
};

fuzz_target!(|data: &[u8]| {
    let cut = data.windows(4).position(|part| part == b"\n%%\n");
    let (first, second) = match cut {
        Some(at) => (&data[..at + 1], &data[at + 4..]),
        None => (data, &data[..0]),
    };
    let bundle = Bundle::of_files([("a", first), ("b/c.log", second)]);
    let engine = Engine::new(Registry::new(bundle.tools()), Router::embedded(), Thresholds::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let request = Request::question("why does checkout in namespace shop restart?");
    runtime.block_on(engine.investigate(InvestigationId(ulid::Ulid::nil()), &request, &|_| ())).unwrap();
});
