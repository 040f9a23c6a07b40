//! What a page is: its samples, how they lie and how they are packed, all of a kind that is read.

use super::page::{self, Page, Patched};
use super::rows::{self, Packing, Predictor};
use super::samples::{Colors, Kind, Samples};
use super::ycbcr::YCbCr;
use crate::codec::{fax, icc, unsupported};
use crate::error::Error;
use crate::geometry::Size;
use tiff::decoder::ifd::Value;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{self, CompressionMethod, PlanarConfiguration, SampleFormat, Tag};
use tiff::{ColorType, TiffError};

/// Most bytes of one tag's value, profiles and strip offsets included.
const TAG_BYTES: usize = icc::LIMIT_BYTES;

/// Samples a pixel at most; the first few are colours and alpha, the rest is passed over.
const SAMPLES: u16 = rows::SAMPLES as u16;

/// Tags that the decoder has no names for.
const FILL_ORDER: u16 = 266;
const T4_OPTIONS: u16 = 292;
const COEFFICIENTS: u16 = 529;
const REFERENCE: u16 = 532;

/// FillOrder: the lowest bit of every byte comes first.
const LOWEST_FIRST: u16 = 2;

pub type Reader<'a> = Decoder<Patched<'a>>;

/// A page whose kind is known to be one that is read.
pub struct Picture<'a> {
    pub reader: Reader<'a>,
    pub size: Size,
    pub samples: Samples,
    pub planar: bool,
    pub packing: Packing,
    pub predictor: Predictor,
    /// Samples of more than 8 bits have the byte order of the other kind of machine.
    pub swapped: bool,
    /// How many columns and rows share their chroma, where chroma stands behind the luma of so many.
    pub shared: Option<Size>,
    pub profile: Option<Vec<u8>>,
}

impl<'a> Picture<'a> {
    /// The page's size is taken to be approved; nothing larger is allocated.
    pub fn open(bytes: &'a [u8], page: &Page) -> Result<Picture<'a>, Error> {
        let size = page.size;
        let mut reader = open(bytes, page)?;
        if reader.dimensions().map_err(refusal)? != (size.width, size.height) {
            return Err(Error::damaged("the header tells two sizes"));
        }
        let (bits, count) = match reader.colortype().map_err(refusal)? {
            ColorType::Gray(bits) => (bits, 1),
            ColorType::Multiband { bit_depth, num_samples } => (bit_depth, num_samples),
            other => return Err(Error::damaged(format!("a page that is grey and {other:?}"))),
        };
        let profile = reader.find_tag(Tag::IccProfile).ok().flatten().and_then(|value| value.into_u8_vec().ok());
        let compression = number(&mut reader, Tag::Compression)
            .map_or(CompressionMethod::None, CompressionMethod::from_u16_exhaustive);
        let planar =
            count > 1 && number(&mut reader, Tag::PlanarConfiguration) == Some(PlanarConfiguration::Planar.to_u16());
        let kind = kind(&mut reader, page.photometric)?;
        let predictor = match number(&mut reader, Tag::Predictor).map(tags::Predictor::from_u16) {
            None | Some(Some(tags::Predictor::None)) => Predictor::None,
            Some(Some(tags::Predictor::Horizontal)) if bits >= 8 => Predictor::Differences,
            Some(Some(tags::Predictor::FloatingPoint)) if kind == Kind::Float => Predictor::Floats,
            _ => return Err(unsupported()),
        };
        let jpeg = compression == CompressionMethod::ModernJPEG;
        let shared = match page.photometric {
            page::YCBCR if !jpeg => Some(shared(&mut reader)?).filter(|size| size.pixels() > 1),
            _ => None,
        };
        let colors = colors(&mut reader, page.photometric, bits, jpeg)?;
        let readable = (1..=SAMPLES).contains(&count)
            && match (kind, &colors) {
                (Kind::Float, Colors::Grey { .. } | Colors::Rgb) => matches!(bits, 16 | 32 | 64),
                (Kind::Float, _) => false,
                (_, Colors::Palette(_)) => matches!(bits, 1 | 2 | 4 | 8),
                (_, Colors::Lab { .. } | Colors::YCbCr(_)) => matches!(bits, 8 | 16),
                _ => matches!(bits, 1 | 2 | 4 | 8 | 16 | 32 | 64),
            };
        let whole = (kind, bits) == (Kind::Unsigned, 8);
        let packable = match Compressed::of(compression)? {
            Compressed::Rows => true,
            Compressed::Fax => bits == 1 && (count == 1 || planar),
            Compressed::Jpeg => whole,
            Compressed::WebP => whole && matches!(count, 3 | 4) && !planar && predictor == Predictor::None,
        };
        let units = shared.is_none() || (whole && count == 3 && !planar && predictor == Predictor::None);
        if !readable || !packable || !units {
            return Err(unsupported());
        }
        let extra = list(&mut reader, Tag::ExtraSamples);
        let samples = Samples::new(colors, kind, bits, count.into(), extra.as_deref())
            .ok_or_else(|| Error::damaged("fewer samples than colours"))?;
        let samples = if profile.is_none() { samples.of_linear_light() } else { samples };
        let t4_options = number(&mut reader, Tag::from_u16_exhaustive(T4_OPTIONS)).unwrap_or_default();
        let packing = Packing {
            compression,
            fax: fax_coding(compression, t4_options),
            mirrored: number(&mut reader, Tag::from_u16_exhaustive(FILL_ORDER)) == Some(LOWEST_FIRST),
        };
        let swapped = page.big_endian != cfg!(target_endian = "big");
        Ok(Picture { reader, size, samples, planar, packing, predictor, swapped, shared, profile })
    }
}

/// The file as the decoder reads it, which takes no more for a tag or a strip than is allowed.
///
/// # Errors
/// `ImageDamage`, and `BadRequest` for a kind that it does not know.
pub fn open<'a>(bytes: &'a [u8], page: &Page) -> Result<Reader<'a>, Error> {
    let mut limits = Limits::default();
    limits.ifd_value_size = TAG_BYTES;
    limits.intermediate_buffer_size = bytes.len();
    Ok(Decoder::new(page.patched(bytes)).map_err(refusal)?.with_limits(limits))
}

