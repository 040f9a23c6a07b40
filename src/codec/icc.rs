//! Colour profiles: decoded rows become sRGB in place.
//!
//! A profile that cannot be read, or that is for other colours than the picture has, counts as
//! absent: a wrong profile never costs the picture. Left out: finding the profile in a file,
//! which each format does for itself.

use super::cicp::{CodePoints, Conversion};
use super::light;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::pixel::{TEXEL_BYTES, ViewMut};
use moxcms::{ColorProfile, DataColorSpace, Layout, ParsingOptions, Transform8BitExecutor, TransformOptions};
use std::sync::Arc;

/// Profiles of more bytes are passed over; those of printing presses have one to three million.
pub const LIMIT_BYTES: usize = 4 << 20;

/// Largest table inside a profile, in entries.
const TABLE_ENTRIES: usize = 4_000_000;

/// Rows between two looks at `cancel`.
const ROWS_A_LOOK: u32 = 64;

type Transform = Arc<Transform8BitExecutor>;

/// Turns RGBA texels into sRGB; alpha stays. A grey profile is applied to pictures whose texels are
/// all grey, and to no others.
///
/// # Errors
/// `ServiceUnavailable` when `cancel` says so.
pub fn to_srgb(profile: &[u8], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    Turning::of(profile).turn(target, cancel)
}

/// Turns texels of cyan, magenta, yellow and black, 255 for full ink, into opaque sRGB: by the
/// profile where there is a usable one, else by multiplying what the inks let through.
///
/// # Errors
/// `ServiceUnavailable` when `cancel` says so.
pub fn cmyk_to_srgb(profile: Option<&[u8]>, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    Turning::of_inks(profile).turn(target, cancel)
}

/// What makes sRGB of a picture, read from its profile once; the picture may come in bands.
pub enum Turning {
    /// The texels are sRGB, or count as such.
    Nothing,
    Colors(Transform),
    /// Colours told by code points instead of curves and tables.
    Points(Box<Conversion>),
    /// What each grey becomes, where all texels are grey.
    Greys(Box<[u8; 256]>),
    Inks(Option<Transform>),
}

impl Turning {
    /// For texels of RGBA, as [`to_srgb`].
    pub fn of(profile: &[u8]) -> Turning {
        let Some(profile) = read(profile) else { return Turning::Nothing };
        if let Some(told) = points(&profile) {
            return Turning::told(told);
        }
        let found = match profile.color_space {
            DataColorSpace::Rgb => transform(&profile, Layout::Rgba)
                .filter(|transform| !is_identity(transform.as_ref()))
                .map(Turning::Colors),
            DataColorSpace::Gray => grey_tones(&profile).map(Box::new).map(Turning::Greys),
            _ => None,
        };
        found.unwrap_or(Turning::Nothing)
    }

    /// For texels of RGBA whose colours are told by code points.
    pub fn told(told: CodePoints) -> Turning {
        Conversion::of(told, 8).map_or(Turning::Nothing, |conversion| Turning::Points(Box::new(conversion)))
    }

    /// For texels of inks, as [`cmyk_to_srgb`].
    pub fn of_inks(profile: Option<&[u8]>) -> Turning {
        let profile = profile.and_then(read).filter(|profile| profile.color_space == DataColorSpace::Cmyk);
        Turning::Inks(profile.and_then(|profile| transform(&profile, Layout::Rgba)).filter(answers))
    }

    /// Whether bands come out as they would in the whole picture; `grey` promises that every texel
    /// is.
    pub fn suits_bands(&self, grey: bool) -> bool {
        grey || !matches!(self, Turning::Greys(_))
    }

