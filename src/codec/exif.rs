//! EXIF: for now the orientation alone. What cannot be read counts as absent.

use crate::geometry::Orientation;
use ::exif::{In, Reader, Tag};

/// The orientation that an EXIF block (TIFF header first) tells; upright where it tells none.
pub fn orientation(block: &[u8]) -> Orientation {
    let parsed = Reader::new()
        .continue_on_error(true)
        .read_raw(block.to_vec())
        .or_else(|error| error.distill_partial_result(|_| ()));
    let value = parsed.ok().and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0));
    Orientation::from_exif(value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Little-endian TIFF with one entry: Orientation, SHORT, one value.
    fn block(value: u8) -> Vec<u8> {
        let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        block.extend([value, 0, 0, 0, 0, 0, 0, 0]);
        block
    }

    #[test]
    fn every_value_is_read_and_wrong_ones_are_upright() {
        for value in 1..=8 {
            assert_eq!(orientation(&block(value)) as u32, u32::from(value));
        }
        for wrong in [0, 9, 255] {
            assert_eq!(orientation(&block(wrong)), Orientation::Upright);
        }
    }

    #[test]
    fn nonsense_is_upright() {
        assert_eq!(orientation(b""), Orientation::Upright);
        assert_eq!(orientation(b"Exif"), Orientation::Upright);
        let whole = block(6);
        for length in 0..18 {
            assert_eq!(orientation(&whole[..length]), Orientation::Upright);
        }
    }
}
