//! The main colour of a picture, as `average-hue` tells it.

use crate::error::Error;
use crate::pixel::TEXEL_BYTES;

/// Degrees around the mean hue within which a pixel counts.
const REACH_DEG: f64 = 46.0;

/// Shows every row of a picture, RGBA8, from top to bottom.
pub type EachRow<'a> = dyn FnMut(&mut dyn FnMut(&[u8])) -> Result<(), Error> + 'a;

/// The mean colour of the pixels whose hue is near the mean hue, each channel cut to an integer;
/// the mean of all pixels where none is near. Alpha is passed over. Asks for the rows twice.
///
/// The mean hue is the arithmetic one of degrees 0..360, grey pixels counting as 0: it is not
/// circular. Source: the specification, section 7.2, fitted to one published value.
///
/// # Errors
/// Those of `each_row`.
pub fn average(each_row: &mut EachRow) -> Result<[u8; 3], Error> {
    let (mut all, mut near) = (Sums::default(), Sums::default());
    let mut hues_deg = 0.0;
    each_row(&mut |row| {
        for pixel in row.chunks_exact(TEXEL_BYTES) {
            hues_deg += hue_deg(pixel);
            all.add(pixel);
        }
    })?;
    let mean = hues_deg / all.count as f64;
    each_row(&mut |row| {
        row.chunks_exact(TEXEL_BYTES).filter(|pixel| (hue_deg(pixel) - mean).abs() <= REACH_DEG).for_each(|pixel| {
            near.add(pixel);
        });
    })?;
    let Sums { total, count } = if near.count == 0 { all } else { near };
    Ok(total.map(|sum| (sum / count.max(1)) as u8))
}

/// Pixels added up.
#[derive(Default)]
struct Sums {
    total: [u64; 3],
    count: u64,
}

impl Sums {
    fn add(&mut self, pixel: &[u8]) {
        for (sum, value) in self.total.iter_mut().zip(pixel) {
            *sum += u64::from(*value);
        }
        self.count += 1;
    }
}

/// Hue by the definition of HSV, in degrees 0..360; 0 for grey.
fn hue_deg(pixel: &[u8]) -> f64 {
    let [red, green, blue] = [0, 1, 2].map(|channel| i32::from(pixel[channel]));
    let most = red.max(green).max(blue);
    let range = most - red.min(green).min(blue);
    if range == 0 {
        return 0.0;
    }
    let part = |first: i32, second: i32| f64::from(first - second) / f64::from(range);
    let sixths = match most {
        most if most == red => part(green, blue),
        most if most == green => 2.0 + part(blue, red),
        _ => 4.0 + part(red, green),
    };
    (sixths * 60.0).rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn average_of(pixels: &[[u8; 3]]) -> [u8; 3] {
        let bytes: Vec<_> = pixels.iter().flat_map(|[red, green, blue]| [*red, *green, *blue, 255]).collect();
        let rows = bytes.chunks(2 * TEXEL_BYTES);
        average(&mut |show| {
            rows.clone().for_each(show);
            Ok(())
        })
        .unwrap()
    }

    #[test]
    fn a_constant_picture_has_its_own_colour() {
        for color in [[92, 120, 59], [0, 0, 0], [255, 0, 1]] {
            assert_eq!(average_of(&[color; 7]), color);
        }
    }

    #[test]
    fn hues_of_the_six_corners() {
        let corners = [[255, 0, 0], [255, 255, 0], [0, 255, 0], [0, 255, 255], [0, 0, 255], [255, 0, 255]];
        assert_eq!(corners.map(|corner| hue_deg(&corner)), [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]);
        assert_eq!(hue_deg(&[7, 7, 7]), 0.0);
    }

    #[test]
    fn pixels_far_from_the_mean_do_not_count() {
        // Hues 120, 120, 120 and 240: the mean is 150, and blue is 90 degrees away.
        assert_eq!(average_of(&[[0, 100, 0], [0, 101, 0], [0, 101, 0], [0, 0, 255]]), [0, 100, 0]);
        // Hues 0 and 180: the mean is 90, nobody is near, so that all count.
        assert_eq!(average_of(&[[255, 0, 0], [0, 255, 255]]), [127, 127, 127]);
    }
}
