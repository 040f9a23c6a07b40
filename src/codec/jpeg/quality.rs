//! The quality that a JPEG was made with, read back from its quantisation tables.

use super::markers::Table;

/// The luminance steps of quality 50 in zigzag order. Source: ITU-T T.81, table K.1.
#[rustfmt::skip]
const LUMINANCE: [u32; 64] = [
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
    26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
    56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];

/// The chrominance steps of quality 50 in zigzag order. Source: ITU-T T.81, table K.2.
#[rustfmt::skip]
const CHROMINANCE: [u32; 64] = [
    17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// The IJG quality, 1..=100, whose tables are nearest by the sum of absolute differences.
///
/// Exact for files by encoders that scale the standard tables as the IJG does; among equally near
/// qualities the highest. `chrominance` is absent in grey pictures.
pub fn estimate(luminance: &Table, chrominance: Option<&Table>) -> u8 {
    let distance = |quality: &u8| {
        let colors = chrominance.map_or(0, |table| difference(table, &CHROMINANCE, *quality));
        difference(luminance, &LUMINANCE, *quality) + colors
    };
    (1..=100).rev().min_by_key(distance).unwrap_or(100)
}

/// Steps over 255 count as 255: that is where baseline files cut them off.
fn difference(table: &Table, standard: &[u32; 64], quality: u8) -> u32 {
    let percent = scale_percent(quality.into());
    let steps = standard.iter().map(|step| ((step * percent + 50) / 100).clamp(1, 255));
    table.iter().zip(steps).map(|(found, step)| u32::from(*found).min(255).abs_diff(step)).sum()
}

/// By how much a quality scales the standard tables. Source: the IJG's `jpeg_quality_scaling`.
fn scale_percent(quality: u32) -> u32 {
    if quality < 50 { 5000 / quality } else { 200 - 2 * quality }
}

#[cfg(test)]
mod tests {
    use super::super::markers::Head;
    use super::*;
    use crate::codec::turbo;
    use crate::geometry::Size;
    use crate::pixel::View;

    #[test]
    fn every_quality_is_read_back_exactly() {
        let pixels = [90; 16 * 16 * 4];
        let view = View::new(Size::new(16, 16), 64, &pixels);
        for quality in 1..=100 {
            let file = turbo::compress(&view, turbo::Coding { quality, progressive: false, chroma_span: 2 }).unwrap();
            let head = Head::read(&file);
            let (luminance, chrominance) = head.tables().unwrap();
            assert_eq!(difference(luminance, &LUMINANCE, quality), 0, "luminance at {quality}");
            assert_eq!(difference(chrominance.unwrap(), &CHROMINANCE, quality), 0, "chrominance at {quality}");
            assert_eq!(estimate(luminance, chrominance), quality);
            assert_eq!(estimate(luminance, None), quality);
        }
    }

    #[test]
    fn strange_tables_have_a_nearest_quality() {
        assert_eq!(estimate(&[1; 64], Some(&[1; 64])), 100);
        assert_eq!(estimate(&[u16::MAX; 64], None), 1);
        assert_eq!(estimate(&[0; 64], None), 100);
    }
}
