//! Adapter, device and pipelines: everything that is made anew after a device was lost.
//!
//! wgpu's defaults are unfit for a server: an error that nobody captures panics, a device gets
//! small limits, and asking for "an adapter" may yield a program that runs on the CPU. All three
//! are dealt with here. Nothing here submits or waits.

use super::Options;
use crate::engine::choice::AdapterFacts;
use crate::kernel::{KERNELS, Kernel};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Why there is no GPU engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError(pub(super) String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// An adapter as people want to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    /// Vulkan, Metal or Dx12.
    pub backend: String,
    pub driver: String,
    pub driver_info: String,
    /// DiscreteGpu, IntegratedGpu, VirtualGpu, Other or Cpu.
    pub device_type: String,
    /// The "adapter" is a program on the CPU.
    pub software: bool,
    /// The limits that decide what fits: pixels for the texture side, else bytes.
    pub limits: Vec<(&'static str, u64)>,
    /// Optional features that could speed something up; none is needed.
    pub features: Vec<(&'static str, bool)>,
}

impl Description {
    fn of(adapter: &wgpu::Adapter) -> Description {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let features = adapter.features();
        let software = is_software(&info);
        Description {
            name: info.name,
            backend: format!("{:?}", info.backend),
            driver: info.driver,
            driver_info: info.driver_info,
            device_type: format!("{:?}", info.device_type),
            software,
            limits: vec![
                ("texture side", limits.max_texture_dimension_2d.into()),
                ("storage binding", limits.max_storage_buffer_binding_size),
                ("buffer size", limits.max_buffer_size),
                ("immediates", limits.max_immediate_size.into()),
            ],
            features: vec![
                ("timestamp queries", features.contains(wgpu::Features::TIMESTAMP_QUERY)),
                ("subgroups", features.contains(wgpu::Features::SUBGROUP)),
                ("16-bit floats", features.contains(wgpu::Features::SHADER_F16)),
                ("mappable primary buffers", features.contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)),
            ],
        }
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "adapter: {} ({}, {})", self.name, self.device_type, self.backend)?;
        writeln!(f, "driver: {} {}", self.driver, self.driver_info)?;
        for (name, value) in &self.limits {
            writeln!(f, "{name}: {value}")?;
        }
        for (name, present) in &self.features {
            writeln!(f, "{name}: {}", if *present { "yes" } else { "no" })?;
        }
        Ok(())
    }
}

/// Every adapter that is found, the preferred one first; opens none.
pub fn describe() -> Vec<Description> {
    adapters(wgpu::Backends::all()).iter().map(Description::of).collect()
}

/// The first thing that went wrong with a device, which ends its use.
#[derive(Debug, Default)]
pub(super) struct Fault(OnceLock<String>);

impl Fault {
    pub(super) fn report(&self, reason: impl Into<String>) {
        // Later reports are consequences of the first.
        let _ = self.0.set(reason.into());
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// An open device with the pipelines of all kernels.
pub(super) struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub layout: wgpu::BindGroupLayout,
    /// In the order of [`KERNELS`].
    pub pipelines: Vec<wgpu::ComputePipeline>,
    pub fault: Arc<Fault>,
    pub software: bool,
    name: String,
}

impl Device {
    /// Opens the preferred adapter of `backends`.
    ///
    /// # Errors
    /// When there is no adapter, only a software one while `accept_software` is false, or the
    /// driver refuses.
    pub(super) fn open(backends: wgpu::Backends, accept_software: bool) -> Result<Device, StartError> {
        let adapter = adapters(backends)
            .into_iter()
            .find(|adapter| accept_software || !is_software(&adapter.get_info()))
            .ok_or_else(|| StartError("no GPU adapter found".to_owned()))?;
        let info = adapter.get_info();
        let descriptor = wgpu::DeviceDescriptor { required_limits: adapter.limits(), ..Default::default() };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|error| StartError(format!("{} refuses a device: {error}", info.name)))?;
        let fault = Arc::new(Fault::default());
        let reporter = fault.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| reporter.report(error.to_string())));
        let reporter = fault.clone();
        device.set_device_lost_callback(move |reason, message| {
            reporter.report(format!("device lost ({reason:?}) {message}"));
        });
        let layout = bind_group_layout(&device);
        let pipelines = pipelines(&device, &layout);
        if let Some(reason) = fault.reason() {
            return Err(StartError(format!("{} refuses the kernels: {reason}", info.name)));
        }
        let software = is_software(&info);
        Ok(Device { device, queue, layout, pipelines, fault, software, name: info.name })
    }

    pub(super) fn facts(&self, budget_bytes: u64) -> AdapterFacts {
        facts(self.name.clone(), self.software, &self.device.limits(), budget_bytes)
    }
}

/// Whether the "adapter" is a program on the CPU.
fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

fn facts(name: String, software: bool, limits: &wgpu::Limits, budget_bytes: u64) -> AdapterFacts {
    AdapterFacts {
        name,
        software,
        texture_side: limits.max_texture_dimension_2d,
        table_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        budget_bytes,
    }
}

/// What the adapter is that [`super::GpuEngine::start`] would open; opens none.
pub fn preferred(options: &Options) -> Option<AdapterFacts> {
    let adapter = adapters(options.backends).into_iter().next()?;
    let info = adapter.get_info();
    let software = is_software(&info);
    Some(facts(info.name, software, &adapter.limits(), options.budget_bytes))
}

/// The adapters that can run our kernels, hardware first.
fn adapters(backends: wgpu::Backends) -> Vec<wgpu::Adapter> {
    // Flags are the same in every build, so that a debug build behaves like a release build.
    let descriptor = wgpu::InstanceDescriptor {
        backends,
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(backends));
    adapters
        .retain(|adapter| adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS));
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => 2,
        wgpu::DeviceType::Cpu => 3,
    });
    adapters
}

/// The five slots of `shaders/include/bindings.wgsl`.
fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let picture = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Uint,
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let result = wgpu::BindingType::StorageTexture {
        access: wgpu::StorageTextureAccess::WriteOnly,
        format: wgpu::TextureFormat::Rgba8Uint,
        view_dimension: wgpu::TextureViewDimension::D2,
    };
    let numbers = |ty: wgpu::BufferBindingType| wgpu::BindingType::Buffer {
        ty,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let table = numbers(wgpu::BufferBindingType::Storage { read_only: true });
    let params = numbers(wgpu::BufferBindingType::Uniform);
    let slots = [picture, picture, result, table, params];
    let entries: Vec<_> = (0..)
        .zip(slots)
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty,
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("kernel slots"), entries: &entries })
}

fn pipelines(device: &wgpu::Device, layout: &wgpu::BindGroupLayout) -> Vec<wgpu::ComputePipeline> {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("kernel slots"),
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    let pipeline = |kernel: &Kernel| {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(kernel.name),
            source: wgpu::ShaderSource::Wgsl(kernel.module().into()),
        });
        device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name),
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        })
    };
    KERNELS.iter().map(pipeline).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_driver_is_a_clean_error() {
        let error = Device::open(wgpu::Backends::empty(), true).err();
        assert_eq!(error, Some(StartError("no GPU adapter found".to_owned())));
    }

    #[test]
    fn the_first_fault_is_kept() {
        let fault = Fault::default();
        assert_eq!(fault.reason(), None);
        fault.report("cause");
        fault.report("consequence");
        assert_eq!(fault.reason(), Some("cause"));
    }
}
