//! The yardstick: the largest difference between channel values, and the share that differ.
//!
//! One number is not enough: a result 0.2 % too bright stays within ±1 everywhere while a sixth of
//! its values differ.

use pixelpass::pixel::View;

/// How two pictures of the same size differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Largest difference between two channel values.
    pub largest: u8,
    /// Share of channel values that differ, 0..=1.
    pub share: f64,
}

impl Difference {
    pub const NONE: Difference = Difference { largest: 0, share: 0.0 };

    pub fn within(&self, bound: Difference) -> bool {
        self.largest <= bound.largest && self.share <= bound.share
    }
}

/// Compares channel by channel.
///
/// # Panics
/// If the sizes differ or there is nothing to compare.
pub fn difference(a: &View, b: &View) -> Difference {
    assert_eq!(a.size(), b.size());
    assert!(a.size().pixels() > 0, "nothing to compare");
    let (mut largest, mut differing) = (0, 0u64);
    for y in 0..a.size().height {
        for (a, b) in a.row(y).iter().zip(b.row(y)) {
            largest = largest.max(a.abs_diff(*b));
            differing += u64::from(a != b);
        }
    }
    Difference { largest, share: differing as f64 / (a.size().pixels() * 4) as f64 }
}
