//! Sizes, rectangles, anchors and orientations: all rounding of sizes and places lives here.
//!
//! Numbers are pixels. Products are taken in `u64`, so that no legal side overflows.

use std::fmt;

/// Width and height in pixels, both at least 1 wherever a picture exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub const fn new(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    /// Width × height.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub fn longest_side(self) -> u32 {
        self.width.max(self.height)
    }

    pub fn shortest_side(self) -> u32 {
        self.width.min(self.height)
    }

    /// The size with its sides swapped.
    pub fn swapped(self) -> Size {
        Size::new(self.height, self.width)
    }

    /// Both sides in percent of what they are, each rounded half up and at least 1.
    pub fn scaled(self, percent: u32) -> Size {
        Size::new(scaled_side(self.width, percent, 100), scaled_side(self.height, percent, 100))
    }

    /// The rectangle of this size at the origin.
    pub fn rect(self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    /// `WIDTHxHEIGHT`, both at least 1.
    fn from_str(text: &str) -> Result<Size, String> {
        let parsed = text
            .split_once(['x', 'X'])
            .and_then(|(width, height)| Some(Size::new(width.parse().ok()?, height.parse().ok()?)))
            .filter(|size| size.shortest_side() > 0);
        parsed.ok_or_else(|| format!("'{text}' is not a size: write WIDTHxHEIGHT, for example 4000x3000"))
    }
}

/// A rectangle of pixels inside a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Rect {
    pub fn size(self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}+{}+{}", self.width, self.height, self.x, self.y)
    }
}

/// The value of `g`: one of nine anchors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    NorthWest,
    North,
    NorthEast,
    West,
    Center,
    East,
    SouthWest,
    South,
    SouthEast,
}

impl Gravity {
    /// Every anchor with its name, row by row.
    pub const NAMES: [(&'static str, Gravity); 9] = [
        ("nw", Gravity::NorthWest),
        ("north", Gravity::North),
        ("ne", Gravity::NorthEast),
        ("west", Gravity::West),
        ("center", Gravity::Center),
        ("east", Gravity::East),
        ("sw", Gravity::SouthWest),
        ("south", Gravity::South),
        ("se", Gravity::SouthEast),
    ];

    pub fn name(self) -> &'static str {
        Gravity::NAMES[self as usize].0
    }

    /// Where a box of size `inner` begins inside `outer`: the anchor origin of `crop`.
    ///
    /// The middle is floor(outer / 2) − floor(inner / 2), each half floored by itself.
    /// `inner` must not be larger than `outer`. Source: the specification, section 3.2.
    pub fn origin(self, outer: Size, inner: Size) -> (u32, u32) {
        let index = self as u32;
        let along = |place: u32, outer: u32, inner: u32| match place {
            0 => 0,
            1 => outer / 2 - inner / 2,
            _ => outer - inner,
        };
        (along(index % 3, outer.width, inner.width), along(index / 3, outer.height, inner.height))
    }

    /// Top left of an `inner` picture of any size laid over `outer` at this anchor.
    ///
    /// Margins count in the outer columns and rows, `voffset` (down) in the middle row. Source:
    /// the specification, section 5.4.
    pub fn place(self, outer: Size, inner: Size, margin: (u32, u32), voffset: i32) -> (i32, i32) {
        let index = self as u32;
        let along = |place: u32, outer: u32, inner: u32, margin: u32, shift: i32| {
            let (outer, inner, margin) = (outer as i32, inner as i32, margin as i32);
            match place {
                0 => margin,
                1 => (outer - inner).div_euclid(2) + shift,
                _ => outer - inner - margin,
            }
        };
        let x = along(index % 3, outer.width, inner.width, margin.0, 0);
        (x, along(index / 3, outer.height, inner.height, margin.1, voffset))
    }
}

/// The value of `m` in `resize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Lfit,
    Mfit,
    Fill,
    Pad,
    Fixed,
}

impl Fit {
    /// Every mode with its name.
    pub const NAMES: [(&'static str, Fit); 5] =
        [("lfit", Fit::Lfit), ("mfit", Fit::Mfit), ("fill", Fit::Fill), ("pad", Fit::Pad), ("fixed", Fit::Fixed)];

    pub fn name(self) -> &'static str {
        Fit::NAMES[self as usize].0
    }
}

/// What a resize does to a picture: scale to `scaled`, keep `kept` of it, lay that on `canvas`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The whole picture's size after scaling.
    pub scaled: Size,
    /// The part of the scaled picture that is kept.
    pub kept: Rect,
    /// The result's size; larger than `kept` only for `pad`.
    pub canvas: Size,
    /// Where the kept part's left upper corner lies on the canvas.
    pub offset: (u32, u32),
}

impl Placement {
    fn whole(scaled: Size) -> Placement {
        Placement { scaled, kept: scaled.rect(), canvas: scaled, offset: (0, 0) }
    }
}

