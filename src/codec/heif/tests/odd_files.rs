//! Files as phones, cameras and other encoders put them together, made here of coded pictures of ours
//! and of fixtures of ten bits.

use super::{boxed, container, gradient, ispe, read, written};
use crate::codec::cicp::{CodePoints, Conversion};
use crate::codec::heif::boxes::Items;
use crate::codec::heif::remux::remux;
use crate::codec::heif::shown::{Fit, Shown};
use crate::codec::probe;
use crate::format::Format;
use crate::geometry::Size;
use crate::limits::Limits;
use crate::pixel::{Frame, TEXEL_BYTES};
use moxcms::ColorProfile;

const DEEP_AVIF: &[u8] = include_bytes!("../../../../fixtures/images/avif/rgb_10bit.avif");
const DEEP_HEIC: &[u8] = include_bytes!("../../../../fixtures/images/heic/rgb_10bit.heic");

/// A coded picture with what its decoder needs.
struct Coded {
    kind: [u8; 4],
    configuration: Vec<u8>,
    size: Vec<u8>,
    data: Vec<u8>,
}

impl Coded {
    fn of(file: &[u8]) -> Coded {
        let items = Items::of(file).unwrap();
        let property = |kind: &[u8; 4]| items.property(items.primary, kind).map(|content| boxed(kind, &[content]));
        Coded {
            kind: *items.kind(items.primary).unwrap(),
            configuration: property(b"av1C").or_else(|| property(b"hvcC")).unwrap(),
            size: property(b"ispe").unwrap(),
            data: items.data(items.primary).unwrap().into_owned(),
        }
    }

    /// A file of this picture alone, with more properties before or behind its own.
    fn file(&self, before: &[&[u8]], behind: &[&[u8]]) -> Vec<u8> {
        let own = [self.configuration.as_slice(), &self.size];
        let all: Vec<_> = before.iter().chain(&own).chain(behind).copied().collect();
        let numbers: Vec<u8> = (1..=all.len() as u8).collect();
        container(&[(&self.kind, &numbers, &self.data)], &all.concat(), &[])
    }
}

/// Coded pictures of 8 and 10 bits in both formats.
fn coded() -> [Coded; 4] {
    let source = gradient(Size::new(96, 64), true);
    let (heic, avif) = (written(&source, true, Format::Heic), written(&source, true, Format::Avif));
    [&heic, &avif, DEEP_HEIC, DEEP_AVIF].map(Coded::of)
}

