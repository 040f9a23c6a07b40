//! The limits of the service, as numbers that every room can be handed.

/// Bounds on sources and results. [`Limits::OSS`] holds the published ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest source in bytes.
    pub source_bytes: u64,
    /// Longest side of a source in pixels.
    pub source_side: u32,
    /// Largest width × height of a source.
    pub source_pixels: u64,
    /// Longest side of a resize result in pixels.
    pub result_side: u32,
    /// Largest width × height of a resize result.
    pub result_pixels: u64,
    /// Longest side of a picture that may be turned, in pixels.
    pub turn_side: u32,
    /// Most bytes of pixels that one plan may hold at a time.
    pub plan_bytes: u64,
}

impl Limits {
    /// The limits of OSS IMG; `plan_bytes` holds a source and a result of the largest size.
    pub const OSS: Limits = Limits {
        source_bytes: 20 * 1024 * 1024,
        source_side: 30_000,
        source_pixels: 250_000_000,
        result_side: 16_384,
        result_pixels: 16_777_216,
        turn_side: 4_096,
        plan_bytes: 3 * 1024 * 1024 * 1024,
    };
}