/// `side × numerator ÷ denominator`, rounded half up, at least 1: the R(x) of the specification.
pub fn scaled_side(side: u32, numerator: u32, denominator: u32) -> u32 {
    let (side, numerator, denominator) = (u64::from(side), u64::from(numerator), u64::from(denominator));
    let rounded = (2 * side * numerator + denominator) / (2 * denominator);
    u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
}

/// Where a resize of `source` to the box `target` puts the picture, or `None` where the `limit`
/// rule makes it a no-op.
///
/// `enlarge` is `limit_0`. Offsets of `fill` and `pad` are floored.
/// Source: the specification, section 3.1.
pub fn place(fit: Fit, source: Size, target: Size, enlarge: bool) -> Option<Placement> {
    let (w, h) = (u64::from(target.width), u64::from(target.height));
    let (source_w, source_h) = (u64::from(source.width), u64::from(source.height));
    // w / W compared with h / H, without division.
    let width_ratio_is_smaller = w * source_h <= h * source_w;
    let by_width = || Size::new(target.width, scaled_side(source.height, target.width, source.width));
    let by_height = || Size::new(scaled_side(source.width, target.height, source.height), target.height);
    let inside = || if width_ratio_is_smaller { by_width() } else { by_height() };
    let outside = || if width_ratio_is_smaller { by_height() } else { by_width() };
    let grows_w = w > source_w;
    let grows_h = h > source_h;
    match fit {
        Fit::Lfit if !enlarge && grows_w && grows_h => None,
        Fit::Lfit => Some(Placement::whole(inside())),
        Fit::Mfit if !enlarge && (grows_w || grows_h) => None,
        Fit::Mfit => Some(Placement::whole(outside())),
        Fit::Fixed if !enlarge && (grows_w || grows_h) => None,
        Fit::Fixed => Some(Placement::whole(target)),
        Fit::Fill if !enlarge && (grows_w || grows_h) => None,
        Fit::Fill => {
            let scaled = outside();
            let kept = Rect {
                x: (scaled.width - target.width) / 2,
                y: (scaled.height - target.height) / 2,
                width: target.width,
                height: target.height,
            };
            Some(Placement { scaled, kept, canvas: target, offset: (0, 0) })
        }
        Fit::Pad => {
            // k is capped at 1: the picture is placed on the canvas, never enlarged.
            let scaled = if !enlarge && grows_w && grows_h { source } else { inside() };
            let offset = ((target.width - scaled.width) / 2, (target.height - scaled.height) / 2);
            Some(Placement { scaled, kept: scaled.rect(), canvas: target, offset })
        }
    }
}

/// Where a proportional resize of `source` to one given side puts the picture, or `None` where
/// the `limit` rule makes it a no-op.
pub fn place_side(source: Size, side: Side, length: u32, enlarge: bool) -> Option<Placement> {
    let (given, other) = match side {
        Side::Width => (source.width, source.height),
        Side::Height => (source.height, source.width),
    };
    if !enlarge && length > given {
        return None;
    }
    let scaled = Size::new(length, scaled_side(other, length, given));
    Some(Placement::whole(if side == Side::Width { scaled } else { scaled.swapped() }))
}

/// One of a picture's sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Width,
    Height,
}

/// One of the eight ways to lay a picture down, named by what is done to the stored pixels.
///
/// Numbers are those of the EXIF tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    #[default]
    Upright = 1,
    MirrorX = 2,
    Turn180 = 3,
    MirrorY = 4,
    Transpose = 5,
    Turn90 = 6,
    Transverse = 7,
    Turn270 = 8,
}

impl Orientation {
    const ALL: [Orientation; 8] = [
        Orientation::Upright,
        Orientation::MirrorX,
        Orientation::Turn180,
        Orientation::MirrorY,
        Orientation::Transpose,
        Orientation::Turn90,
        Orientation::Transverse,
        Orientation::Turn270,
    ];

    /// The orientation of an EXIF tag value; values outside 1..=8 mean upright.
    pub fn from_exif(value: u32) -> Orientation {
        Orientation::ALL.into_iter().find(|orientation| *orientation as u32 == value).unwrap_or_default()
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        matches!(self, Orientation::Transpose | Orientation::Turn90 | Orientation::Transverse | Orientation::Turn270)
    }

    /// The size of a picture of size `stored` once laid down this way.
    pub fn apply_to(self, stored: Size) -> Size {
        if self.swaps_sides() { stored.swapped() } else { stored }
    }

    /// The step in the stored picture for one step right and one step down in the result:
    /// `((x, y) per step right, (x, y) per step down)`.
    pub fn steps(self) -> ((i32, i32), (i32, i32)) {
        match self {
            Orientation::Upright => ((1, 0), (0, 1)),
            Orientation::MirrorX => ((-1, 0), (0, 1)),
            Orientation::Turn180 => ((-1, 0), (0, -1)),
            Orientation::MirrorY => ((1, 0), (0, -1)),
            Orientation::Transpose => ((0, 1), (1, 0)),
            Orientation::Turn90 => ((0, -1), (1, 0)),
            Orientation::Transverse => ((0, -1), (-1, 0)),
            Orientation::Turn270 => ((0, 1), (-1, 0)),
        }
    }

