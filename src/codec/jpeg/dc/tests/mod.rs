//! Values worked out by hand, then libjpeg-turbo as the yardstick, on good files and on broken ones.

mod broken;
mod by_hand;
mod equal;
mod yardstick;

use super::{decode, shape};
use crate::geometry::Size;
use crate::plane::PlaneMut;
use by_hand::{Bits, File};
use std::path::{Path, PathBuf};
use yardstick::Outcome;

/// Our planes, packed; `None` if the file is not for this room.
fn ours(bytes: &[u8]) -> Option<Vec<(Size, Vec<u8>)>> {
    let shape = shape(bytes)?;
    // Rows lie further apart than they are long.
    let pitch = |size: Size| size.width as usize + 3;
    let mut memory: Vec<_> =
        shape.planes.iter().map(|plane| vec![0x5a; pitch(plane.size) * plane.size.height as usize]).collect();
    let planes = shape.planes.iter().zip(&mut memory);
    let mut planes: Vec<_> =
        planes.map(|(plane, memory)| PlaneMut::new(plane.size, pitch(plane.size), memory)).collect();
    decode(bytes, &mut planes)?;
    let packed = shape.planes.iter().zip(memory).map(|(plane, memory)| {
        let rows = memory.chunks(pitch(plane.size));
        assert!(rows.clone().all(|row| row[plane.size.width as usize..] == [0x5a; 3]), "written behind a row");
        (plane.size, rows.flat_map(|row| row[..plane.size.width as usize].to_vec()).collect())
    });
    Some(packed.collect())
}

/// The largest difference of samples. Their planes may have lines and columns more.
fn distance(ours: &[(Size, Vec<u8>)], theirs: &[(Size, Vec<u8>)]) -> u8 {
    assert_eq!(ours.len(), theirs.len());
    let planes = ours.iter().zip(theirs).map(|((size, own), (larger, other))| {
        assert!(larger.width >= size.width && larger.height >= size.height, "{larger} for {size}");
        let rows = own.chunks(size.width as usize).zip(other.chunks(larger.width as usize));
        rows.flat_map(|(own, other)| own.iter().zip(other)).map(|(own, other)| own.abs_diff(*other)).max().unwrap()
    });
    planes.max().unwrap()
}

/// Every JPEG file among the fixtures.
fn fixtures() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "jpg" || extension == "jpeg") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut found);
    found.sort();
    assert!(found.len() > 30, "{} files", found.len());
    found
}

/// The samples of a grey picture.
fn grey(file: &[u8]) -> Option<Vec<u8>> {
    ours(file).map(|planes| planes.into_iter().next().unwrap().1)
}

/// A step of 16 makes each 1 of a DC 2 of brightness.
const FOUR: [i32; 4] = [3, -5, 40, -140];
const FOUR_SAMPLES: [u8; 4] = [128 + 6, 128 - 4, 128 + 76, 0];

#[test]
fn a_dc_is_a_mean() {
    let mut data = Bits::default();
    for difference in FOUR {
        data.block(difference);
    }
    let file = File::new(0xc0, 16, 16, &[(1, 1)]).whole_scan(&[1], &data).end();
    assert_eq!(grey(&file).unwrap(), FOUR_SAMPLES);
    // A component alone has its blocks in the order of its lines, whatever its factors say.
    let file = File::new(0xc1, 9, 15, &[(2, 2)]).whole_scan(&[1], &data).end();
    assert_eq!(grey(&file).unwrap(), FOUR_SAMPLES);
    // The smallest picture.
    let file = File::new(0xc0, 1, 1, &[(1, 1)]).whole_scan(&[1], Bits::default().block(-64)).end();
    assert_eq!(ours(&file).unwrap(), [(Size::new(1, 1), vec![0])]);
}

