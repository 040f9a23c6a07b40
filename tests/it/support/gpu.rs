//! The GPU that tests run on, shared by all of them.
//!
//! `PIXELPASS_TEST_GPU` says what they may do: `require` (the default: no adapter is a failure),
//! `auto` (run if there is one, else say in one line that they did not) or `off`.

use pixelpass::engine::gpu::{self, GpuEngine};
use std::sync::OnceLock;

/// What the tests may do, as asked for.
fn mode() -> String {
    std::env::var("PIXELPASS_TEST_GPU").unwrap_or_else(|_| "require".to_owned())
}

/// The engine that tests share, or `None` where they shall not run.
pub fn engine() -> Option<&'static GpuEngine> {
    static ENGINE: OnceLock<Option<GpuEngine>> = OnceLock::new();
    ENGINE.get_or_init(engine_of_its_own).as_ref()
}

/// An engine that nobody else uses: for counters and for losing it.
pub fn engine_of_its_own() -> Option<GpuEngine> {
    let mode = mode();
    if mode == "off" {
        eprintln!("GPU tests did not run: PIXELPASS_TEST_GPU is off");
        return None;
    }
    match GpuEngine::start(gpu::Options::default()) {
        Ok((engine, facts)) => {
            eprintln!("GPU tests run on {}", facts.name);
            Some(engine)
        }
        Err(error) if mode == "auto" => {
            eprintln!("GPU tests did not run: {error}");
            None
        }
        Err(error) => panic!("GPU tests need an adapter: {error}"),
    }
}