    /// The stored pixel that the result's (0, 0) shows, for a stored picture of size `stored`.
    pub fn start(self, stored: Size) -> (u32, u32) {
        let ((right_x, right_y), (down_x, down_y)) = self.steps();
        let far = |step: i32, side: u32| if step < 0 { side - 1 } else { 0 };
        (far(right_x + down_x, stored.width), far(right_y + down_y, stored.height))
    }

    /// This orientation, then `next`.
    pub fn then(self, next: Orientation) -> Orientation {
        // Steps are the columns of the matrix result → stored; following maps multiply.
        let ((ax, ay), (bx, by)) = self.steps();
        let map = |(x, y): (i32, i32)| (ax * x + bx * y, ay * x + by * y);
        let (right, down) = next.steps();
        let steps = (map(right), map(down));
        Orientation::ALL.into_iter().find(|orientation| orientation.steps() == steps).unwrap_or_default()
    }

    /// The stored rectangle that shows as `shown` in the result, for a stored picture of size
    /// `stored`.
    pub fn stored_rect(self, stored: Size, shown: Rect) -> Rect {
        let (start_x, start_y) = self.start(stored);
        let ((right_x, right_y), (down_x, down_y)) = self.steps();
        let at = |x: u32, y: u32| {
            let (x, y) = (x as i64, y as i64);
            (
                i64::from(start_x) + x * i64::from(right_x) + y * i64::from(down_x),
                i64::from(start_y) + x * i64::from(right_y) + y * i64::from(down_y),
            )
        };
        let (x0, y0) = at(shown.x, shown.y);
        let (x1, y1) = at(shown.x + shown.width - 1, shown.y + shown.height - 1);
        Rect {
            x: x0.min(x1) as u32,
            y: y0.min(y1) as u32,
            width: (x0.abs_diff(x1) + 1) as u32,
            height: (y0.abs_diff(y1) + 1) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_round_half_up_and_stay_positive() {
        assert_eq!(scaled_side(267, 200, 400), 134); // 133.5
        assert_eq!(scaled_side(5, 500, 1000), 3); // 2.5
        assert_eq!(scaled_side(3, 500, 1000), 2); // 1.5
        assert_eq!(scaled_side(10, 100, 4000), 1); // 0.25, raised
        assert_eq!(scaled_side(30_000, 16_384, 1), 491_520_000);
    }

    #[test]
    fn crop_origins_are_the_documented_ones() {
        let (outer, inner) = (Size::new(400, 267), Size::new(101, 101));
        assert_eq!(Gravity::Center.origin(outer, inner), (150, 83));
        assert_eq!(Gravity::SouthEast.origin(outer, Size::new(200, 200)), (200, 67));
        assert_eq!(Gravity::North.origin(outer, inner), (150, 0));
        assert_eq!(Gravity::West.origin(outer, inner), (0, 83));
        for (name, gravity) in Gravity::NAMES {
            assert_eq!(gravity.name(), name);
        }
    }

    #[test]
    fn fill_and_pad_place_by_floor() {
        let source = Size::new(400, 267);
        let fill = place(Fit::Fill, source, Size::new(100, 100), false).unwrap();
        assert_eq!(fill.scaled, Size::new(150, 100));
        assert_eq!(fill.kept, Rect { x: 25, y: 0, width: 100, height: 100 });
        let pad = place(Fit::Pad, source, Size::new(100, 100), false).unwrap();
        assert_eq!((pad.scaled, pad.offset), (Size::new(100, 67), (0, 16)));
        let large = place(Fit::Pad, source, Size::new(500, 500), false).unwrap();
        assert_eq!((large.scaled, large.offset), (source, (50, 116)));
    }

    #[test]
    fn orientations_form_a_group() {
        use Orientation::*;
        for a in Orientation::ALL {
            assert_eq!(Upright.then(a), a);
            assert_eq!(a.then(Upright), a);
        }
        assert_eq!(Turn90.then(Turn90), Turn180);
        assert_eq!(Turn90.then(Turn270), Upright);
        assert_eq!(MirrorX.then(MirrorY), Turn180);
        // Turn right, then mirror left-right: the anti-transpose reversed, the main diagonal.
        assert_eq!(Turn90.then(MirrorX), Transpose);
    }

    #[test]
    fn a_quarter_turn_moves_the_corner() {
        // A 3x2 picture turned right: its lower left corner shows at the upper left.
        let stored = Size::new(3, 2);
        assert_eq!(Orientation::Turn90.start(stored), (0, 1));
        assert_eq!(Orientation::Turn90.apply_to(stored), Size::new(2, 3));
        let shown = Rect { x: 1, y: 0, width: 1, height: 2 };
        // The right column's upper two pixels are the stored upper row's left two.
        assert_eq!(Orientation::Turn90.stored_rect(stored, shown), Rect { x: 0, y: 0, width: 2, height: 1 });
    }
}