#[test]
fn other_coefficients_are_passed_over() {
    let mut data = Bits::default();
    // A few, then the end; all 63; zeros to the last but one, which is one; most, then the end.
    data.dc(3).one().zeros().one().end();
    data.dc(-5);
    for _ in 0..63 {
        data.one();
    }
    data.dc(40).zeros().zeros().zeros();
    for _ in 0..15 {
        data.one();
    }
    data.dc(-140).zeros().zeros().zeros();
    for _ in 0..14 {
        data.one();
    }
    data.end();
    let file = File::new(0xc0, 16, 16, &[(1, 1)]).whole_scan(&[1], &data).end();
    assert_eq!(grey(&file).unwrap(), FOUR_SAMPLES);
    assert_eq!(judge(&file), Ok(()));
}

#[test]
fn more_coefficients_than_64_are_refused() {
    for (ones, zeros) in [(0, 4), (1, 4), (50, 1), (62, 1)] {
        let mut data = Bits::default();
        data.dc(3);
        for _ in 0..ones {
            data.one();
        }
        for _ in 0..zeros {
            data.zeros();
        }
        let file = File::new(0xc0, 8, 8, &[(1, 1)]).whole_scan(&[1], data.end()).end();
        assert_eq!(grey(&file), None, "{ones} ones, {zeros} × 16 zeros");
    }
}

#[test]
fn components_apart_and_together() {
    // 4:2:0, 17 × 9 pixels: two units, luma 3 × 2 blocks, the other two 2 × 1.
    let factors = [(2, 2), (1, 1), (1, 1)];
    let luma = vec![128 + 2, 128 + 6, 128 + 18, 128 + 6, 128 + 12, 128 + 24];
    let (blue, red) = (vec![128 + 20, 128 + 40], vec![128 - 20, 128 - 40]);
    let mut together = Bits::default();
    // The first unit's four blocks, then the second's, whose right half is outside of the picture.
    for difference in [1, 2, 0, 3, 10, -10] {
        together.block(difference);
    }
    for difference in [3, 50, 3, 90, 10, -10] {
        together.block(difference);
    }
    let file = File::new(0xc0, 17, 9, &factors).whole_scan(&[1, 2, 3], &together).end();
    let planes = ours(&file).unwrap();
    assert_eq!(judge(&file), Ok(()));
    assert_eq!(planes[1..], [(Size::new(2, 1), blue.clone()), (Size::new(2, 1), red.clone())]);
    assert_eq!(planes[0].0, Size::new(3, 2));
    assert_eq!(planes[0].1, [130, 134, 146, 134, 140, 252]);
    // Each in a scan of its own has no blocks outside.
    let mut alone = File::new(0xc0, 17, 9, &factors);
    let scan = |values: &[u8]| {
        let mut data = Bits::default();
        let mut before = 128;
        for value in values {
            data.block((i32::from(*value) - before) / 2);
            before = i32::from(*value);
        }
        data
    };
    let file = alone.whole_scan(&[1], &scan(&luma)).whole_scan(&[3], &scan(&red)).whole_scan(&[2], &scan(&blue)).end();
    assert_eq!(judge(&file), Ok(()));
    let planes: Vec<_> = ours(&file).unwrap().into_iter().map(|(_, samples)| samples).collect();
    assert_eq!(planes, [luma, blue, red]);
    // A scan too few, one twice.
    let mut two = File::new(0xc0, 17, 9, &factors);
    let two = two.whole_scan(&[1], &scan(&planes[0])).whole_scan(&[3], &scan(&planes[2]));
    assert_eq!(ours(&two.end()), None);
    assert_eq!(ours(&two.whole_scan(&[3], &scan(&planes[2])).end()), None);
    // Together in another order, which libjpeg-turbo fails on.
    let file = File::new(0xc0, 17, 9, &factors).whole_scan(&[1, 3, 2], &together).end();
    assert_eq!(ours(&file), None);
}

#[test]
fn restart_markers_begin_anew() {
    let data = |number: u8| {
        let mut data = Bits::default();
        data.block(3).block(-5).bytes().into_iter().chain([0xff, 0xd0 + number]).collect::<Vec<_>>()
    };
    let file = |numbers: [u8; 2], units: u8| {
        let mut file = File::new(0xc0, 16, 24, &[(1, 1)]);
        let pieces = [data(numbers[0]), data(numbers[1]), Bits::default().block(40).block(7).bytes()];
        file.segment(0xdd, &[0, units]).scan(&[1], [0, 63, 0], &pieces.concat()).end()
    };
    assert_eq!(grey(&file([0, 1], 2)).unwrap(), [134, 124, 134, 124, 208, 222]);
    assert_eq!(judge(&file([0, 1], 2)), Ok(()));
    for (numbers, units) in [([0, 2], 2), ([1, 2], 2), ([0, 1], 3), ([0, 1], 1), ([0, 1], 0)] {
        assert_eq!(grey(&file(numbers, units)), None, "{numbers:?} every {units}");
    }
}

