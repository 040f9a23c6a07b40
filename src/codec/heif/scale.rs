//! Planes of another size than the picture that they belong to.

use crate::geometry::Size;

/// Shares of a sample are counted in these.
const ONE: u32 = 1 << 8;

/// A plane without padding, scaled: by linear interpolation, and where it becomes smaller by means over
/// as many samples as one stands for.
pub fn scaled(plane: &[u8], from: Size, to: Size) -> Vec<u8> {
    let columns = taps(from.width, to.width);
    let rows = taps(from.height, to.height);
    let width = from.width as usize;
    let mut scaled = Vec::with_capacity(to.pixels() as usize);
    let mut sums = vec![0u32; width];
    for row in &rows {
        sums.fill(0);
        for (place, share) in row {
            for (sum, sample) in sums.iter_mut().zip(&plane[*place as usize * width..]) {
                *sum += share * u32::from(*sample);
            }
        }
        scaled.extend(columns.iter().map(|column| {
            let sum: u32 = column.iter().map(|(place, share)| share * sums[*place as usize]).sum();
            ((sum + ONE * ONE / 2) / (ONE * ONE)) as u8
        }));
    }
    scaled
}

/// For each place of the scaled side, the samples that count and their shares, which add up to one.
fn taps(from: u32, to: u32) -> Vec<Vec<(u32, u32)>> {
    let step = f64::from(from) / f64::from(to);
    let reach = step.max(1.0);
    let taps = |place: u32| {
        let middle = (f64::from(place) + 0.5) * step - 0.5;
        let (first, last) = ((middle - reach).floor() as i64 + 1, (middle + reach).ceil() as i64 - 1);
        let weight = |at: i64| 1.0 - (at as f64 - middle).abs() / reach;
        let whole: f64 = (first..=last).map(weight).sum();
        // Beyond the edge its sample counts once more.
        let (mut taps, mut sum, mut given) = (Vec::<(u32, u32)>::new(), 0.0, 0);
        for at in first..=last {
            sum += weight(at);
            let share = (sum / whole * f64::from(ONE) + 0.5) as u32 - given;
            given += share;
            let place = at.clamp(0, i64::from(from) - 1) as u32;
            match taps.last_mut() {
                Some((last, shares)) if *last == place => *shares += share,
                _ => taps.push((place, share)),
            }
        }
        taps
    };
    (0..to).map(taps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_even_stays_and_slopes_stay_slopes() {
        for (from, to) in [((4, 3), (9, 7)), ((9, 7), (2, 5)), ((5, 5), (5, 5)), ((1, 1), (6, 2)), ((100, 90), (1, 1))]
        {
            let (from, to) = (Size::new(from.0, from.1), Size::new(to.0, to.1));
            assert_eq!(scaled(&vec![93; from.pixels() as usize], from, to), vec![93; to.pixels() as usize]);
        }
        // Twice as long: places lie a quarter before and behind the samples.
        assert_eq!(scaled(&[0, 100, 200], Size::new(3, 1), Size::new(6, 1)), [0, 25, 75, 125, 175, 200]);
        assert_eq!(scaled(&[10, 20, 30, 40], Size::new(1, 4), Size::new(1, 4)), [10, 20, 30, 40]);
        // Half as long: shares of 1/8, 3/8, 3/8, 1/8; at the edge its sample stands for what is beyond.
        assert_eq!(scaled(&[0, 80, 160, 240], Size::new(4, 1), Size::new(2, 1)), [50, 190]);
    }
}
