//! Kernels: the machine's verbs. One WGSL file and one Rust file of the same name make a kernel.
//!
//! The row in the table [`KERNELS`] couples the twins: a missing shader or a missing Rust function does not
//! compile. Each Rust file holds the `Params` struct (field for field that of the shader), the
//! function `texel`, the readable reference that mirrors the shader line for line, and the
//! function `run`, which fills a band of rows as fast as the machine allows and must give exactly
//! what `texel` gives. Where each texel depends on its own place alone the Rust file also has
//! `change`, which makes the result out of the picture where it lies. A kernel never hears of a URL, an action or an adapter.

use crate::geometry::Size;
use crate::pixel::{View, ViewMut};

/// What a kernel reads: the main picture, a second one where the pass names one (else the main one
/// again), and host-computed numbers.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub src: View<'a>,
    pub overlay: View<'a>,
    pub table: &'a [u32],
}

/// A band of result rows to fill.
pub struct Band<'a> {
    /// The result's row that is the band's first.
    pub first_row: u32,
    pub rows: ViewMut<'a>,
}

impl Band<'_> {
    /// Copies the band's rows of `src`, a picture of the result's size, a few at a time, and calls
    /// `change` with each few while they are still in the cache.
    fn copied(&mut self, src: &View, mut change: impl FnMut(&mut Band)) {
        const ROWS: u32 = 16;
        let height = self.rows.size().height;
        for begin in (0..height).step_by(ROWS as usize) {
            let first_row = self.first_row + begin;
            let rows = self.rows.part(begin..height.min(begin + ROWS));
            let mut part = Band { first_row, rows };
            part.each_row(|y, row| row.copy_from_slice(src.row(y)));
            change(&mut part);
        }
    }

    /// Calls `fill` with the number and the bytes of each row.
    #[inline(always)]
    fn each_row(&mut self, mut fill: impl FnMut(u32, &mut [u8])) {
        for y in 0..self.rows.size().height {
            fill(self.first_row + y, self.rows.row(y));
        }
    }
}

/// Stores a texel's channels.
#[inline(always)]
fn store(out: &mut [u8], texel: [u32; 4]) {
    for (byte, channel) in out.iter_mut().zip(texel) {
        *byte = channel as u8;
    }
}

/// Whether every pixel's alpha is 255.
#[multiversion::multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn is_opaque(row: &[u8]) -> bool {
    row.chunks_exact(4).fold(255, |all, pixel| all & pixel[3]) == 255
}

/// One row of the table of kernels.
#[derive(Debug)]
pub struct Kernel {
    /// Name of the file on both sides.
    pub name: &'static str,
    /// The kernel's own shader text, without the includes.
    pub wgsl: &'static str,
    /// Bytes of its `Params`.
    pub params_bytes: usize,
    /// Names and byte offsets of the fields of its `Params`.
    pub fields: &'static [(&'static str, usize)],
}

impl Kernel {
    /// The whole shader module: slots, pixel functions, kernel.
    pub fn module(&self) -> String {
        [
            include_str!("../../shaders/include/bindings.wgsl"),
            include_str!("../../shaders/include/pixel.wgsl"),
            self.wgsl,
        ]
        .join("\n")
    }
}

/// Pixels along each side of a workgroup, in every shader.
pub const WORKGROUP_SIDE: u32 = 16;

/// Declares a kernel's `Params`: plain 32-bit fields in the shader's order.
macro_rules! params {
    ($($(#[$doc:meta])* $field:ident: $kind:ty,)*) => {
        /// The shader's parameters, field for field; their units and ranges stand in the shader.
        #[repr(C)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct Params { $($(#[$doc])* pub $field: $kind,)* }

        impl Params {
            pub(super) const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!(Params, $field)),)*];

            pub(super) fn size(&self) -> crate::geometry::Size {
                crate::geometry::Size::new(self.width, self.height)
            }
        }
    };
}

// Named one by one, since formatters do not see modules that a macro declares.
pub mod blend;
pub mod convolve;
pub mod flatten;
pub mod gather;
pub mod mask;
pub mod sharpen;
pub mod tone;
pub mod warp;

/// Declares the table of kernels.
macro_rules! kernels {
    ($($variant:ident $module:ident,)*) => {
        /// A kernel with its parameters.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Args { $($variant($module::Params),)* }

        /// Every kernel; a kernel's index is [`Args::index`].
        pub static KERNELS: &[Kernel] = &[$(Kernel {
            name: stringify!($module),
            wgsl: include_str!(concat!("../../shaders/", stringify!($module), ".wgsl")),
            params_bytes: size_of::<$module::Params>(),
            fields: $module::Params::FIELDS,
        },)*];

        impl Args {
            /// The kernel's place in [`KERNELS`].
            pub fn index(&self) -> usize {
                let name = self.name();
                KERNELS.iter().position(|kernel| kernel.name == name).unwrap_or_default()
            }

            pub fn name(&self) -> &'static str {
                match self { $(Args::$variant(_) => stringify!($module),)* }
            }

            /// The parameters as the shader reads them.
            pub fn bytes(&self) -> &[u8] {
                match self { $(Args::$variant(params) => bytemuck::bytes_of(params),)* }
            }

            /// The size of the result.
            pub fn size(&self) -> Size {
                match self { $(Args::$variant(params) => params.size(),)* }
            }

            /// Roughly what a pixel of the result costs on one core, in thirds of a nanosecond: for
            /// deciding whether sharing the work is worth it.
            pub fn cost(&self) -> u64 {
                match self { $(Args::$variant(params) => params.cost(),)* }
            }

            /// Fills a band of the result, fast.
            pub fn run(&self, inputs: &Inputs, band: &mut Band) {
                match self { $(Args::$variant(params) => $module::run(params, inputs, band),)* }
            }

            /// Fills a band of the result by the readable reference, a pixel at a time.
            pub fn run_reference(&self, inputs: &Inputs, band: &mut Band) {
                match self {
                    $(Args::$variant(params) => band.each_row(|y, row| {
                        for (x, out) in row.chunks_exact_mut(4).enumerate() {
                            store(out, $module::texel(params, inputs, x as u32, y));
                        }
                    }),)*
                }
            }
        }

        impl std::fmt::Display for Args {
            /// The kernel's name and what is worth telling people of its parameters.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Args::$variant(params) => write!(f, "{} {}", stringify!($module), params),)*
                }
            }
        }
    };
}

