//! The GPU against the CPU's reference: equal on a software adapter; on hardware a value may be
//! off by one where multiply and add are fused, but only few may.

use super::*;
use crate::color::Color;
use crate::geometry::{Fit, Rect, place};
use crate::plan::tone::ToneTable;

/// Largest difference, and values that differ.
fn difference(got: &[u8], wanted: &[u8]) -> (u8, usize) {
    assert_eq!(got.len(), wanted.len());
    let steps = got.iter().zip(wanted).map(|(got, wanted)| got.abs_diff(*wanted));
    let different = steps.clone().filter(|step| *step > 0).count();
    (steps.max().unwrap_or(0), different)
}

/// Whether the two numbers are within what the adapter may do.
fn is_close((largest, different): (u8, usize), values: usize, software: bool) -> bool {
    different == 0 || (!software && largest == 1 && different * 500 <= values)
}

fn check(name: &str, size: Size, alpha: bool, format: Format, verbs: impl FnOnce(&mut Canvas)) {
    let Some(engine) = shared() else { return };
    let plan = plan(size, alpha, format, verbs);
    let pixels = noise(size, alpha, size.width * 7919 + size.height);
    let wanted = reference(&plan, &pixels);
    let numbers = difference(&run(engine, &plan, &pixels).unwrap(), &wanted);
    let close = is_close(numbers, wanted.len(), engine.facts().software);
    assert!(close, "{name} of {size} alpha {alpha}: {numbers:?} of {} values\n{plan}", wanted.len());
}

/// Sizes that find faults.
fn sizes() -> Vec<Size> {
    let sides = [
        (1, 1),
        (1, 37),
        (41, 1),
        (2, 3),
        (15, 16),
        (17, 33),
        (31, 29),
        (64, 64),
        (65, 63),
        (255, 40),
        (256, 7),
        (257, 127),
    ];
    sides.map(|(width, height)| Size::new(width, height)).to_vec()
}

/// Checks `verbs` over every size, with and without alpha.
fn check_all(name: &str, verbs: impl Fn(&mut Canvas)) {
    for size in sizes() {
        check(name, size, false, Format::Png, &verbs);
        check(name, size, true, Format::Png, &verbs);
    }
}

fn resize(canvas: &mut Canvas, fit: Fit, width: u32, height: u32) {
    if let Some(placement) = place(fit, canvas.size(), Size::new(width, height), true) {
        canvas.resize(&placement, Color { red: 9, green: 200, blue: 77 }).unwrap();
    }
}

#[test]
fn resizes_down_and_up() {
    check_all("down", |canvas| {
        let size = canvas.size();
        resize(canvas, Fit::Fixed, size.width.div_ceil(3), size.height.div_ceil(2));
    });
    check_all("up", |canvas| {
        let size = canvas.size();
        resize(canvas, Fit::Fixed, size.width * 2 + 3, size.height + 5);
    });
    check_all("one pixel", |canvas| resize(canvas, Fit::Fixed, 1, 1));
}

#[test]
fn fits() {
    check_all("fill", |canvas| resize(canvas, Fit::Fill, 23, 19));
    check_all("pad", |canvas| resize(canvas, Fit::Pad, 67, 70));
}

#[test]
fn blurs() {
    check_all("blur", |canvas| canvas.blur(3, 2.0));
    check_all("wide blur", |canvas| canvas.blur(50, 50.0));
}

#[test]
fn sharpens() {
    check_all("least", |canvas| canvas.sharpen(50));
    check_all("most", |canvas| canvas.sharpen(399));
}

#[test]
fn tones() {
    check_all("bright", |canvas| canvas.tone(&ToneTable::bright(37)));
    check_all("contrast", |canvas| canvas.tone(&ToneTable::contrast(-61)));
}

#[test]
fn circles_and_corners() {
    check_all("circle", |canvas| {
        let radius = (canvas.size().shortest_side() - 1) / 2;
        let side = 2 * radius + 1;
        canvas.crop(Rect { x: 0, y: 0, width: side, height: side });
        canvas.mask_circle(radius);
    });
    check_all("corners", |canvas| canvas.mask_corners(canvas.size().shortest_side() / 2));
}

#[test]
fn turns_crops_and_flattening() {
    for value in 1..=8 {
        check_all("turn", |canvas| canvas.orient(Orientation::from_exif(value)));
    }
    check_all("crop", |canvas| {
        let size = canvas.size();
        let (x, y) = (size.width / 3, size.height / 4);
        canvas.crop(Rect { x, y, width: size.width - x, height: size.height - y });
    });
    for size in sizes() {
        check("flatten", size, true, Format::Jpeg, |canvas| canvas.tone(&ToneTable::bright(0)));
    }
}

#[test]
fn long_chains() {
    let chain = |canvas: &mut Canvas| {
        resize(canvas, Fit::Fill, 61, 47);
        canvas.orient(Orientation::Turn90);
        canvas.blur(5, 3.0);
        canvas.sharpen(120);
        canvas.tone(&ToneTable::contrast(20));
        canvas.mask_corners(13);
        resize(canvas, Fit::Pad, 90, 90);
        canvas.sharpen(60);
    };
    for size in sizes() {
        check("chain", size, true, Format::Jpeg, chain);
        check("chain", size, false, Format::Png, chain);
    }
    check("large", Size::new(1021, 769), true, Format::Png, chain);
}

#[test]
fn a_plan_without_passes_gives_the_layer() {
    check_all("nothing", |_| {});
}

#[test]
fn the_yardstick_fails_on_known_faults() {
    let good = vec![100; 40_000];
    let mut one_moved = good.clone();
    one_moved[17] = 102;
    let brighter: Vec<u8> = good.iter().map(|value| value + 1).collect();
    for (bad, numbers) in [(one_moved, (2, 1)), (brighter, (1, 40_000))] {
        assert_eq!(difference(&bad, &good), numbers);
        assert!(!is_close(numbers, good.len(), true));
        assert!(!is_close(numbers, good.len(), false));
    }
    assert!(is_close(difference(&good, &good), good.len(), true));
}
