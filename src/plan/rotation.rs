//! Free rotation: the size of the result, and where in the source each of its pixels looks.

use crate::geometry::Size;

/// What the kernel `warp` needs to turn a picture of size `source` clockwise by `angle_deg`: the
/// size of the result, which holds all of it, and the table. The picture lies in the middle.
///
/// The table's fixed point holds sources of sides up to 16384.
pub fn rotation(source: Size, angle_deg: u32) -> (Size, Vec<u32>) {
    let (sine, cosine) = f64::from(angle_deg % 360).to_radians().sin_cos();
    let (width, height) = (f64::from(source.width), f64::from(source.height));
    // A side that is whole but for rounding stays whole.
    let side = |exact: f64| (exact - 1e-6).ceil().max(1.0) as u32;
    let size =
        Size::new(side(width * cosine.abs() + height * sine.abs()), side(width * sine.abs() + height * cosine.abs()));
    let mut table = Vec::with_capacity(2 * (size.width as usize + size.height as usize));
    for x in 0..size.width {
        let across = f64::from(x) + 0.5 - f64::from(size.width) / 2.0;
        table.push(word(across * cosine + (width - 1.0) / 2.0));
        table.push(word(-across * sine + (height - 1.0) / 2.0));
    }
    for y in 0..size.height {
        let down = f64::from(y) + 0.5 - f64::from(size.height) / 2.0;
        table.push(word(down * sine));
        table.push(word(down * cosine));
    }
    (size, table)
}

/// 16.16 fixed point.
fn word(place: f64) -> u32 {
    (place * 65536.0).round() as i32 as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Size = Size::new(400, 267);

    /// Where the result's (x, y) looks, in source pixels.
    fn place((size, table): &(Size, Vec<u32>), x: u32, y: u32) -> (f64, f64) {
        let (column, row) = (2 * x as usize, 2 * (size.width + y) as usize);
        let place = |axis: usize| f64::from(table[column + axis] as i32 + table[row + axis] as i32) / 65536.0;
        (place(0), place(1))
    }

    #[test]
    fn the_result_holds_the_turned_picture() {
        let sizes = [(0, 400, 267), (30, 480, 432), (45, 472, 472), (90, 267, 400), (180, 400, 267), (315, 472, 472)];
        for (angle_deg, width, height) in sizes {
            let (size, table) = rotation(SOURCE, angle_deg);
            assert_eq!(size, Size::new(width, height), "{angle_deg}");
            assert_eq!(table.len() as u32, 2 * (width + height));
        }
        assert_eq!(rotation(Size::new(1, 1), 45).0, Size::new(2, 2));
    }

    #[test]
    fn quarter_turns_are_exact_and_clockwise() {
        assert_eq!(place(&rotation(SOURCE, 0), 399, 266), (399.0, 266.0));
        // Turned right, the upper left shows what was at the lower left.
        let right = rotation(SOURCE, 90);
        assert_eq!(place(&right, 0, 0), (0.0, 266.0));
        assert_eq!(place(&right, 266, 399), (399.0, 0.0));
        assert_eq!(place(&rotation(SOURCE, 180), 0, 0), (399.0, 266.0));
        assert_eq!(place(&rotation(SOURCE, 270), 0, 0), (399.0, 0.0));
        assert_eq!(rotation(SOURCE, 360), rotation(SOURCE, 0));
    }

    #[test]
    fn the_middle_stays_in_the_middle_and_corners_are_held() {
        let largest = Size::new(16_384, 16_384);
        for angle_deg in 0..360 {
            let turned = rotation(SOURCE, angle_deg);
            let last = (turned.0.width - 1, turned.0.height - 1);
            let (first, end) = (place(&turned, 0, 0), place(&turned, last.0, last.1));
            assert!(((first.0 + end.0) / 2.0 - 199.5).abs() < 1e-4, "{angle_deg}");
            assert!(((first.1 + end.1) / 2.0 - 133.0).abs() < 1e-4, "{angle_deg}");
            // No corner looks beyond what the fixed point holds.
            if angle_deg % 15 == 0 {
                let (size, table) = rotation(largest, angle_deg);
                for (x, y) in [(0, 0), (size.width - 1, 0), (0, size.height - 1), (size.width - 1, size.height - 1)] {
                    let (column, row) = (2 * x as usize, 2 * (size.width + y) as usize);
                    for axis in 0..2 {
                        assert!((table[column + axis] as i32).checked_add(table[row + axis] as i32).is_some());
                    }
                }
            }
        }
    }
}
