//! The decoder of JPEG thumbnails against libjpeg-turbo: where the one finds samples, the other
//! finds the same, without an error and, but for progressive files, without a warning.

use crate::plane::PlaneMut;
use crate::{dc, yardstick};
use yardstick::Outcome;

/// Samples of a plane at most, so that a run is quick.
const MOST_SAMPLES: u64 = 1 << 16;

pub fn thumbnail(bytes: &[u8]) {
    let Some(shape) = dc::shape(bytes) else { return };
    if shape.planes.iter().any(|plane| plane.size.pixels() > MOST_SAMPLES) {
        return;
    }
    let mut memory: Vec<_> = shape.planes.iter().map(|plane| vec![0; plane.size.pixels() as usize]).collect();
    let planes = shape.planes.iter().zip(&mut memory);
    let mut planes: Vec<_> =
        planes.map(|(plane, memory)| PlaneMut::new(plane.size, plane.size.width as usize, memory)).collect();
    if dc::decode(bytes, &mut planes).is_none() {
        return;
    }
    let (theirs, warning) = match yardstick::planes(bytes) {
        Outcome::Planes(theirs, warning) => (theirs, warning),
        Outcome::Unnamed => return,
        Outcome::Failed(message) => panic!("libjpeg-turbo fails: {message}"),
    };
    assert!(warning.is_none() || shape.progressive, "libjpeg-turbo warns: {warning:?}");
    assert_eq!(memory.len(), theirs.len());
    for ((own, plane), (larger, other)) in memory.iter().zip(&shape.planes).zip(&theirs) {
        let rows = own.chunks(plane.size.width as usize).zip(other.chunks(larger.width as usize));
        let mut samples = rows.flat_map(|(own, other)| own.iter().zip(other));
        assert!(samples.all(|(own, other)| own.abs_diff(*other) <= 1), "samples are apart");
    }
}
