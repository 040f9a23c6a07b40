//! Starting the engines, and looking at the GPU.

use super::print;
use crate::codec;
use crate::config::Config;
use crate::engine::Engine;
use crate::engine::choice::{AdapterFacts, Setting};
use crate::engine::cpu::{CpuEngine, Seats};
use crate::limits::Limits;
use crate::plan::Rules;
use crate::processor::{Memory, Processor};
use crate::text::Faces;
use std::process::ExitCode;
use std::sync::Arc;

/// The engines that the settings ask for, with a sentence on the GPU's part for people.
///
/// # Errors
/// In words, when the setting insists on a GPU and there is none.
pub(super) fn start(config: &Config) -> Result<(Processor, String), String> {
    let gpu = match config.engine {
        Setting::Cpu => Found::nothing("no GPU asked for"),
        setting => match find_gpu(config) {
            Err(reason) if setting == Setting::Gpu => {
                return Err(format!("engine is gpu, but there is none to use: {reason}"));
            }
            Err(reason) => Found::nothing(&reason),
            Ok(found) => found,
        },
    };
    let seats = Seats::new(std::thread::available_parallelism().map_or(1, Into::into));
    let processor = Processor {
        cpu: Arc::new(CpuEngine::new(Arc::clone(&seats))),
        seats,
        gpu: gpu.engine,
        adapter: gpu.adapter,
        setting: config.engine,
        rules: Rules {
            limits: limits(config),
            resample: config.resample,
            writable: codec::writable(),
            keep_frames: config.keep_frames,
            faces: Arc::new(Faces::system(config.fonts.clone())),
        },
        animated_webp: config.animated_webp,
        never_grow: config.never_grow,
        memory: Memory::new(config.memory_bytes),
    };
    Ok((processor, gpu.remark))
}

/// What there is of a GPU.
struct Found {
    engine: Option<Arc<dyn Engine>>,
    adapter: Option<AdapterFacts>,
    remark: String,
}

impl Found {
    fn nothing(reason: &str) -> Found {
        Found { engine: None, adapter: None, remark: reason.to_owned() }
    }
}

/// The limits that are set, and the memory that is allowed.
pub(super) fn limits(config: &Config) -> Limits {
    Limits { plan_bytes: config.limits.plan_bytes.min(config.memory_bytes), ..config.limits }
}

/// Opens the best adapter; a software one only where the setting insists on a GPU.
#[cfg(feature = "gpu")]
fn find_gpu(config: &Config) -> Result<Found, String> {
    use crate::engine::gpu::{GpuEngine, Options, preferred};
    let options = Options { budget_bytes: config.gpu_memory_bytes, ..Options::default() };
    if config.engine == Setting::Auto {
        let adapter = preferred(&options).ok_or("no adapter")?;
        if adapter.software {
            let remark = format!("{} is a software adapter, so the CPU computes", adapter.name);
            return Ok(Found { engine: None, adapter: Some(adapter), remark });
        }
    }
    let (engine, adapter) = GpuEngine::start(options).map_err(|error| error.to_string())?;
    let remark = format!("GPU {}", adapter.name);
    Ok(Found { engine: Some(Arc::new(engine)), adapter: Some(adapter), remark })
}

#[cfg(not(feature = "gpu"))]
fn find_gpu(_: &Config) -> Result<Found, String> {
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
