//! JPEG's planes, out of files and into files, without colours in between.

use super::markers::Head;
use super::{check_warning, coding, dc, or_mended, turbo};
use crate::cancel::Cancel;
use crate::codec::icc::{self, Turning};
use crate::error::Error;
use crate::format::Output;
use crate::geometry::Size;
use crate::plane::{Components, Plane, PlaneMut};

/// The planes of a file, where they can stand for its colours: luma and chroma by JFIF's formula,
/// of sRGB. Inks, RGB, rare samplings and files with a profile of other colours are not told.
pub fn components(bytes: &[u8]) -> Option<Components> {
    let components = turbo::header(bytes).ok()?.components?;
    let profile = Head::read(bytes).profile(icc::LIMIT_BYTES);
    let turning = profile.map_or(Turning::Nothing, |profile| Turning::of(&profile));
    matches!(turning, Turning::Nothing).then_some(components)
}

pub fn decode_planes(bytes: &[u8], reduction: u32, targets: &mut [PlaneMut], cancel: &Cancel) -> Result<(), Error> {
    or_mended(bytes, |bytes, trust| {
        if reduction == 8 && trust.allows_passing_over(bytes) && at_an_eighth(bytes, targets).is_some() {
            return cancel.check();
        }
        let warning = turbo::decompress_planes(bytes, reduction, targets).map_err(Error::damaged)?;
        cancel.check()?;
        check_warning(warning, bytes)
    })
}

/// Decodes by the DC coefficients alone, where the file allows that.
fn at_an_eighth(bytes: &[u8], targets: &mut [PlaneMut]) -> Option<()> {
    let planes = dc::shape(bytes)?.planes;
    let fits =
        |(target, size): (&PlaneMut, Size)| size.width <= target.size().width && size.height <= target.size().height;
    let sizes = || planes.iter().map(|plane| plane.size);
    if planes.len() != targets.len() || !targets.iter().zip(sizes()).all(fits) {
        return None;
    }
    let mut corners: Vec<_> = targets.iter_mut().zip(sizes()).map(|(target, size)| target.corner(size)).collect();
    dc::decode(bytes, &mut corners)?;
    // Luma goes as far as chroma does, which may be one sample further than the picture.
    targets.iter_mut().zip(sizes()).for_each(|(target, size)| target.repeat_edges(size));
    Some(())
}

pub fn encode_planes(planes: &[Plane], size: Size, output: &Output, cancel: &Cancel) -> Result<Vec<u8>, Error> {
    let file = turbo::compress_planes(planes, size, coding(output)).map_err(Error::internal)?;
    cancel.check()?;
    Ok(file)
}
