//! Coverage tables for the `mask` kernel: how much of each pixel near a corner a shape covers.
//!
//! Only the few pixels on the edge are stored, row by row, so that a table grows with the
//! radius and not with its square.

/// Full coverage.
const FULL: u32 = 65_535;

/// The corner of a disc of radius r + 0.5 in a square of side 2r + 1, for the r + 1 rows down to
/// the middle.
///
/// Coverage is clamp(r + 1 − d, 0, 1) with d the distance from a pixel's centre to the centre of
/// pixel (r, r). Source: the specification, section 3.4.
pub fn circle(radius: u32) -> Vec<u32> {
    let edge = f64::from(radius) + 1.0;
    table(radius + 1, radius + 1, |u, v| {
        let (dx, dy) = (f64::from(radius - u), f64::from(radius - v));
        edge - dx.hypot(dy)
    })
}

/// A corner rounded with `radius` pixels, for the `radius` rows that it touches.
///
/// Coverage is clamp(r − hypot(r − u, r − v) + 0.5, 0, 1) with (u, v) a pixel's centre measured
/// from the corner. Source: the specification, section 3.5.
pub fn rounded_corner(radius: u32) -> Vec<u32> {
    let r = f64::from(radius);
    table(radius, radius, |u, v| {
        let (u, v) = (f64::from(u) + 0.5, f64::from(v) + 0.5);
        r - (r - u).hypot(r - v) + 0.5
    })
}

/// Header of three words a row, then the coverages; see `shaders/mask.wgsl`.
///
/// `coverage` must not fall along a row; it is clamped to 0..1 here.
fn table(rows: u32, columns: u32, coverage: impl Fn(u32, u32) -> f64) -> Vec<u32> {
    let level = |u: u32, v: u32| (coverage(u, v).clamp(0.0, 1.0) * f64::from(FULL) + 0.5).floor() as u32;
    let mut words = vec![0; 3 * rows as usize];
    for v in 0..rows {
        let outer = partition(columns, |u| level(u, v) == 0);
        let inner = partition(columns, |u| level(u, v) < FULL);
        let header = 3 * v as usize;
        (words[header], words[header + 1], words[header + 2]) = (outer, inner, words.len() as u32);
        words.extend((outer..inner).map(|u| level(u, v)));
    }
    words
}

/// How many of the first `count` numbers `holds` is true for, given that it is true up to some
/// number and false from there on.
fn partition(count: u32, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(words: &[u32], u: u32, v: u32) -> u32 {
        let header = 3 * v as usize;
        let (outer, inner, start) = (words[header], words[header + 1], words[header + 2]);
        match u {
            _ if u < outer => 0,
            _ if u >= inner => FULL,
            _ => words[(start + u - outer) as usize],
        }
    }

    #[test]
    fn the_smallest_circle() {
        // r = 1: centre and the four extreme pixels are full; corners have 2 − √2 = 0.5858.
        let words = circle(1);
        assert_eq!(coverage(&words, 0, 0), 38_390); // 0.585786 · 65535 = 38389.5
        assert_eq!(coverage(&words, 1, 0), FULL);
        assert_eq!(coverage(&words, 0, 1), FULL);
        assert_eq!(coverage(&words, 1, 1), FULL);
    }

    #[test]
    fn the_smallest_corner() {
        // r = 1: the only pixel's centre is √0.5 from (1, 1): 1 − 0.7071 + 0.5 = 0.7929.
        assert_eq!(coverage(&rounded_corner(1), 0, 0), 51_962);
    }

    #[test]
    fn every_entry_is_the_formula() {
        for radius in [2u32, 3, 16, 133, 600] {
            let words = circle(radius);
            for v in 0..=radius {
                for u in 0..=radius {
                    let distance = f64::from(radius - u).hypot(f64::from(radius - v));
                    let expected = ((f64::from(radius) + 1.0 - distance).clamp(0.0, 1.0) * 65_535.0).round();
                    assert_eq!(f64::from(coverage(&words, u, v)), expected, "r {radius} at ({u}, {v})");
                }
            }
        }
        assert!(circle(4096).len() < 64 * 1024, "{}", circle(4096).len());
    }
}
