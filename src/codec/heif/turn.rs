//! Whether a file turns its primary picture by an odd number of quarters.
//!
//! The standard lists a picture's size before its turns. Some writers did not, and then libheif
//! 1.15 tells the size as it was before the turn, but decodes the turned picture.
//! Source: ISO/IEC 23008-12, box `irot`.

use super::boxes::Items;

/// False also where the boxes are not understood.
pub fn swaps_sides(bytes: &[u8]) -> bool {
    let Some(items) = Items::of(bytes) else { return false };
    let turns = items.properties(items.primary).filter(|(kind, _)| *kind == b"irot");
    turns.filter_map(|(_, content)| content.first()).fold(0, |sum, angle| sum + (angle & 3)) % 2 == 1
}
