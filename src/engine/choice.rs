//! Which engine for which plan: a pure function of plan, setting and adapter.

use super::Kind;
use crate::plan::{Layer, Operand, Plan};

/// The setting `engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Setting {
    /// A hardware adapter where there is one and the plan fits it, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// A GPU or nothing at start; a software adapter counts.
    Gpu,
}

impl Setting {
    /// Every setting with its name.
    pub const NAMES: [(&'static str, Setting); 3] =
        [("auto", Setting::Auto), ("cpu", Setting::Cpu), ("gpu", Setting::Gpu)];

    pub fn parse(name: &str) -> Option<Setting> {
        Setting::NAMES.iter().find(|(known, _)| *known == name).map(|(_, setting)| *setting)
    }

    pub fn name(self) -> &'static str {
        Setting::NAMES[self as usize].0
    }
}

/// What the choice needs to know of an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterFacts {
    pub name: String,
    /// The "adapter" is a program on the CPU.
    pub software: bool,
    /// Longest side of a texture, pixels.
    pub texture_side: u32,
    /// Largest table, bytes.
    pub table_bytes: u64,
    /// Most bytes that textures, staging and read-backs may take together.
    pub budget_bytes: u64,
}

/// Chooses the engine for a plan over so many source frames and says why, in words fit for a
/// response header.
pub fn choose(plan: &Plan, frames: u32, setting: Setting, adapter: Option<&AdapterFacts>) -> (Kind, &'static str) {
    let adapter = match (setting, adapter) {
        (Setting::Cpu, _) => return (Kind::Cpu, "asked for"),
        (_, None) => return (Kind::Cpu, "no adapter"),
        (Setting::Auto, Some(adapter)) if adapter.software => return (Kind::Cpu, "software adapter"),
        (_, Some(adapter)) => adapter,
    };
    if plan.passes.is_empty() {
        return (Kind::Cpu, "nothing to compute");
    }
    let operands = (0..plan.layers.len()).map(Operand::Layer).chain((0..plan.passes.len()).map(Operand::Pass));
    if operands.map(|operand| plan.size_of(operand).longest_side()).max() > Some(adapter.texture_side) {
        return (Kind::Cpu, "over the adapter's texture side");
    }
    let longest_table = plan.passes.iter().filter_map(|pass| pass.table.as_ref()).map(|table| table.len()).max();
    if longest_table.unwrap_or(0) as u64 * 4 > adapter.table_bytes {
        return (Kind::Cpu, "over the adapter's table size");
    }
    if gpu_bytes(plan, frames) > adapter.budget_bytes {
        return (Kind::Cpu, "over the GPU byte budget");
    }
    (Kind::Gpu, if setting == Setting::Gpu { "asked for" } else { "hardware adapter" })
}

/// Bytes that a plan over so many source frames takes on the GPU's side: textures, which frames
/// share, staging of every frame and overlay, and a read-back for every frame.
pub fn gpu_bytes(plan: &Plan, frames: u32) -> u64 {
    let staged = |layers: &[Layer]| layers.iter().map(|layer| pitched_bytes(layer.size)).sum::<u64>();
    let (source, overlays) = plan.layers.split_at(plan.layers.len().min(1));
    let frame = staged(source) + pitched_bytes(plan.result_size());
    (plan.peak_bytes() + staged(overlays)).saturating_add(frame.saturating_mul(frames.into()))
}

/// Bytes of a picture whose rows are padded as copies between buffers and textures want them.
fn pitched_bytes(size: crate::geometry::Size) -> u64 {
    u64::from(copy_pitch(size.width)) * u64::from(size.height)
}

/// Bytes from row to row in a buffer that is copied to or from a texture: WebGPU wants a multiple
/// of 256.
pub fn copy_pitch(width: u32) -> u32 {
    (width * 4).next_multiple_of(256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Format, Output, Probe};
    use crate::geometry::{Orientation, Size};
    use crate::plan::{Canvas, Origin, Rules};

    fn plan(size: Size, passes: bool) -> Plan {
        let orientation = Orientation::Upright;
        let probe = Probe { format: Format::Png, size, orientation, frames: 1, alpha: false, quality: None };
        let mut canvas = Canvas::new(&probe, &Rules::default(), &[]);
        if passes {
            canvas.sharpen(100);
        }
        canvas.finish(Output::still(Format::Png)).unwrap()
    }

    fn adapter(software: bool) -> AdapterFacts {
        let name = "test".to_owned();
        AdapterFacts { name, software, texture_side: 8192, table_bytes: 1 << 27, budget_bytes: 1 << 28 }
    }

    #[test]
    fn the_choice_and_its_reasons() {
        let small = plan(Size::new(100, 100), true);
        let cases = [
            (&small, Setting::Cpu, Some(adapter(false)), (Kind::Cpu, "asked for")),
            (&small, Setting::Auto, None, (Kind::Cpu, "no adapter")),
            (&small, Setting::Auto, Some(adapter(true)), (Kind::Cpu, "software adapter")),
            (&small, Setting::Auto, Some(adapter(false)), (Kind::Gpu, "hardware adapter")),
            (&small, Setting::Gpu, Some(adapter(true)), (Kind::Gpu, "asked for")),
        ];
        for (plan, setting, adapter, expected) in cases {
            assert_eq!(choose(plan, 1, setting, adapter.as_ref()), expected);
        }
        let adapter = adapter(false);
        let choose = |plan: &Plan| choose(plan, 1, Setting::Gpu, Some(&adapter)).1;
        assert_eq!(choose(&plan(Size::new(100, 100), false)), "nothing to compute");
        assert_eq!(choose(&plan(Size::new(8193, 1), true)), "over the adapter's texture side");
        assert_eq!(choose(&plan(Size::new(8000, 8000), true)), "over the GPU byte budget");
    }

    #[test]
    fn frames_share_textures_but_not_buffers() {
        let mut plan = plan(Size::new(100, 60), true);
        // A row of 400 bytes takes 512 in a buffer; two textures are alive at a time.
        let (textures, buffer) = (2 * 400 * 60, 512 * 60);
        assert_eq!(gpu_bytes(&plan, 1), textures + 2 * buffer);
        assert_eq!(gpu_bytes(&plan, 10), textures + 20 * buffer);
        let size = Size::new(64, 3);
        plan.layers.push(Layer { origin: Origin::Asset(0), size, stored: size, reduction: 1 });
        assert_eq!(gpu_bytes(&plan, 10), textures + 20 * buffer + 2 * 256 * 3);
        let adapter = AdapterFacts { budget_bytes: textures + 10 * buffer, ..adapter(false) };
        let kind = |frames| choose(&plan, frames, Setting::Gpu, Some(&adapter)).0;
        assert_eq!((kind(4), kind(5)), (Kind::Gpu, Kind::Cpu));
    }
}