kernels! {
    Gather gather,
    Convolve convolve,
    Tone tone,
    Sharpen sharpen,
    Mask mask,
    Flatten flatten,
    Blend blend,
    Warp warp,
}

impl Args {
    /// Whether each texel depends on the main picture at its own place alone, so that the result may
    /// be made where the main picture is, by [`Args::change`].
    pub fn is_in_place(&self) -> bool {
        matches!(self, Args::Tone(_) | Args::Mask(_) | Args::Flatten(_) | Args::Blend(_))
    }

    /// As [`Args::run`], where [`Args::is_in_place`]: the band holds rows of the main picture and then
    /// those of the result. Other kernels leave it as it is.
    pub fn change(&self, overlay: Option<&View>, table: &[u32], band: &mut Band) {
        match (self, overlay) {
            (Args::Tone(_), _) => tone::change(table, band),
            (Args::Mask(params), _) => mask::change(params, table, band),
            (Args::Flatten(params), _) => flatten::change(params, band),
            (Args::Blend(params), Some(overlay)) => blend::change(params, overlay, band),
            _ => {}
        }
    }

    /// Whether this pass over the result of `first` can be made together with it, by [`run_both`].
    pub fn joins(&self, first: &Args) -> bool {
        match (first, self) {
            (Args::Convolve(first), Args::Convolve(second)) => convolve::joins(first, second),
            _ => false,
        }
    }
}

/// Fills a band of the result of `second` over the result of `first` over `src`, each with its table,
/// where [`Args::joins`]; does nothing for others.
pub fn run_both(first: (&Args, &[u32]), second: (&Args, &[u32]), src: &View, band: &mut Band) {
    if let ((Args::Convolve(a), a_table), (Args::Convolve(b), b_table)) = (first, second) {
        convolve::run_both((a, a_table), (b, b_table), src, band);
    }
}

/// `Size` of the result as every kernel's `Display` begins.
fn write_size(f: &mut std::fmt::Formatter<'_>, width: u32, height: u32) -> std::fmt::Result {
    write!(f, "-> {}", Size::new(width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kernel that works in place, over pixels some of which are transparent.
    #[test]
    fn changed_in_place_a_picture_is_what_a_run_makes_of_it() {
        let size = Size::new(37, 41);
        let Size { width, height } = size;
        let byte = |index: u32| index.wrapping_mul(2_654_435_761).to_be_bytes()[0];
        let mixed: Vec<u8> = (0..width * height * 4).map(byte).collect();
        let opaque: Vec<u8> = (0..).zip(&mixed).map(|(at, byte)| if at % 4 == 3 { 255 } else { *byte }).collect();
        let tiles = blend::Params {
            width,
            height,
            left: -3,
            top: 2,
            step_x: 17,
            step_y: 19,
            overlay_width: 11,
            overlay_height: 13,
            opacity: 60,
        };
        let inversion: Vec<u32> = (0..256).map(|value| (255 - value) * 0x01_01_01).collect();
        let corners = vec![1, 3, 6, 0, 1, 8, 16_384, 49_151, 32_768];
        let kernels = [
            (Args::Tone(tone::Params { width, height }), inversion),
            (Args::Mask(mask::Params { width, height, rows: 2 }), corners),
            (Args::Flatten(flatten::Params { width, height, backdrop: 0xFF40_80C0 }), vec![]),
            (Args::Blend(tiles), vec![]),
        ];
        for pixels in [mixed, opaque] {
            let src = View::new(size, width as usize * 4, &pixels);
            for (args, table) in &kernels {
                assert!(args.is_in_place());
                let inputs = Inputs { src, overlay: src, table };
                let made = |fill: &dyn Fn(&mut Band)| {
                    let mut result = pixels.clone();
                    for (first_row, rows) in ViewMut::new(size, width as usize * 4, &mut result).bands(23) {
                        fill(&mut Band { first_row, rows });
                    }
                    result
                };
                let expected = made(&|band| args.run_reference(&inputs, band));
                assert!(made(&|band| args.run(&inputs, band)) == expected, "{args}");
                assert!(made(&|band| args.change(Some(&src), table, band)) == expected, "{args} in place");
            }
        }
    }
}