    /// Turns all rows of `target`.
    ///
    /// # Errors
    /// `ServiceUnavailable` when `cancel` says so.
    pub fn turn(&self, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
        match self {
            Turning::Colors(transform) => convert(transform.as_ref(), target, cancel)?,
            Turning::Points(conversion) => {
                for y in 0..target.size().height {
                    if y.is_multiple_of(ROWS_A_LOOK) {
                        cancel.check()?;
                    }
                    conversion.convert(target.row(y));
                }
            }
            Turning::Greys(tones) if is_grey(target) => replace_greys(tones, target, cancel)?,
            Turning::Nothing | Turning::Greys(_) => {}
            Turning::Inks(Some(transform)) => {
                convert(transform.as_ref(), target, cancel)?;
                let opaque = |texel: &mut [u8]| texel[3] = 255;
                (0..target.size().height).for_each(|y| target.row(y).chunks_exact_mut(TEXEL_BYTES).for_each(opaque));
            }
            Turning::Inks(None) => (0..target.size().height).for_each(|y| multiply(target.row(y))),
        }
        Ok(())
    }
}

/// What a profile tells of colours of high dynamic range; `None` for all other profiles.
///
/// Curves of a profile end at its own white, which for these is the display's peak: only the code
/// points tell where diffuse white lies. Source: ICC.1:2022, 9.2.17.
pub fn high_dynamic_range(profile: &[u8]) -> Option<CodePoints> {
    points(&read(profile)?)
}

fn points(profile: &ColorProfile) -> Option<CodePoints> {
    let told = profile.cicp.filter(|_| profile.color_space == DataColorSpace::Rgb)?;
    let (primaries, transfer) = (told.color_primaries as u16, told.transfer_characteristics as u16);
    // Of a narrow range nothing is seen by the profile's curves; some writers never set the flag.
    Some(CodePoints { primaries, transfer, full_range: true }).filter(|told| told.is_hdr())
}

/// Turns a row of CMYK into opaque RGBA without colour management.
fn multiply(row: &mut [u8]) {
    for texel in row.chunks_exact_mut(TEXEL_BYTES) {
        let black = u32::from(!texel[3]);
        for ink in &mut texel[..3] {
            *ink = ((u32::from(!*ink) * black + 127) / 255) as u8;
        }
        texel[3] = 255;
    }
}

fn read(profile: &[u8]) -> Option<ColorProfile> {
    let options = ParsingOptions {
        max_profile_size: LIMIT_BYTES,
        max_allowed_clut_size: TABLE_ENTRIES,
        ..ParsingOptions::default()
    };
    ColorProfile::new_from_slice_with_options(profile, options).ok()
}

fn transform(profile: &ColorProfile, from: Layout) -> Option<Transform> {
    let to = if from == Layout::Gray { Layout::Rgb } else { Layout::Rgba };
    profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default()).ok()
}

/// Whether the transform can be run at all.
fn answers(transform: &Transform) -> bool {
    transform.transform(&[0; TEXEL_BYTES], &mut [0; TEXEL_BYTES]).is_ok()
}

/// Whether the transform leaves every probe colour within one level of where it was: sRGB by any
/// of its many names. A transform that cannot be run counts as one, so that nothing is touched.
fn is_identity(transform: &Transform8BitExecutor) -> bool {
    let levels = [0u8, 32, 64, 128, 192, 255];
    let colors = levels.into_iter().flat_map(|red| {
        levels.into_iter().flat_map(move |green| levels.into_iter().flat_map(move |blue| [red, green, blue, 255]))
    });
    let colors: Vec<u8> = colors.collect();
    let mut turned = vec![0; colors.len()];
    let ran = transform.transform(&colors, &mut turned).is_ok();
    !ran || colors.iter().zip(&turned).all(|(before, after)| before.abs_diff(*after) <= 1)
}

/// Runs the transform over all rows; both layouts have four bytes a pixel.
fn convert(transform: &Transform8BitExecutor, target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    let mut before = vec![0; target.size().width as usize * TEXEL_BYTES];
    for y in 0..target.size().height {
        if y.is_multiple_of(ROWS_A_LOOK) {
            cancel.check()?;
        }
        let row = target.row(y);
        before.copy_from_slice(row);
        transform.transform(&before, row).map_err(|error| Error::internal(format!("colour transform: {error:?}")))?;
    }
    Ok(())
}

