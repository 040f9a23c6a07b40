//! JPEGs of the kind that TIFF 6.0, section 22, had before the present one: read where the file tells
//! where a whole one lies. Left out: tables and data apart, in the tags and the strips.

use super::page::{BLACK_IS_ZERO, Page, YCBCR};
use crate::codec::jpeg::markers::Head;
use crate::codec::unsupported;
use crate::error::Error;

/// The JPEG that is the page.
///
/// # Errors
/// `ImageDamage` where it is not in the file or of another size, `BadRequest` where there is no whole one.
pub fn find<'a>(bytes: &'a [u8], page: &Page) -> Result<&'a [u8], Error> {
    let start = page.jpeg_at.and_then(|at| usize::try_from(at).ok()).ok_or_else(unsupported)?;
    let rest = bytes.get(start..).ok_or_else(|| Error::damaged("a JPEG outside of the file"))?;
    let file = match page.jpeg_length.and_then(|length| usize::try_from(length).ok()) {
        None | Some(0) => rest,
        Some(length) => rest.get(..length).ok_or_else(|| Error::damaged("a JPEG is cut off"))?,
    };
    let frame = Head::read(file).frame.filter(|_| file.starts_with(b"\xff\xd8")).ok_or_else(unsupported)?;
    if frame.size != page.size {
        return Err(Error::damaged("a JPEG of another size than the page"));
    }
    // Of other colours a JPEG without markers for them would be guessed wrong.
    match (page.photometric, frame.components) {
        (YCBCR, 3) | (BLACK_IS_ZERO, 1) => Ok(file),
        _ => Err(unsupported()),
    }
}
