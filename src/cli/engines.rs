//! Starting the engines, and looking at the GPU.

use super::print;
use crate::config::Config;
use crate::engine::choice::{AdapterFacts, Setting};
use crate::engine::cpu::{CpuEngine, Seats};
use crate::limits::Limits;
use crate::processor::{Gpu, Processor};
use std::process::ExitCode;
use std::sync::Arc;

/// The engines that the settings ask for, with a sentence on the GPU's part for people.
///
/// # Errors
/// In words, when the setting insists on a GPU and there is none.
pub(super) fn start(config: &Config) -> Result<(Processor, String), String> {
    let (gpu, remark) = match config.engine {
        Setting::Cpu => (None, "no GPU asked for".to_owned()),
        setting => match start_gpu(config) {
            Ok(gpu) => {
                let remark = describe(&gpu.facts, setting);
                (Some(gpu), remark)
            }
            Err(reason) if setting == Setting::Gpu => {
                return Err(format!("engine is gpu, but there is none to use: {reason}"));
            }
            Err(reason) => (None, reason),
        },
    };
    let seats = Seats::new(std::thread::available_parallelism().map_or(1, Into::into));
    let processor = Processor {
        cpu: Arc::new(CpuEngine::new(Arc::clone(&seats))),
        seats,
        gpu,
        setting: config.engine,
        limits: limits(config),
        resample: config.resample,
    };
    Ok((processor, remark))
}

/// The published limits, and the memory that is allowed.
pub(super) fn limits(config: &Config) -> Limits {
    Limits { plan_bytes: Limits::OSS.plan_bytes.min(config.memory_bytes), ..Limits::OSS }
}

fn describe(facts: &AdapterFacts, setting: Setting) -> String {
    match (facts.software, setting) {
        (true, Setting::Auto) => format!("{} is a software adapter, so the CPU computes", facts.name),
        _ => format!("GPU {}", facts.name),
    }
}

#[cfg(feature = "gpu")]
fn start_gpu(config: &Config) -> Result<Gpu, String> {
    use crate::engine::gpu::{GpuEngine, Options};
    let options = Options { budget_bytes: config.gpu_memory_bytes, ..Options::default() };
    let (engine, facts) = GpuEngine::start(options).map_err(|error| error.to_string())?;
    Ok(Gpu { engine: Arc::new(engine), facts })
}

#[cfg(not(feature = "gpu"))]
fn start_gpu(_: &Config) -> Result<Gpu, String> {
    Err("built without GPU support".to_owned())
}

/// Lists the adapters and holds the first one's answers against known ones.
#[cfg(feature = "gpu")]
pub fn doctor(required: bool) -> ExitCode {
    use crate::engine::gpu;
    let mut report = String::new();
    for adapter in gpu::describe() {
        report.push_str(&format!("{adapter}\n"));
    }
    let answer = match gpu::GpuEngine::start(gpu::Options::default()) {
        Ok((engine, facts)) => gpu::known_answer(&engine).map(|()| facts.name).map_err(|fault| (true, fault)),
        Err(error) => Err((false, error.to_string())),
    };
    match answer {
        Ok(name) => print(&format!("{report}{name} gives the known answers\n")),
        Err((wrong, reason)) => {
            let code = print(&format!("{report}not usable: {reason}\n"));
            if wrong || required { super::FAILED } else { code }
        }
    }
}

/// Says that this build has no GPU engine.
#[cfg(not(feature = "gpu"))]
pub fn doctor(required: bool) -> ExitCode {
    let text = "not usable: built without GPU support\n";
    if required { super::fail(text) } else { print(text) }
}
