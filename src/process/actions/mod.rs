//! One file an action: its SPEC, how it is parsed, how it is planned.

pub mod auto_orient;
pub mod average_hue;
pub mod blur;
pub mod bright;
pub mod circle;
pub mod contrast;
pub mod crop;
pub mod flip;
pub mod format;
pub mod ignore_error;
pub mod indexcrop;
pub mod info;
pub mod interlace;
pub mod quality;
pub mod resize;
pub mod rotate;
pub mod rounded_corners;
pub mod sharpen;
pub mod watermark;
