//! Frames that look alike, told apart again.
//!
//! The library joins a frame with the one before where nothing changes between them, and shows that
//! one longer. A picture answered from an animation has as many frames as its source, so what was
//! joined is followed here by frames of one invisible pixel. Source: the WebP container
//! specification.

use super::riff::{self, chunks};
use crate::geometry::Size;

/// What the extended header says of animations and of alpha.
const ANIMATED: u8 = 0x02;
const ALPHA: u8 = 0x10;

/// Bits of a frame: the canvas below is cleared afterwards; pixels replace those below.
const CLEARS: u8 = 0x01;
const REPLACES: u8 = 0x02;

/// Bytes before a frame's picture.
const FRAME_HEAD: usize = 16;

/// A frame as it stands in the file.
#[derive(Debug, Clone)]
struct Placed {
    /// Left, top, width and height as they are written.
    place: [u8; 12],
    duration_ms: u32,
    flags: u8,
    /// The chunks of its picture.
    picture: Vec<u8>,
}

/// `file`, an animation of `size` just written, with a frame for each of `durations_ms`.
///
/// `blank` is a still of one transparent pixel. A file whose frames do not add up to the durations
/// stays as it is.
pub fn apart(file: Vec<u8>, size: Size, plays: u16, durations_ms: &[u32], blank: &[u8]) -> Vec<u8> {
    let frames = frames(&file, size);
    if frames.len() == durations_ms.len() && durations_ms.len() > 1 {
        return file;
    }
    match followed(frames, durations_ms, blank) {
        Some(frames) => written(&frames, &file, size, plays),
        None => file,
    }
}

/// The frames of an animation, or the one of a still, which is what one frame is written as.
fn frames(file: &[u8], size: Size) -> Vec<Placed> {
    let mut frames: Vec<_> =
        chunks(file).filter(|(name, _, _)| *name == b"ANMF").filter_map(|(_, it, _)| frame(it)).collect();
    if frames.is_empty() {
        let picture = chunks(file).filter(|(name, _, _)| matches!(*name, b"ALPH" | b"VP8 " | b"VP8L"));
        let picture: Vec<u8> = picture.flat_map(|(_, _, whole)| whole.to_vec()).collect();
        frames.push(Placed { place: place(size), duration_ms: 0, flags: REPLACES, picture });
    }
    frames
}

fn frame(content: &[u8]) -> Option<Placed> {
    let (head, picture) = content.split_at_checked(FRAME_HEAD)?;
    let duration_ms = u32::from_le_bytes([head[12], head[13], head[14], 0]);
    Some(Placed { place: head[..12].try_into().ok()?, duration_ms, flags: head[15], picture: picture.to_vec() })
}

/// At the top left; sides are written less one.
fn place(size: Size) -> [u8; 12] {
    let mut place = [0; 12];
    place[6..9].copy_from_slice(&(size.width - 1).to_le_bytes()[..3]);
    place[9..].copy_from_slice(&(size.height - 1).to_le_bytes()[..3]);
    place
}

/// Each frame with its own time, followed by what shows it on; `None` where times do not add up.
fn followed(frames: Vec<Placed>, durations_ms: &[u32], blank: &[u8]) -> Option<Vec<Placed>> {
    let still = frames.len() == 1;
    let mut all = Vec::with_capacity(durations_ms.len());
    let mut durations = durations_ms.iter().copied();
    let mut left = frames.len();
    for frame in frames {
        left -= 1;
        let mut shown = vec![durations.next()?];
        while (still || shown.iter().sum::<u32>() < frame.duration_ms) && durations.len() > left {
            shown.extend(durations.next());
        }
        if !still && shown.iter().sum::<u32>() != frame.duration_ms {
            return None;
        }
        let again = Placed {
            place: place(Size::new(1, 1)),
            duration_ms: 0,
            flags: 0,
            picture: chunks(blank).find(|(name, _, _)| *name == b"VP8L")?.2.to_vec(),
        };
        // What clears the canvas must come last, and is drawn again where that changes nothing.
        let (kept, again) = match (shown.len() > 1 && frame.flags & CLEARS != 0, frame.flags & REPLACES != 0) {
            (false, _) => (frame, again),
            (true, true) => (Placed { flags: REPLACES, ..frame.clone() }, frame),
            (true, false) => return None,
        };
        let last = shown.len() - 1;
        let flags = |index| if index == last { again.flags } else { again.flags & !CLEARS };
        let next = |(index, duration_ms)| Placed { duration_ms, flags: flags(index), ..again.clone() };
        let others: Vec<_> = shown.iter().copied().enumerate().skip(1).map(next).collect();
        all.push(Placed { duration_ms: shown[0], ..kept });
        all.extend(others);
    }
    (durations.len() == 0).then_some(all)
}

fn written(frames: &[Placed], old: &[u8], size: Size, plays: u16) -> Vec<u8> {
    let mut head = vec![ANIMATED | ALPHA, 0, 0, 0];
    head.extend_from_slice(&place(size)[6..]);
    let background = riff::content(old, b"ANIM").and_then(|content| content.get(..4));
    let mut animation = background.unwrap_or(&[255; 4]).to_vec();
    animation.extend_from_slice(&plays.to_le_bytes());
    let mut file = riff::File::new();
    file.push(b"VP8X", &head);
    file.push(b"ANIM", &animation);
    for frame in frames {
        let mut content = frame.place.to_vec();
        content.extend_from_slice(&frame.duration_ms.to_le_bytes()[..3]);
        content.push(frame.flags);
        content.extend_from_slice(&frame.picture);
        file.push(b"ANMF", &content);
    }
    file.finish()
}
