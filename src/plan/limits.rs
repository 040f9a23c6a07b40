//! The limits that a format puts on its results. Source: the specification, section 9.2.

use crate::error::{Code, Ec, Error};
use crate::format::Format;
use crate::geometry::Size;

const WEBP_SIDE: u32 = 16_383;
const HEIC_SIDE: u32 = 4_096;
const AVIF_LONG_SIDE: u32 = 4_096;
const AVIF_SHORT_SIDE: u32 = 2_304;

/// Holds a result against what its format can carry.
///
/// # Errors
/// `ImageTooLarge`: EC 0040-00000011 for WebP, 0040-00000014 for AVIF.
pub fn check(format: Format, size: Size) -> Result<(), Error> {
    let too_large = |message: String, ec: Option<u32>| {
        let error = Error::new(Code::ImageTooLarge, message);
        Err(match ec {
            Some(ec) => error.ec(Ec::image(ec)),
            None => error,
        })
    };
    match format {
        Format::WebP if size.longest_side() > WEBP_SIDE => {
            too_large(format!("Maximum width and height allowed is {WEBP_SIDE} pixels for converting webp"), Some(11))
        }
        Format::Heic if size.longest_side() > HEIC_SIDE => {
            too_large(format!("Maximal size of image supported for heic is {HEIC_SIDE} x {HEIC_SIDE} pixels."), None)
        }
        Format::Avif if size.longest_side() > AVIF_LONG_SIDE || size.shortest_side() > AVIF_SHORT_SIDE => too_large(
            format!("Maximal size of image supported for avif is {AVIF_LONG_SIDE} x {AVIF_SHORT_SIDE} pixels."),
            Some(14),
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges() {
        let ec = |format, width, height| check(format, Size::new(width, height)).map_err(|error| error.ec);
        assert_eq!(ec(Format::WebP, 16_383, 1), Ok(()));
        assert_eq!(ec(Format::WebP, 1, 16_384), Err(Some(Ec::image(11))));
        assert_eq!(ec(Format::Heic, 4_096, 4_096), Ok(()));
        assert_eq!(ec(Format::Heic, 4_097, 1), Err(None));
        assert_eq!(ec(Format::Avif, 2_304, 4_096), Ok(()));
        assert_eq!(ec(Format::Avif, 2_305, 2_305), Err(Some(Ec::image(14))));
        assert_eq!(ec(Format::Avif, 4_097, 1), Err(Some(Ec::image(14))));
        assert_eq!(ec(Format::Png, 30_000, 30_000), Ok(()));
    }
}