fn apart(a: &Frame, b: &Frame) -> u8 {
    assert_eq!(a.size(), b.size());
    a.view().to_vec().iter().zip(&b.view().to_vec()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn what_refers_to_the_picture_does_not_matter() {
    for coded in coded() {
        let plain = read(&coded.file(&[], &[])).unwrap();
        let gain_map = boxed(b"auxC", &[&[0; 4], b"urn:com:apple:photo:2020:aux:hdrgain\0"]);
        let properties = [coded.configuration.as_slice(), &coded.size, &gain_map].concat();
        let items: [(&[u8; 4], &[u8], &[u8]); 4] = [
            (&coded.kind, &[1, 2], &coded.data),
            (&coded.kind, &[1, 2, 3], &coded.data),
            (b"tmap", &[2], &[0; 30]),
            (&coded.kind, &[1, 2], &coded.data),
        ];
        // The gain map and a thumbnail belong to the picture and to its tone map, and to it twice.
        let references = [
            boxed(b"dimg", &[&[0, 3, 0, 2, 0, 1, 0, 2]]),
            boxed(b"auxl", &[&[0, 2, 0, 3, 0, 1, 0, 3, 0, 1]]),
            boxed(b"thmb", &[&[0, 4, 0, 2, 0, 1, 0, 3]]),
            boxed(b"thmb", &[&[0, 4, 0, 1, 0, 1]]),
        ];
        let file = container(&items, &properties, &references.concat());
        assert!(!probe(&file, &Limits::OSS).unwrap().alpha);
        assert_eq!(apart(&read(&file).unwrap(), &plain), 0);
    }
}

#[test]
fn turns_and_crops_count_wherever_they_are_listed_and_at_any_depth() {
    // 41 × 29 pixels, their middle 2 right of and 3.5 above the picture's.
    let clap = |numbers: [i32; 8]| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        boxed(b"clap", &[&bytes])
    };
    let (irot, imir) = (boxed(b"irot", &[&[1]]), boxed(b"imir", &[&[1]]));
    for coded in coded() {
        let plain = read(&coded.file(&[], &[])).unwrap();
        let Size { width, height } = plain.size();
        let half = |side: u32, length: u32| ((side - length) % 2) as i32;
        let crop = clap([41, 1, 29, 1, 4 + half(width, 41), 2, -6 - half(height, 29), 2]);
        let (left, top) =
            ((width - 41 + 4 + half(width, 41) as u32) / 2, (height - 29 - 6 - half(height, 29) as u32) / 2);
        let wanted = |x: u32, y: u32| {
            // Mirrored last, turned to the left before: the columns become rows from the right on.
            let (x, y) = (29 - 1 - x, y);
            plain.view().texel(left + 41 - 1 - y, top + x)
        };
        for file in [
            coded.file(&[&crop, &irot, &imir], &[]),
            coded.file(&[], &[&crop, &irot, &imir]),
            coded.file(&[&crop], &[&irot, &imir]),
        ] {
            let found = read(&file).unwrap();
            assert_eq!(found.size(), Size::new(29, 41));
            for (x, y) in (0..41).flat_map(|y| (0..29).map(move |x| (x, y))) {
                assert_eq!(found.view().texel(x, y), wanted(x, y), "({x}, {y})");
            }
        }
    }
}

const IS_ALPHA: &[u8] = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0";

/// Colours of 96 × 64 with a slope for alpha, which falls from the left to the right of the picture as it
/// is stored; each with more properties.
fn with_alpha(alpha_size: Size, color_more: &[&[u8]], alpha_more: &[&[u8]]) -> Vec<u8> {
    let color = Coded::of(&written(&gradient(Size::new(96, 64), true), true, Format::Heic));
    let slope = (0..alpha_size.height).flat_map(|_| {
        (0..alpha_size.width).flat_map(|x| {
            let level = (255 - (2 * x + 1) * 240 / (2 * alpha_size.width)) as u8;
            [level, level, level, 255]
        })
    });
    let alpha = Coded::of(&written(&Frame::packed(alpha_size, slope.collect()), true, Format::Avif));
    let auxiliary = boxed(b"auxC", &[IS_ALPHA]);
    let color_uses = [&[&color.configuration[..], &color.size], color_more].concat();
    let alpha_uses = [&[&alpha.configuration[..], &alpha.size, &auxiliary], alpha_more].concat();
    let numbers = |from: usize, count: usize| (from + 1..=from + count).map(|number| number as u8).collect::<Vec<_>>();
    let items: [(&[u8; 4], &[u8], &[u8]); 2] = [
        (&color.kind, &numbers(0, color_uses.len()), &color.data),
        (&alpha.kind, &numbers(color_uses.len(), alpha_uses.len()), &alpha.data),
    ];
    container(&items, &[color_uses, alpha_uses].concat().concat(), &boxed(b"auxl", &[&[0, 2, 0, 1, 0, 1]]))
}

#[test]
fn alpha_of_another_size_or_without_a_turn_fits() {
    let irot = boxed(b"irot", &[&[1]]);
    // The expected alpha in the stored picture's column `x`.
    let slope = |x: u32| 255 - (2 * x + 1) * 240 / (2 * 96);
    let whole = Size::new(96, 64);
    let check = |file: &[u8], fit: Option<Fit>, turned: bool| {
        if let Some(fit) = fit {
            assert_eq!(Shown::of(file).unwrap().alpha.unwrap().fit, fit);
        }
        assert!(probe(file, &Limits::OSS).unwrap().alpha);
        let found = read(file).unwrap();
        assert_eq!(found.size(), if turned { Size::new(64, 96) } else { whole });
        for at in (2..94).step_by(3) {
            // Turned to the left, the last column is the first row.
            let alpha = if turned { found.view().texel(30, 95 - at)[3] } else { found.view().texel(at, 30)[3] };
            assert!(alpha.abs_diff(slope(at)) <= 6, "{alpha} for {} at {at}", slope(at));
        }
    };
    check(&with_alpha(whole, &[], &[]), Some(Fit::Along), false);
    check(&with_alpha(whole, &[&irot], &[&irot]), Some(Fit::Along), true);
    check(&with_alpha(whole, &[&irot], &[]), Some(Fit::Along), true);
    for size in [Size::new(48, 32), Size::new(192, 128), Size::new(32, 40)] {
        check(&with_alpha(size, &[], &[]), Some(Fit::Scaled), false);
        check(&with_alpha(size, &[&irot], &[]), Some(Fit::Scaled), true);
        check(&with_alpha(size, &[&irot], &[&irot]), None, true);
    }
    // Cropped by itself out of what its encoder filled up, and turned with the colours.
    let filled = |more: &[&[u8]]| {
        let crop = [96i32, 1, 64, 1, -16, 1, 0, 1].iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>();
        let crop = boxed(b"clap", &[&crop]);
        let file = with_alpha(Size::new(128, 64), more, &[&crop]);
        let alpha = read(&file).unwrap().view().texel(2, 2)[3];
        (read(&file).unwrap().size(), alpha)
    };
    assert_eq!(filled(&[]).0, whole);
    assert_eq!(filled(&[&irot]).0, whole.swapped());
    // In small beside cropped colours: of the size of what is stored, and of what is left.
    let crop = [48i32, 1, 64, 1, 24, 1, 0, 1].iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>();
    let crop = boxed(b"clap", &[&crop]);
    let small = |size: Size| {
        let found = read(&with_alpha(size, &[&crop], &[])).unwrap();
        assert_eq!(found.size(), Size::new(48, 64));
        found.view().texel(1, 30)[3]
    };
    // Column 1 of what is left is 49 of 96; or as far along as it is of 48.
    assert!(small(Size::new(72, 48)).abs_diff(slope(49)) <= 6 && small(Size::new(24, 32)).abs_diff(slope(3)) <= 6);
    // Column 2 of 128: 255 - 5 · 240 / 256 = 250; row 2 is column 93: 255 - 187 · 240 / 256 = 80.
    assert!(filled(&[]).1.abs_diff(250) <= 6 && filled(&[&irot]).1.abs_diff(80) <= 6, "{:?}", filled(&[&irot]));
}

#[test]
fn alpha_of_the_tiles_of_a_grid_is_that_of_the_grid() {
    let tile = gradient(Size::new(64, 64), true);
    let color = Coded::of(&written(&tile, true, Format::Avif));
    let alpha = Frame::packed(Size::new(64, 64), [90, 90, 90, 255].repeat(64 * 64));
    let alpha = Coded::of(&written(&alpha, true, Format::Avif));
    let properties =
        [ispe(128, 64), ispe(64, 64), color.configuration, boxed(b"auxC", &[IS_ALPHA]), alpha.configuration].concat();
    let items: [(&[u8; 4], &[u8], &[u8]); 3] = [
        (b"grid", &[1], &[0, 0, 0, 1, 0, 128, 0, 64]),
        (b"av01", &[2, 3], &color.data),
        (b"av01", &[2, 4, 5], &alpha.data),
    ];
    let references = [boxed(b"dimg", &[&[0, 1, 0, 2, 0, 2, 0, 2]]), boxed(b"auxl", &[&[0, 3, 0, 1, 0, 2]])].concat();
    let found = read(&container(&items, &properties, &references)).unwrap();
    assert_eq!(found.size(), Size::new(128, 64));
    for x in [0, 63, 64, 127] {
        let [red, _, _, alpha] = found.view().texel(x, 30);
        assert!(alpha.abs_diff(90) <= 3 && red.abs_diff(tile.view().texel(x % 64, 30)[0]) <= 20);
    }
}

fn nclx(primaries: u8, transfer: u8) -> Vec<u8> {
    boxed(b"colr", &[b"nclx", &[0, primaries, 0, transfer, 0, 6, 0x80]])
}

/// Within two levels; of ten bits, which the library rounds to eight in another way than it hands them out,
/// and which curves pull apart near black, by three on average.
fn alike(deep: bool, a: &Frame, b: &Frame) {
    let off: Vec<_> =
        a.view().to_vec().iter().zip(&b.view().to_vec()).map(|(a, b)| f64::from(a.abs_diff(*b))).collect();
    let (most, mean) = (off.iter().copied().fold(0.0, f64::max), off.iter().sum::<f64>() / off.len() as f64);
    assert!(if deep { mean <= 3.0 } else { most <= 2.0 }, "{mean} on average, {most} at most");
}

#[test]
fn code_points_make_srgb_and_a_profile_outranks_them() {
    let srgb = nclx(1, 13);
    for (deep, coded) in [false, false, true, true].into_iter().zip(coded()) {
        let stored = read(&coded.file(&[], &[&srgb])).unwrap();
        for (primaries, transfer) in [(12, 13), (9, 1), (9, 16), (12, 18)] {
            let found = read(&coded.file(&[], &[&nclx(primaries, transfer)])).unwrap();
            let told = CodePoints { primaries: primaries.into(), transfer: transfer.into(), full_range: true };
            let mut expected = stored.view().to_vec();
            Conversion::of(told, 8).unwrap().convert(&mut expected);
            let expected = Frame::packed(stored.size(), expected);
            alike(deep, &found, &expected);
            assert!(apart(&found, &stored) > 8);
        }
        let unknown = read(&coded.file(&[], &[&nclx(200, 200)])).unwrap();
        assert_eq!(apart(&unknown, &stored), 0);

        let profile = |profile: &ColorProfile| boxed(b"colr", &[b"prof", &profile.encode().unwrap()]);
        let p3 = profile(&ColorProfile::new_display_p3());
        let by_profile = read(&coded.file(&[], &[&srgb, &p3])).unwrap();
        let by_points = read(&coded.file(&[], &[&nclx(12, 13)])).unwrap();
        alike(deep, &by_profile, &by_points);
        assert_eq!(apart(&read(&coded.file(&[], &[&p3, &nclx(9, 16)])).unwrap(), &by_profile), 0);
        for (points, profiled) in [
            (nclx(9, 16), ColorProfile::new_bt2020_pq()),
            (nclx(9, 18), ColorProfile::new_bt2020_hlg()),
            (nclx(12, 16), ColorProfile::new_display_p3_pq()),
        ] {
            let by_profile = read(&coded.file(&[], &[&srgb, &profile(&profiled)])).unwrap();
            assert_eq!(apart(&by_profile, &read(&coded.file(&[], &[&points])).unwrap()), 0);
        }
    }
}

#[test]
fn a_file_that_was_written_is_written_the_same_again() {
    let files = [with_alpha(Size::new(48, 32), &[], &[]), DEEP_AVIF.to_vec(), super::CIRCLE.to_vec()];
    for file in files {
        let once = remux(&Shown::of(&file).unwrap()).unwrap();
        let shown = Shown::of(&once).unwrap();
        assert_eq!(shown.stored, Shown::of(&file).unwrap().stored);
        let (color, data) = (shown.color, Items::of(&file).unwrap());
        assert_eq!(shown.items.data(color), data.data(data.primary));
        // What belongs to it by reference alone is gone.
        assert!(shown.alpha.is_none());
        assert!(remux(&shown).unwrap().len() <= once.len());
    }
}

#[test]
fn edges_against_clear_pixels_keep_their_colour() {
    let size = Size::new(96, 96);
    let texels = (0..96).flat_map(|y| (0..96).map(move |x| (x, y))).flat_map(|(x, y): (i32, i32)| {
        let radius = f64::from((x - 48).pow(2) + (y - 48).pow(2)).sqrt();
        let alpha = ((32.5 - radius).clamp(0.0, 1.0) * 255.0).round() as u8;
        if alpha == 0 { [0; 4] } else { [250, 200, 30, alpha] }
    });
    let source = Frame::packed(size, texels.collect());
    for format in [Format::Heic, Format::Avif] {
        let found = read(&written(&source, false, format)).unwrap();
        for texel in found.view().to_vec().chunks_exact(TEXEL_BYTES).filter(|texel| texel[3] >= 48) {
            let off = texel.iter().zip([250, 200, 30]).map(|(found, wanted)| found.abs_diff(wanted)).max();
            assert!(off <= Some(10), "{texel:?} in {}", format.name());
        }
    }
}
