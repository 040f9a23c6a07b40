//! The blocks of a file, in their order, as leniently as browsers read them.
//!
//! Nothing is copied or decoded here: a frame's data are handed out as they lie in the file.
//! Source: GIF89a of 1990; where the file breaks its rules, what Firefox and Chrome do.

use crate::error::Error;
use crate::format::Repeat;
use crate::geometry::{Rect, Size};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;

const GRAPHIC_CONTROL: u8 = 0xf9;
const APPLICATION: u8 = 0xff;

/// Applications whose block tells how often to play.
const LOOPERS: [&[u8]; 2] = [b"NETSCAPE2.0", b"ANIMEXTS1.0"];

/// The blocks of a file from its first one on.
pub struct Blocks<'a> {
    rest: &'a [u8],
    screen: Size,
    /// Red, green, blue by index, where the file has a palette of its own.
    palette: Option<&'a [u8]>,
    repeat: Repeat,
    /// Of the frame to come.
    control: Control,
}

/// What becomes of a frame before the next one is painted.
#[derive(Clone, Copy, Default)]
pub enum Disposal {
    #[default]
    Keep,
    /// Its area becomes transparent.
    Clear,
    /// Its area becomes again what it was.
    Undo,
}

#[derive(Clone, Copy, Default)]
struct Control {
    transparent: Option<u8>,
    disposal: Disposal,
    duration_ms: u32,
}

/// A frame as the file has it. It may be cut off; whether it is whole its data tell.
pub struct Piece<'a> {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
    pub interlaced: bool,
    /// That of the frame, else that of the file, if either has one.
    pub palette: Option<&'a [u8]>,
    pub transparent: Option<u8>,
    pub disposal: Disposal,
    pub duration_ms: u32,
    /// Bits of an index; codes begin with one more.
    pub index_bits: u8,
    pub data: SubBlocks<'a>,
}

impl<'a> Blocks<'a> {
    /// # Errors
    /// `ImageDamage` where the header is cut off.
    pub fn new(bytes: &'a [u8]) -> Result<Blocks<'a>, Error> {
        let mut rest = bytes;
        let head = take(&mut rest, 13).ok_or_else(|| Error::damaged("a GIF without its header"))?;
        let screen = Size::new(word(head, 6), word(head, 8));
        // Where it is cut off no frame can follow.
        let palette = palette(head[10], &mut rest).unwrap_or_default();
        Ok(Blocks { rest, screen, palette, repeat: Repeat::Times(1), control: Control::default() })
    }

    /// The next frame, `None` behind the last.
    ///
    /// Bytes that begin no block are passed over up to the next one that does, as GIF87a says.
    pub fn next_piece(&mut self) -> Option<Piece<'a>> {
        let mut astray = false;
        loop {
            let (kind, rest) = self.rest.split_first()?;
            match *kind {
                EXTENSION if !astray || begins_extension(rest) => {
                    self.rest = rest;
                    self.extension()?;
                    astray = false;
                }
                IMAGE => {
                    self.rest = rest;
                    return self.image();
                }
                TRAILER => return None,
                _ => {
                    self.rest = rest;
                    astray = true;
                }
            }
        }
    }

    /// How often the file plays, by the blocks read so far.
    pub fn repeat(&self) -> Repeat {
        self.repeat
    }

    /// The canvas, which grows to the first frame.
    pub fn canvas(&self, first: &Piece) -> Size {
        let Size { width, height } = self.screen;
        Size::new(width.max(first.left + first.width), height.max(first.top + first.height))
    }

    fn extension(&mut self) -> Option<()> {
        let label = take(&mut self.rest, 1)?[0];
        let mut parts = SubBlocks { rest: self.rest };
        match label {
            GRAPHIC_CONTROL => {
                if let Some([flags, low, high, index, ..]) = parts.next() {
                    self.control = Control {
                        transparent: (flags & 1 == 1).then_some(*index),
                        disposal: match flags >> 2 & 7 {
                            2 => Disposal::Clear,
                            // Some writers take 4 for 3.
                            3 | 4 => Disposal::Undo,
                            _ => Disposal::Keep,
                        },
                        duration_ms: u32::from(u16::from_le_bytes([*low, *high])) * 10,
                    };
                }
            }
            APPLICATION if parts.next().is_some_and(|name| LOOPERS.contains(&name)) => {
                for part in &mut parts {
                    if let [1, low, high, ..] = part {
                        // The file tells how often it is repeated after it was played once.
                        self.repeat = match u16::from_le_bytes([*low, *high]) {
                            0 => Repeat::Forever,
                            again => Repeat::Times(again.saturating_add(1)),
                        };
                    }
                }
            }
            _ => {}
        }
        self.rest = parts.end();
        Some(())
    }

