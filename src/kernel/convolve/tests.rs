//! Every kind of instructions that the machine has, over pixels and planes, against the reference.

use super::*;
use crate::geometry::Size;
use crate::pixel::{View, ViewMut};

/// Bytes without a pattern; every fourth 255 where they shall be opaque pixels.
fn noise(count: usize, opaque: bool) -> Vec<u8> {
    let byte =
        |index: usize| (index as u32).wrapping_mul(2_654_435_761).wrapping_add(index as u32 >> 3).to_be_bytes()[1];
    (0..count).map(|index| if opaque && index % 4 == 3 { 255 } else { byte(index) }).collect()
}

/// A pass with weights of either sign that sum to one, each place's first tap `step` / 4 further.
fn case(axis: u32, size: Size, taps: u32, step: u32, shared: bool) -> (Params, Vec<u32>, Size) {
    let along = if axis == 0 { size.width } else { size.height };
    let count = if shared { along } else { (along - 1) * step / 4 + taps };
    let source = if axis == 0 { Size::new(count, size.height + 3) } else { Size::new(size.width + 3, count) };
    let row = |place: u32| {
        let first = if shared { -(taps as i32 / 2) } else { (place * step / 4) as i32 };
        let mut left = 1 << 14;
        let weights = (0..taps).map(move |tap| {
            let weight = match tap + 1 == taps {
                true => left,
                false => (tap.wrapping_mul(7919) + place * 31) as i32 % 9000 - 4000,
            };
            left -= weight;
            weight.clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT) as u32
        });
        std::iter::once(first as u32).chain(weights)
    };
    let params = Params {
        width: size.width,
        height: size.height,
        axis,
        cross: 2,
        taps,
        stride: if shared { 0 } else { 1 + taps },
        advance: shared.into(),
        low: 0,
        high: count as i32,
        opaque: 1,
        keep_alpha: 0,
        digits: 14,
    };
    (params, (0..if shared { 1 } else { along }).flat_map(row).collect(), source)
}

/// Runs a pass over pixels and over a plane, at every level, and holds all against the reference.
fn check(case: &(Params, Vec<u32>, Size)) {
    let (params, table, source) = case;
    let size = params.size();
    let pixels = noise(source.pixels() as usize * 4, true);
    let src = View::new(*source, source.width as usize * 4, &pixels);
    let inputs = Inputs { src, overlay: src, table };
    let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let expected: Vec<[u8; 4]> =
        places.map(|(x, y)| texel(params, &inputs, x, y).map(|channel| channel as u8)).collect();
    let greens: Vec<u8> = pixels.chunks_exact(4).map(|pixel| pixel[1]).collect();
    for level in Level::all() {
        let pitch = size.width as usize * 4 + 8;
        let mut fast = vec![7; pitch * size.height as usize];
        run_at(level, params, &inputs, &mut Band { first_row: 0, rows: ViewMut::new(size, pitch, &mut fast) });
        for (row, expected) in fast.chunks_exact(pitch).zip(expected.chunks_exact(size.width as usize)) {
            assert_eq!(row[..pitch - 8], *expected.as_flattened(), "{level:?} of {params:?}");
            assert_eq!(row[pitch - 8..], [7; 8], "{level:?} of {params:?}");
        }
        // A plane of the greens is what the greens are.
        let pitch = size.width as usize + 3;
        let mut plane = vec![7; pitch * size.height as usize];
        let src = Plane::new(*source, source.width as usize, &greens);
        run_plane_at(level, params, table, src, &mut PlaneMut::new(size, pitch, &mut plane));
        for (row, expected) in plane.chunks_exact(pitch).zip(expected.chunks_exact(size.width as usize)) {
            assert!(
                row[..pitch - 3].iter().eq(expected.iter().map(|pixel| &pixel[1])),
                "{level:?} of a plane {params:?}"
            );
            assert_eq!(row[pitch - 3..], [7; 3], "{level:?} of a plane {params:?}");
        }
    }
}

#[test]
fn every_width_and_tail_is_the_reference() {
    for axis in [0, 1] {
        for side in 1..=70 {
            let size = if axis == 0 { Size::new(side, 5) } else { Size::new(side, 7) };
            check(&case(axis, size, 1 + side % 13, 1 + side % 19, side % 3 == 0));
        }
    }
}

