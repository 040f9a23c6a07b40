//! Tone tables: what a channel value becomes, for the `tone` kernel.
//!
//! Neighbouring tone steps compose on the host into one table, which changes nothing, since every
//! action rounds its result to 8 bits anyway.

/// What each of the 256 values becomes, the same for the three colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToneTable(pub [u8; 256]);

impl ToneTable {
    fn of(curve: impl Fn(i32) -> i32) -> ToneTable {
        ToneTable(std::array::from_fn(|value| curve(value as i32).clamp(0, 255) as u8))
    }

    /// v + amount · 127.5 / 100, rounded half up; `amount` in −100..=100.
    ///
    /// Source: the specification, section 4.2.
    pub fn bright(amount: i32) -> ToneTable {
        // In thousandths, so that nothing is lost: 127.5 / 100 = 1275 / 1000.
        ToneTable::of(|value| (1000 * value + 1275 * amount + 500).div_euclid(1000))
    }

    /// (v − 127.5) · k + 127.5 with k = tan((amount / 100 + 1) · π / 4), rounded half up;
    /// `amount` in −100..=100. At 100 every value goes to the nearer end.
    ///
    /// Source: the specification, section 4.3.
    pub fn contrast(amount: i32) -> ToneTable {
        match amount {
            0 => ToneTable::of(|value| value),
            100 => ToneTable::of(|value| if value > 127 { 255 } else { 0 }),
            _ => {
                let slope = ((f64::from(amount) / 100.0 + 1.0) * std::f64::consts::FRAC_PI_4).tan();
                ToneTable::of(|value| ((f64::from(value) - 127.5) * slope + 127.5 + 0.5).floor() as i32)
            }
        }
    }

    /// This table, then `next`.
    pub fn then(&self, next: &ToneTable) -> ToneTable {
        ToneTable(self.0.map(|value| next.0[usize::from(value)]))
    }

    /// The kernel's 256 words: red, green and blue of the new value, red in the lowest byte.
    pub fn words(&self) -> Vec<u32> {
        self.0.iter().map(|&value| u32::from_le_bytes([value, value, value, 0])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bright_follows_the_worked_examples() {
        let (up, down) = (ToneTable::bright(50), ToneTable::bright(-50));
        assert_eq!([100, 250, 10, 0].map(|value: usize| up.0[value]), [164, 255, 74, 64]);
        assert_eq!([100, 250, 10, 0].map(|value: usize| down.0[value]), [36, 186, 0, 0]);
        assert_eq!(ToneTable::bright(0), ToneTable::of(|value| value));
        // 20 · 1.275 = 25.5: a half goes up.
        assert_eq!(ToneTable::bright(20).0[0], 26);
    }

    #[test]
    fn contrast_follows_the_worked_examples() {
        let (less, more) = (ToneTable::contrast(-50), ToneTable::contrast(50));
        assert_eq!([0, 100, 200].map(|value: usize| less.0[value]), [75, 116, 158]);
        assert_eq!([0, 100, 200].map(|value: usize| more.0[value]), [0, 61, 255]);
        assert_eq!(ToneTable::contrast(-100).0, [128; 256]);
        assert_eq!(ToneTable::contrast(100).0[127..129], [0, 255]);
        assert_eq!(ToneTable::contrast(0), ToneTable::of(|value| value));
    }

    #[test]
    fn composing_equals_one_after_the_other() {
        let (first, second) = (ToneTable::bright(50), ToneTable::contrast(-30));
        let both = first.then(&second);
        for value in 0..256 {
            assert_eq!(both.0[value], second.0[usize::from(first.0[value])]);
        }
    }
}