    fn image(&mut self) -> Option<Piece<'a>> {
        let head = take(&mut self.rest, 9)?;
        let own = palette(head[8], &mut self.rest)?;
        let index_bits = take(&mut self.rest, 1)?[0];
        let data = SubBlocks { rest: self.rest };
        self.rest = data.end();
        let control = std::mem::take(&mut self.control);
        Some(Piece {
            left: word(head, 0),
            top: word(head, 2),
            width: word(head, 4),
            height: word(head, 6),
            interlaced: head[8] & 0x40 != 0,
            palette: own.or(self.palette),
            transparent: control.transparent,
            disposal: control.disposal,
            duration_ms: control.duration_ms,
            index_bits,
            data,
        })
    }
}

impl Piece<'_> {
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// What of the frame lies on the canvas; empty where nothing does.
    pub fn clipped(&self, canvas: Size) -> Rect {
        let (x, y) = (self.left.min(canvas.width), self.top.min(canvas.height));
        let width = self.width.min(canvas.width - x);
        let height = self.height.min(canvas.height - y);
        Rect { x, y, width, height }
    }

    /// Whether a pixel of the frame may leave what is below it to be seen.
    pub fn is_holed(&self) -> bool {
        self.transparent.is_some() || self.palette.is_none()
    }
}

/// The parts of a chain, each without its length, up to the empty one or the end of the file.
#[derive(Clone, Copy)]
pub struct SubBlocks<'a> {
    rest: &'a [u8],
}

impl<'a> SubBlocks<'a> {
    /// What follows the chain.
    fn end(mut self) -> &'a [u8] {
        while self.next().is_some() {}
        self.rest.get(1..).unwrap_or_default()
    }
}

impl<'a> Iterator for SubBlocks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first().filter(|(length, _)| **length > 0)?;
        let part;
        (part, self.rest) = rest.split_at(usize::from(*length).min(rest.len()));
        Some(part)
    }
}

/// Whether an extension that this format defines begins so, to be sure of it among foreign bytes.
fn begins_extension(bytes: &[u8]) -> bool {
    matches!(bytes, [GRAPHIC_CONTROL, 4, ..] | [APPLICATION, 11, ..] | [0x01, 12, ..] | [0xfe, ..])
}