/// Who unpacks strips or tiles.
enum Compressed {
    /// [`rows`], which reads fax codes as well.
    Rows,
    Fax,
    Jpeg,
    WebP,
}

impl Compressed {
    fn of(compression: CompressionMethod) -> Result<Compressed, Error> {
        Ok(match compression {
            CompressionMethod::ModernJPEG => Compressed::Jpeg,
            CompressionMethod::WebP => Compressed::WebP,
            other if fax_coding(other, 0).is_some() => Compressed::Fax,
            other if rows::unpacks(other) => Compressed::Rows,
            _ => return Err(unsupported()),
        })
    }
}

/// CCITT RLE with rows that begin at multiples of 16 bits.
const RLE_IN_WORDS: u16 = 32_771;

fn fax_coding(compression: CompressionMethod, t4_options: u16) -> Option<fax::Coding> {
    match compression {
        CompressionMethod::Huffman => Some(fax::Coding::Huffman { align: 8 }),
        CompressionMethod::Unknown(RLE_IN_WORDS) => Some(fax::Coding::Huffman { align: 16 }),
        CompressionMethod::Fax3 => Some(fax::Coding::Group3 { two_dimensional: t4_options & 1 != 0 }),
        CompressionMethod::Fax4 => Some(fax::Coding::Group4),
        _ => None,
    }
}

fn number(reader: &mut Reader, tag: Tag) -> Option<u16> {
    reader.find_tag_unsigned::<u16>(tag).ok().flatten()
}

fn list(reader: &mut Reader, tag: Tag) -> Option<Vec<u16>> {
    reader.find_tag_unsigned_vec::<u16>(tag).ok().flatten()
}

/// Fractions of 32 bits each; `None` unless there are so many.
fn fractions<const COUNT: usize>(reader: &mut Reader, tag: u16) -> Option<[f64; COUNT]> {
    let Value::List(values) = reader.find_tag(Tag::from_u16_exhaustive(tag)).ok()?? else { return None };
    let numbers = values.into_iter().map(|number| match number {
        Value::Rational(part, whole) => f64::from(part) / f64::from(whole),
        _ => f64::NAN,
    });
    numbers.collect::<Vec<_>>().try_into().ok()
}

/// Samples are unsigned or floats; those of CIE L*a*b* may be called signed, which a* and b* are.
fn kind(reader: &mut Reader, photometric: u16) -> Result<Kind, Error> {
    let formats = list(reader, Tag::SampleFormat).unwrap_or_default();
    let all = |format: SampleFormat| formats.iter().all(|other| *other == format.to_u16());
    // Of unknown kind counts as unsigned, as with libtiff.
    if all(SampleFormat::Uint) || all(SampleFormat::Void) || (photometric == page::CIE_LAB && all(SampleFormat::Int)) {
        Ok(Kind::Unsigned)
    } else if all(SampleFormat::IEEEFP) {
        Ok(Kind::Float)
    } else {
        Err(unsupported())
    }
}

/// Columns and rows that share their chroma: two of each where nothing is told.
fn shared(reader: &mut Reader) -> Result<Size, Error> {
    let steps = list(reader, Tag::ChromaSubsampling).unwrap_or_else(|| vec![2, 2]);
    match steps[..] {
        [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => Ok(Size::new(across.into(), down.into())),
        _ => Err(Error::damaged("chroma shared in a way that there is not")),
    }
}

fn colors(reader: &mut Reader, photometric: u16, bits: u8, jpeg: bool) -> Result<Colors, Error> {
    Ok(match photometric {
        page::WHITE_IS_ZERO => Colors::Grey { inverted: true },
        page::BLACK_IS_ZERO => Colors::Grey { inverted: false },
        page::RGB => Colors::Rgb,
        page::PALETTE => {
            let entries = list(reader, Tag::ColorMap).unwrap_or_default();
            Colors::palette(&entries, bits).ok_or_else(|| Error::damaged("no palette of the right length"))?
        }
        page::CMYK => Colors::Cmyk,
        // A JPEG has the colours of JPEGs, whatever is told of them.
        page::YCBCR if jpeg => Colors::YCbCr(YCbCr::JPEG),
        page::YCBCR => {
            let (weights, reference) = (fractions(reader, COEFFICIENTS), fractions(reader, REFERENCE));
            let colors = YCbCr::of(weights, reference, bits).ok_or_else(|| Error::damaged("luma that is no sum"))?;
            Colors::YCbCr(colors)
        }
        page::CIE_LAB => Colors::Lab { signed: true },
        page::ICC_LAB => Colors::Lab { signed: false },
        _ => return Err(unsupported()),
    })
}

/// A kind that is not read is unsupported; anything else is damage.
pub fn refusal(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(_) => unsupported().because(error),
        _ => Error::damaged(error),
    }
}
