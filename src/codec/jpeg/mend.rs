//! JPEGs whose every block is there, but whose end marker is not: the file as it should have been.
//!
//! What is behind the last scan, or in place of the end, is no part of the picture: nothing, zeros, the
//! film behind a photo. Whether the blocks of the last scan are all there is for the decoder to
//! find out, which warns of every block that it makes up; so the data are cut where they end, and
//! nothing that it would warn of for other reasons goes along. Left out: arithmetic coding, whose
//! decoder does not notice where data end.

/// Coefficients of a block.
const COEFFICIENTS: usize = 64;

const APPLICATIONS: std::ops::RangeInclusive<u8> = 0xe0..=0xef;
const JFIF: u8 = 0xe0;
const ADOBE: u8 = 0xee;
const COMMENT: u8 = 0xfe;
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Zeros at the end of a file that belong to the last code of a scan: hardly ever any, as scans are filled
/// up with ones.
pub const OWN_ZEROS: [usize; 2] = [0, 2];

/// The file with its end marker behind the scan that completes the picture; of zeros that stand
/// there at most so many are taken for data.
///
/// `None` where the marker is there, or a scan is missing, or the file is none that can be mended.
pub fn with_end(bytes: &[u8], own_zeros: usize) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"\xff\xd8") {
        return None;
    }
    let mut mended = Vec::with_capacity(bytes.len() + 2);
    mended.extend_from_slice(&bytes[..2]);
    let mut told = None;
    let mut at = 2;
    loop {
        // Bytes between segments are dropped.
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        let marker = *bytes.get(at + 1)?;
        match marker {
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            END_OF_IMAGE => return None,
            _ => {
                let (length, _) = bytes.get(at + 2..)?.split_first_chunk::<2>()?;
                let end = at + 2 + usize::from(u16::from_be_bytes(*length));
                let payload = bytes.get(at + 4..end)?;
                match marker {
                    0xc0..=0xc2 if told.is_none() => told = Some(Told::of(marker, payload)?),
                    0xc0..=0xc3 | 0xc5..=0xcb | 0xcd..=0xcf => return None,
                    START_OF_SCAN => told.as_mut()?.note(payload)?,
                    _ => {}
                }
                if !(APPLICATIONS.contains(&marker) || marker == COMMENT) || matches!(marker, JFIF | ADOBE) {
                    mended.extend_from_slice(&bytes[at..end]);
                }
                at = end;
                if marker == START_OF_SCAN {
                    let data = &bytes[at..scan_end(bytes, at)];
                    at += data.len();
                    if told.as_ref()?.is_complete() {
                        if is_continued(&bytes[at..], told.as_ref()?) {
                            return None;
                        }
                        mended.extend_from_slice(own_data(data, own_zeros));
                        mended.extend_from_slice(&[0xff, END_OF_IMAGE]);
                        return Some(mended);
                    }
                    mended.extend_from_slice(data);
                }
            }
        }
    }
}

/// Whether the end or one more scan stands here, so that the file is not what is mended.
fn is_continued(rest: &[u8], told: &Told) -> bool {
    let Some((&[0xff, marker, h, l], behind)) = rest.split_first_chunk::<4>() else {
        return rest == [0xff, END_OF_IMAGE];
    };
    let header = usize::from(u16::from_be_bytes([h, l])).checked_sub(2).and_then(|length| behind.get(..length));
    marker == END_OF_IMAGE
        || (marker == START_OF_SCAN && header.is_some_and(|header| told.clone().note(header).is_some()))
}

/// Where the data that begin at `start` end: before a marker other than those for restarts, or with the
/// file.
fn scan_end(bytes: &[u8], start: usize) -> usize {
    let pairs = bytes[start..].windows(2);
    let marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    let found = pairs.enumerate().find_map(|(place, pair)| marker(pair).then_some(start + place));
    // A marker of which only the first byte is there.
    found.unwrap_or(if bytes.ends_with(b"\xff") { bytes.len() - 1 } else { bytes.len() }.max(start))
}

/// The data without what is known to be none: a film that begins in them, and zeros at their end.
fn own_data(data: &[u8], own_zeros: usize) -> &[u8] {
    // ISO 14496-12: the length of the first box, and its name.
    let film = data.windows(4).position(|name| name == b"ftyp").and_then(|place| place.checked_sub(4));
    let data = &data[..film.unwrap_or(data.len())];
    let zeros = data.iter().rev().take_while(|byte| **byte == 0).count();
    let own = &data[..data.len() - zeros];
    // The zero behind a byte of ones is part of it.
    let kept = own_zeros.max(usize::from(own.ends_with(b"\xff")));
    &data[..own.len() + zeros.min(kept)]
}

/// What the scans so far have told of each component.
#[derive(Clone)]
struct Told {
    progressive: bool,
    /// Its id, and the bits that are missing below each coefficient; `None` before its first scan.
    components: Vec<(u8, [Option<u8>; COEFFICIENTS])>,
}

impl Told {
    fn of(marker: u8, frame: &[u8]) -> Option<Told> {
        let components = frame.get(6..)?.chunks_exact(3).map(|component| (component[0], [None; COEFFICIENTS]));
        Some(Told { progressive: marker == 0xc2, components: components.collect() })
    }

    /// Notes a scan by its header: `None` where that makes no sense.
    fn note(&mut self, header: &[u8]) -> Option<()> {
        let (&count, rest) = header.split_first()?;
        let (members, bounds) = rest.split_at_checked(usize::from(count) * 2)?;
        let &[first, last, bits] = bounds.first_chunk()?;
        let (band, missing) = match self.progressive {
            true => (first.into()..=last.into(), bits & 15),
            false => (0..=COEFFICIENTS - 1, 0),
        };
        for member in members.chunks_exact(2) {
            let (_, coefficients) = self.components.iter_mut().find(|(id, _)| *id == member[0])?;
            coefficients.get_mut(band.clone())?.fill(Some(missing));
        }
        Some(())
    }

    fn is_complete(&self) -> bool {
        self.components.iter().all(|(_, missing)| missing.iter().all(|missing| *missing == Some(0)))
    }
}