/// The palette that the flags announce; `None` where it is cut off.
#[expect(clippy::option_option, reason = "cut off is not the same as not there")]
fn palette<'a>(flags: u8, rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    if flags & 0x80 == 0 {
        return Some(None);
    }
    take(rest, 3 * (2 << (flags & 7))).map(Some)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::codec::gif::film::CLEAR;
    use crate::codec::gif::tests::{pictures, play, read};
    use crate::error::Code;
    use crate::limits::Limits;

    /// A screen of one pixel and a palette of red, green, blue and black.
    const HEAD: &[u8] = b"GIF89a\x01\0\x01\0\x81\0\0\xff\0\0\0\xff\0\0\0\xff\0\0\0";
    const RED: [u8; 4] = [255, 0, 0, 255];
    const GREEN: [u8; 4] = [0, 255, 0, 255];

    /// A pixel: the codes 4 for a clean table, the index, and 5 for the end, of three bits each.
    fn dot(index: u8) -> Vec<u8> {
        [b",\0\0\0\0\x01\0\x01\0\0\x02\x02".as_slice(), &[0x44 | index << 3, 0x01, 0]].concat()
    }

    fn counted(bytes: &[u8]) -> u32 {
        codec::probe(bytes, &Limits::OSS).unwrap().frames
    }

    #[test]
    fn what_is_no_frame_is_passed_over() {
        let frames = [dot(0), dot(1)];
        let odd: [&[u8]; 9] = [
            b"\0",
            b"\0\0\0\0\0",
            b"\x99",
            b"\x42\x03abc\0",
            b"words?",
            // Not an extension, since none of this format begins so.
            b"\x99!\x02",
            b"!\x77\x03abc\0",
            b"!\xfe\x02hi\0",
            b"!\x01\x0c0123456789ab\x01x\0",
        ];
        for odd in odd {
            for place in 0..3 {
                let mut parts = vec![HEAD, &frames[0], &frames[1]];
                parts.insert(place + 1, odd);
                for end in [b";".as_slice(), b"", b"; and what it pleases", b"\x99;"] {
                    let bytes = [parts.concat().as_slice(), end].concat();
                    assert_eq!(pictures(&bytes), [RED, GREEN], "{odd:?} at {place}, {end:?}");
                    assert_eq!((counted(&bytes), read(&bytes).unwrap()), (2, RED.to_vec()));
                }
            }
        }
    }

    #[test]
    fn a_frame_is_whole_with_its_last_pixel() {
        let first = [HEAD, &dot(0)].concat();
        // Without the end of its chain, without its last code, which is half in the byte before.
        for left_out in 1..=2 {
            let bytes = [first.as_slice(), &dot(1)[..dot(1).len() - left_out]].concat();
            assert_eq!(pictures(&bytes), [RED, GREEN], "{left_out}");
        }
        for left_out in 3..dot(1).len() {
            let bytes = [first.as_slice(), &dot(1)[..dot(1).len() - left_out]].concat();
            assert_eq!(pictures(&bytes), [RED], "{left_out}");
        }
        // What comes behind a frame that is not whole does not count.
        let mut short = dot(1);
        short[5] = 2;
        let bytes = [first.as_slice(), &short, &dot(2), b";"].concat();
        assert_eq!(pictures(&bytes), [RED]);
        assert_eq!(play(&[HEAD, &short, &dot(2)].concat()).unwrap_err().code, Code::ImageDamage);
        for nothing in [HEAD, &HEAD[..20], &HEAD[..9], &[HEAD, b";"].concat(), &[HEAD, b"!\xfe\x02hi\0;"].concat()] {
            assert_eq!(play(nothing).unwrap_err().code, Code::ImageDamage);
        }
    }

    #[test]
    fn a_loop_counts_wherever_it_stands() {
        let frames = [dot(0), dot(1)];
        for (name, again, repeat) in [
            (b"NETSCAPE2.0", 0, Repeat::Forever),
            (b"ANIMEXTS1.0", 0, Repeat::Forever),
            (b"NETSCAPE2.0", 4, Repeat::Times(5)),
            (b"XMP DataXMP", 4, Repeat::Times(1)),
        ] {
            // A part of another kind, of a buffer's size, says nothing.
            let block = [b"!\xff\x0b".as_slice(), name, b"\x05\x02\x09\0\0\0\x03\x01", &[again, 0, 0]].concat();
            for place in 0..3 {
                let mut parts = vec![HEAD, &frames[0], &frames[1]];
                parts.insert(place + 1, &block);
                assert_eq!(play(&parts.concat()).unwrap().1, repeat, "{name:?} at {place}");
            }
        }
    }

    #[test]
    fn a_control_counts_for_the_frame_behind_it() {
        let control = |flags: u8, index: u8| [b"!\xf9\x04".as_slice(), &[flags, 7, 1, index, 0]].concat();
        // Its index 0 is transparent, and a quarter of an hour later it is cleared.
        let bytes = [HEAD, &control(0x09, 0), &dot(0), &dot(1), &control(0x0d, 2), &dot(2), &dot(0)].concat();
        let (frames, _) = play(&bytes).unwrap();
        let expected = [(CLEAR, 2630), (GREEN, 0), (GREEN, 2630), (RED, 0)];
        assert!(
            frames
                .iter()
                .map(|(texels, time)| (texels.as_slice(), *time))
                .eq(expected.iter().map(|(t, d)| (t.as_slice(), *d)))
        );
        // 4 is what 3 is, and a block that is too short is none.
        let blue = [0, 0, 255, 255];
        let undone = [HEAD, &dot(1), &control(0x10, 0), &dot(0), b"!\xf9\x01\x01\0", &dot(2)].concat();
        assert_eq!(pictures(&undone), [GREEN, RED, blue]);
    }

    #[test]
    fn no_palette_shows_nothing() {
        let bare = [&HEAD[..10], b"\x01\0\0", &dot(0), b";"].concat();
        assert_eq!(read(&bare).unwrap(), CLEAR);
        assert!(codec::probe(&bare, &Limits::OSS).unwrap().alpha);
        // One with a palette of its own is seen, and stays.
        let own = [&dot(0)[..9], b"\x80\x01\x02\x03\x04\x05\x06", &dot(0)[10..]].concat();
        let bytes = [&HEAD[..10], b"\x01\0\0", &own, &dot(0)].concat();
        assert_eq!(pictures(&bytes), [[1, 2, 3, 255], [1, 2, 3, 255]]);
    }
}
