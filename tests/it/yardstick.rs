//! A yardstick must be seen to fail: each known fault is caught by the comparison.

use crate::support::compare::{Difference, difference};
use crate::support::pictures::{from_fn, ramp};
use pixelpass::geometry::Size;
use pixelpass::pixel::Frame;

/// The bound that hardware is held to in the parity tests.
const HARDWARE: Difference = crate::parity::HARDWARE_BOUND;

fn faulty(fault: impl Fn([u8; 4], u32, u32, &Frame) -> [u8; 4]) -> Difference {
    let right = ramp(Size::new(211, 97), true);
    let wrong = from_fn(right.size(), |x, y| {
        let texel = right.view().texel(x, y).map(|channel| channel as u8);
        fault(texel, x, y, &right)
    });
    difference(&right.view(), &wrong.view())
}

#[test]
fn equal_pictures_have_no_difference() {
    assert_eq!(faulty(|texel, _, _, _| texel), Difference::NONE);
}

#[test]
fn a_gain_of_two_thousandths_is_caught() {
    let gained = faulty(|texel, _, _, _| texel.map(|channel| (f32::from(channel) * 1.002 + 0.5).min(255.0) as u8));
    assert_eq!(gained.largest, 1, "within one level everywhere");
    assert!(!gained.within(HARDWARE), "{gained:?}");
}

#[test]
fn a_shift_of_one_pixel_is_caught() {
    let shifted = faulty(|_, x, y, right| right.view().texel(x.saturating_sub(1), y).map(|channel| channel as u8));
    assert!(!shifted.within(HARDWARE), "{shifted:?}");
}

#[test]
fn swapped_channels_are_caught() {
    let swapped = faulty(|[red, green, blue, alpha], _, _, _| [blue, green, red, alpha]);
    assert!(!swapped.within(HARDWARE), "{swapped:?}");
}

#[test]
fn a_flipped_picture_is_caught() {
    let flipped = faulty(|_, x, y, right| right.view().texel(x, 96 - y).map(|channel| channel as u8));
    assert!(!flipped.within(HARDWARE), "{flipped:?}");
}