/// What each grey becomes. Over L*a*b* the profile's curve tells L*, which the library takes for light.
/// Sources: ICC.1, 8.4 and 10.6; CIE 15 for light from L*.
fn grey_tones(profile: &ColorProfile) -> Option<[u8; 256]> {
    let lightness = profile.gray_trc.as_ref().filter(|_| profile.pcs == DataColorSpace::Lab);
    if let Some(curve) = lightness {
        let curve = curve.make_linear_evaluator().ok()?;
        let code = |grey: usize| light::code(light::of_lightness(100.0 * curve.evaluate_value(grey as f32 / 255.0)));
        return Some(std::array::from_fn(code));
    }
    let transform = transform(profile, Layout::Gray)?;
    let greys: [u8; 256] = std::array::from_fn(|grey| grey as u8);
    let mut colors = [0; 3 * 256];
    transform.transform(&greys, &mut colors).ok()?;
    Some(std::array::from_fn(|grey| colors[3 * grey]))
}

fn is_grey(target: &mut ViewMut) -> bool {
    let grey = |texel: &[u8]| texel[0] == texel[1] && texel[1] == texel[2];
    (0..target.size().height).all(|y| target.row(y).chunks_exact(TEXEL_BYTES).all(grey))
}

fn replace_greys(tones: &[u8; 256], target: &mut ViewMut, cancel: &Cancel) -> Result<(), Error> {
    for y in 0..target.size().height {
        if y.is_multiple_of(ROWS_A_LOOK) {
            cancel.check()?;
        }
        for texel in target.row(y).chunks_exact_mut(TEXEL_BYTES) {
            let tone = tones[usize::from(texel[0])];
            texel[..3].fill(tone);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use moxcms::ToneReprCurve;

    fn run(profile: &[u8], texels: &[u8]) -> Vec<u8> {
        let mut bytes = texels.to_vec();
        let size = Size::new((texels.len() / TEXEL_BYTES) as u32, 1);
        to_srgb(profile, &mut ViewMut::new(size, texels.len(), &mut bytes), &Cancel::never()).unwrap();
        bytes
    }

    fn near(found: &[u8], expected: &[u8], levels: u8) {
        assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= levels), "{found:?} for {expected:?}");
    }

    /// sRGB's curve and its inverse. Source: IEC 61966-2-1.
    fn linear(value: u8) -> f64 {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    }

    fn coded(value: f64) -> u8 {
        let value = value.clamp(0.0, 1.0);
        let coded = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
        (coded * 255.0).round() as u8
    }

    fn by_matrix(matrix: [[f64; 3]; 3], light: [f64; 3]) -> [u8; 3] {
        matrix.map(|row| coded(row.iter().zip(light).map(|(weight, light)| weight * light).sum()))
    }

    /// Linear Display P3 to linear sRGB, both with white D65. Source: CSS Color 4, section 18.
    const P3: [[f64; 3]; 3] =
        [[1.224_940, -0.224_940, 0.0], [-0.042_057, 1.042_057, 0.0], [-0.019_638, -0.078_636, 1.098_274]];

    /// The same for Adobe RGB (1998), whose curve is a power of 563/256.
    const ADOBE: [[f64; 3]; 3] = [[1.398_357, -0.398_357, 0.0], [0.0, 1.0, 0.0], [0.0, -0.042_929, 1.042_929]];

    #[test]
    fn wide_colours_follow_the_matrices() {
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        let adobe = ColorProfile::new_adobe_rgb().encode().unwrap();
        assert_eq!(run(&p3, &[255, 0, 0, 9]), [255, 0, 0, 9]);
        for color in [[128, 128, 128], [200, 100, 50], [90, 160, 120], [60, 70, 200], [255, 255, 255], [0, 0, 0]] {
            let texel = [color[0], color[1], color[2], 77];
            let [red, green, blue] = by_matrix(P3, color.map(linear));
            near(&run(&p3, &texel), &[red, green, blue, 77], 2);
            let power = |value: u8| (f64::from(value) / 255.0).powf(563.0 / 256.0);
            let [red, green, blue] = by_matrix(ADOBE, color.map(power));
            near(&run(&adobe, &texel), &[red, green, blue, 77], 2);
        }
    }

    #[test]
    fn srgb_is_left_alone() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let texels: Vec<u8> = (0..=255).collect();
        assert_eq!(run(&srgb, &texels), texels);
    }

    #[test]
    fn grey_profiles_are_for_grey_pictures() {
        // A linear one: half the light is sRGB's 188.
        let mut profile = ColorProfile::new_gray_with_gamma(1.0);
        profile.gray_trc = Some(ToneReprCurve::Lut(vec![]));
        let profile = profile.encode().unwrap();
        near(&run(&profile, &[128, 128, 128, 5, 0, 0, 0, 255]), &[188, 188, 188, 5, 0, 0, 0, 255], 1);
        let colored = [128, 128, 128, 5, 1, 2, 3, 4];
        assert_eq!(run(&profile, &colored), colored);
    }

    #[test]
    fn grey_over_lab_is_lightness() {
        let curve = |trc: ToneReprCurve| {
            let mut profile = ColorProfile::new_gray_with_gamma(1.0);
            profile.gray_trc = Some(trc);
            let mut profile = profile.encode().unwrap();
            profile[20..24].copy_from_slice(b"Lab ");
            profile
        };
        // CIE: L* of 50 has 0.1842 of the light, which is sRGB's 119; of 10, 0.01126, which is 27.
        let linear = curve(ToneReprCurve::Lut(vec![]));
        let greys = [0, 26, 128, 255].map(|grey| [grey, grey, grey, 7]);
        let expected = [[0, 0, 0, 7], [28, 28, 28, 7], [119, 119, 119, 7], [255, 255, 255, 7]];
        near(&run(&linear, greys.as_flattened()), expected.as_flattened(), 1);
        // A gamma of 2: half is a quarter of 100.
        let squared = curve(ToneReprCurve::Lut(vec![2 << 8]));
        near(&run(&squared, &[128, 128, 128, 7]), &[60, 60, 60, 7], 1);
    }

    #[test]
    fn broken_and_foreign_profiles_change_nothing() {
        let texels = [1, 2, 3, 4, 250, 251, 252, 253];
        let p3 = ColorProfile::new_display_p3().encode().unwrap();
        assert_ne!(run(&p3, &[10, 200, 30, 255]), [10, 200, 30, 255]);
        for wrong in [&b""[..], b"nonsense", &p3[..100], &p3[..200]] {
            assert_eq!(run(wrong, &texels), texels);
        }
        // Inks with a profile for something else are multiplied.
        assert_eq!(inks(Some(&p3), [0, 255, 0, 0]), [255, 0, 255, 255]);
    }

    fn inks(profile: Option<&[u8]>, mut texel: [u8; 4]) -> [u8; 4] {
        cmyk_to_srgb(profile, &mut ViewMut::new(Size::new(1, 1), 4, &mut texel), &Cancel::never()).unwrap();
        texel
    }

    #[test]
    fn inks_without_a_profile_are_multiplied() {
        assert_eq!(inks(None, [0, 0, 0, 0]), [255, 255, 255, 255]);
        // 128 × 128 ÷ 255 = 64.25.
        assert_eq!(inks(None, [0, 127, 255, 127]), [128, 64, 0, 255]);
        assert_eq!(inks(None, [246, 246, 246, 255]), [0, 0, 0, 255]);
        // 127 ÷ 255 = 0.498, 254 ÷ 255 = 0.996, 381 ÷ 255 = 1.494.
        assert_eq!(inks(None, [254, 253, 252, 128]), [0, 1, 1, 255]);
    }

    #[test]
    fn flipped_bits_never_panic() {
        for profile in [ColorProfile::new_display_p3(), ColorProfile::new_adobe_rgb()] {
            let whole = profile.encode().unwrap();
            for bit in 0..whole.len() * 8 {
                let mut broken = whole.clone();
                broken[bit / 8] ^= 1 << (bit % 8);
                run(&broken, &[200, 100, 50, 255]);
            }
        }
    }
}