#[test]
fn every_number_of_taps_is_the_reference() {
    for axis in [0, 1] {
        for taps in 1..=70 {
            for shared in [false, true] {
                check(&case(axis, Size::new(19, 5), taps, 9, shared));
            }
        }
    }
}

#[test]
fn every_reduction_is_the_reference() {
    for axis in [0, 1] {
        for step in [0, 1, 4, 7, 11, 13, 16, 17, 33, 80] {
            check(&case(axis, Size::new(45, 9), 3 + step, step, false));
        }
    }
}

#[test]
fn parts_of_a_result_are_those_of_the_whole() {
    for axis in [0, 1] {
        let (params, table, source) = case(axis, Size::new(21, 23), 9, 7, false);
        let pixels = noise(source.pixels() as usize * 4, true);
        let src = View::new(source, source.width as usize * 4, &pixels);
        let inputs = Inputs { src, overlay: src, table: &table };
        let mut whole = vec![0; 21 * 23 * 4];
        let rows = ViewMut::new(params.size(), 21 * 4, &mut whole);
        run(&params, &inputs, &mut Band { first_row: 0, rows });
        for level in Level::all() {
            for rows in [1, 2, 3, 5, 22] {
                let mut parts = vec![0; whole.len()];
                for (first_row, rows) in ViewMut::new(params.size(), 21 * 4, &mut parts).bands(rows) {
                    run_at(level, &params, &inputs, &mut Band { first_row, rows });
                }
                assert!(parts == whole, "{level:?}, axis {axis}, {rows} rows at a time");
            }
        }
    }
}

#[test]
fn both_axes_at_once_are_one_after_the_other() {
    for (size, shared) in [(Size::new(37, 21), false), (Size::new(70, 6), false), (Size::new(33, 19), true)] {
        let (second, second_table, between) = case(0, size, 7, 6, shared);
        let (first, first_table, source) = case(1, between, 10, 5, shared);
        let pixels = noise(source.pixels() as usize * 4, true);
        let pass = |params: &Params, table: &[u32], source: Size, pixels: &[u8]| {
            let src = View::new(source, source.width as usize * 4, pixels);
            let mut result = vec![0; params.size().pixels() as usize * 4];
            let rows = ViewMut::new(params.size(), params.width as usize * 4, &mut result);
            run(params, &Inputs { src, overlay: src, table }, &mut Band { first_row: 0, rows });
            result
        };
        let expected = pass(&second, &second_table, between, &pass(&first, &first_table, source, &pixels));
        let src = View::new(source, source.width as usize * 4, &pixels);
        for level in Level::all() {
            for rows in [1, 3, 100] {
                let mut found = vec![0; expected.len()];
                for (first_row, rows) in ViewMut::new(size, size.width as usize * 4, &mut found).bands(rows) {
                    let mut band = Band { first_row, rows };
                    run_both_at(level, (&first, &first_table), (&second, &second_table), &src, &mut band);
                }
                assert!(found == expected, "{level:?} {second:?}");
            }
        }
    }
}

#[test]
fn hand_worked_sums() {
    // Weights 1/4, 1/2, 1/4 around each place, the edges repeated, with 14 digits.
    let params = Params {
        width: 3,
        height: 1,
        axis: 0,
        cross: 0,
        taps: 3,
        stride: 0,
        advance: 1,
        low: 0,
        high: 3,
        opaque: 1,
        keep_alpha: 0,
        digits: 14,
    };
    let table = [-1i32 as u32, 1 << 12, 1 << 13, 1 << 12];
    let mut result = [0; 3];
    run_plane(
        &params,
        &table,
        Plane::new(Size::new(3, 1), 3, &[10, 20, 41]),
        &mut PlaneMut::new(Size::new(3, 1), 3, &mut result),
    );
    // 12.5 rounds up, 22.75, 35.75.
    assert_eq!(result, [13, 23, 36]);
    // Weights beyond one overshoot and are clamped: 2 · 200 − 10, 2 · 10 − 200.
    let sharp = Params { taps: 2, width: 2, stride: 3, advance: 0, high: 2, digits: 13, ..params };
    let table = [0, 2 << 13, (-1i32 << 13) as u32, 0, (-1i32 << 13) as u32, 2 << 13];
    let mut result = [0; 2];
    run_plane(
        &sharp,
        &table,
        Plane::new(Size::new(2, 1), 2, &[200, 10]),
        &mut PlaneMut::new(Size::new(2, 1), 2, &mut result),
    );
    assert_eq!(result, [255, 0]);
}
