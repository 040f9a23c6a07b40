//! Kernels: the machine's verbs. One WGSL file and one Rust file of the same name make a kernel.
//!
//! The row in the table [`KERNELS`] couples the twins: a missing shader or a missing Rust function does not
//! compile. Each Rust file holds the `Params` struct (field for field that of the shader), the
//! function `texel`, the readable reference that mirrors the shader line for line, and the
//! function `run`, which fills a band of rows as fast as the machine allows and must give exactly
//! what `texel` gives. A kernel never hears of a URL, an action or an adapter.

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

/// `Size` of the result as every kernel's `Display` begins.
fn write_size(f: &mut std::fmt::Formatter<'_>, width: u32, height: u32) -> std::fmt::Result {
    write!(f, "-> {}", Size::new(width, height))
}