#[test]
fn progressive_scans_of_the_dc() {
    let (mut first, mut refined) = (Bits::default(), Bits::default());
    // 3, −5, 40, −140 without their lowest bit; T.81 shifts, so that −5 is −3.
    let halves = FOUR.iter().scan(0, |sum, difference| {
        *sum += difference;
        Some(*sum)
    });
    let mut before = 0;
    for value in halves {
        first.dc((value >> 1) - before);
        before = value >> 1;
        refined.push((value & 1) as u32, 1);
    }
    let file = |with: &[u8]| {
        let mut file = File::new(0xc2, 16, 16, &[(1, 1)]);
        for scan in with {
            match scan {
                0 => file.scan(&[1], [0, 0, 0x01], &first.bytes()),
                1 => file.scan(&[1], [0, 0, 0x10], &refined.bytes()),
                // The other coefficients: an end of each block, and nonsense.
                2 => file.scan(&[1], [1, 63, 0], &[0]),
                _ => file.scan(&[1], [1, 63, 0], &[0xff, 0, 0xff, 0xd3, 1, 2, 3]),
            };
        }
        file.end()
    };
    assert_eq!(grey(&file(&[0, 1, 2])).unwrap(), FOUR_SAMPLES);
    assert_eq!(grey(&file(&[0, 2, 1])).unwrap(), FOUR_SAMPLES);
    assert_eq!(judge(&file(&[0, 2, 1])), Ok(()));
    assert_eq!(grey(&file(&[0, 1, 3])).unwrap(), FOUR_SAMPLES);
    for scans in [[0, 1].as_slice(), &[0, 2], &[1, 0, 2], &[2, 0, 1], &[0, 0, 1, 2], &[0, 1, 1, 2], &[0, 1, 2, 2], &[]]
    {
        assert_eq!(grey(&file(scans)), None, "{scans:?}");
    }
}

#[test]
fn what_does_not_fill_its_data_is_refused() {
    let mut data = Bits::default();
    data.block(3).block(-5);
    let file = |bytes: &[u8], width| File::new(0xc0, width, 8, &[(1, 1)]).scan(&[1], [0, 63, 0], bytes).end();
    let good = data.bytes();
    assert!(grey(&file(&good, 16)).is_some());
    assert_eq!(grey(&file(&good, 17)), None, "a block too few");
    assert_eq!(grey(&file(&good, 8)), None, "a block too many");
    assert_eq!(grey(&file(&[good.clone(), vec![0]].concat(), 16)), None, "a byte too many");
    assert!(grey(&file(&[good.clone(), vec![0xff, 0xff]].concat(), 16)).is_some(), "fill bytes");
    let whole = file(&good, 16);
    for length in 0..whole.len() {
        assert_eq!(grey(&whole[..length]), None, "{length} bytes");
    }
    assert!(grey(&[whole.clone(), b"behind the end".to_vec()].concat()).is_some());
}

/// Holds our planes against libjpeg-turbo's; says what is wrong. A file that we leave alone is fine.
fn judge(bytes: &[u8]) -> Result<(), String> {
    let Some(own) = ours(bytes) else { return Ok(()) };
    match yardstick::planes(bytes) {
        Outcome::Failed(message) => Err(format!("libjpeg-turbo fails: {message}")),
        Outcome::Unnamed => Ok(()),
        Outcome::Planes(planes, warning) => {
            if let Some(warning) = warning.filter(|_| !shape(bytes).unwrap().progressive) {
                return Err(format!("libjpeg-turbo warns: {warning}"));
            }
            match distance(&own, &planes) {
                0 | 1 => Ok(()),
                worst => Err(format!("{worst} apart")),
            }
        }
    }
}
