//! watermark: lay a picture, a line of text or both over the main picture.
//!
//! How arguments are read is in `parse`; here is what becomes of them.

mod nested;
mod parse;

use crate::color::Color;
use crate::error::{Code, Ec, Error};
use crate::geometry::Gravity;
use crate::plan::{Canvas, Overlay, Pair, Placing};
use crate::process::Action;
use crate::process::registry::{Kind, Param, Spec};
use crate::text::{Drawing, Style};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nested::Nested;
use std::fmt;

const MARGIN: Kind = Kind::Integer(0, 4096, "px");
const SWITCH: Kind = Kind::Integer(0, 1, "");

pub const SPEC: Spec = Spec {
    name: "watermark",
    summary: "lay a picture of the same bucket, a line of text or both over the picture; may be repeated",
    params: &[
        Param { key: "t", kind: Kind::Integer(0, 100, "%"), default: "100", doc: "opacity" },
        Param {
            key: "g",
            kind: Kind::Word(&["nw", "north", "ne", "west", "center", "east", "sw", "south", "se"]),
            default: "se",
            doc: "anchor",
        },
        Param { key: "x", kind: MARGIN, default: "10", doc: "margin in the left and right columns" },
        Param { key: "y", kind: MARGIN, default: "10", doc: "margin in the top and bottom rows" },
        Param { key: "voffset", kind: Kind::Integer(-1000, 1000, "px"), default: "0", doc: "down, in the middle row" },
        Param { key: "fill", kind: SWITCH, default: "0", doc: "1 covers the whole picture with tiles" },
        Param { key: "padx", kind: MARGIN, default: "0", doc: "gap between tiles, with fill_1" },
        Param { key: "pady", kind: MARGIN, default: "0", doc: "gap between tiles, with fill_1" },
        Param { key: "rotate", kind: Kind::Integer(0, 360, "degrees"), default: "0", doc: "turn of the overlay" },
        Param {
            key: "image",
            kind: Kind::Base64,
            default: "",
            doc: "object key, perhaps with ?x-oss-process=image/... of its own (resize there also takes P_1..100)",
        },
        Param { key: "P", kind: Kind::Integer(1, 100, "%"), default: "", doc: "size in percent of the main picture" },
        Param { key: "text", kind: Kind::Base64, default: "", doc: "1 to 64 bytes of UTF-8" },
        Param { key: "type", kind: Kind::Base64, default: "wqy-zenhei", doc: "name of the typeface" },
        Param { key: "color", kind: Kind::Color, default: "000000", doc: "of the text; also Base64 of #RRGGBB" },
        Param { key: "size", kind: Kind::Integer(1, 1000, "px"), default: "40", doc: "em size of the text" },
        Param { key: "shadow", kind: Kind::Integer(0, 100, "%"), default: "0", doc: "opacity of the text's shadow" },
        Param { key: "order", kind: SWITCH, default: "0", doc: "with both: 0 picture first, 1 text first" },
        Param {
            key: "align",
            kind: Kind::Integer(0, 2, ""),
            default: "0",
            doc: "with both: 0 top, 1 middle, 2 bottom",
        },
        Param { key: "interval", kind: Kind::Integer(0, 1000, "px"), default: "0", doc: "with both: gap between them" },
    ],
    examples: &[
        "image/watermark,text_SGVsbG8g5Zu-54mH5pyN5YqhIQ,color_FFFFFF,size_30,shadow_50",
        "image/watermark,image_ZGljZS5wbmc_eC1vc3MtcHJvY2Vzcz1pbWFnZS9yZXNpemUsUF8zMA,t_90,g_se,x_10,y_10",
        "image/watermark,image_ZGljZS5wbmc_eC1vc3MtcHJvY2Vzcz1pbWFnZS9yZXNpemUsd182MA,fill_1,padx_20,pady_10,t_50",
        "image/watermark,text_UGl4ZWxwYXNz,rotate_30,g_center,size_60,color_FF0000,shadow_40,t_80",
        "image/watermark,image_ZGljZS5wbmc_eC1vc3MtcHJvY2Vzcz1pbWFnZS9yZXNpemUsd182MA,text_SGVsbG8,order_1,align_2,interval_5",
        "image/watermark,text_6b6N6Kqe7ZWc4oSDwr3Hjg,g_center,size_40,color_FF6600,shadow_50",
    ],
    parse: parse::parse,
};

#[derive(Debug)]
struct Watermark {
    picture: Option<Picture>,
    text: Option<Text>,
    opacity: u32,
    gravity: Gravity,
    margin_x: u32,
    margin_y: u32,
    voffset: i32,
    tiled: bool,
    gap_x: u32,
    gap_y: u32,
    angle_deg: u32,
    /// Mixed overlays alone: text before picture, vertical alignment, gap.
    text_first: bool,
    align: u32,
    interval: u32,
}

/// The picture of an overlay.
#[derive(Debug)]
struct Picture {
    key: String,
    nested: Nested,
    /// Of the main picture, after what `nested` does.
    percent: Option<u32>,
}

/// The text of an overlay.
#[derive(Debug)]
struct Text {
    text: String,
    style: Style,
}

/// A finished overlay, and the shadow of its text: an overlay of its own, since the opacity of the
/// whole does not count for it, and how far right of and below the overlay it lies.
struct Mark {
    overlay: Overlay,
    shadow: Option<(Overlay, (i32, i32))>,
}

/// Longest side of an overlay that can be turned: the turn's tables reach no farther.
const LONGEST_TURNED: u32 = 16_384;

impl Watermark {
    fn placing(&self) -> Placing {
        if self.tiled {
            return Placing::Tiles { gap_x: self.gap_x, gap_y: self.gap_y };
        }
        let (gravity, margin_x, margin_y) = (self.gravity, self.margin_x, self.margin_y);
        Placing::Anchor { gravity, margin_x, margin_y, voffset: self.voffset }
    }

    /// Text that stands alone and upright is drawn only where it can be seen.
    fn text_alone(&self, canvas: &mut Canvas, line: Drawing) -> Result<(), Error> {
        let spot = canvas.spot(line.size(), self.placing());
        let below = line.shadow().map(|shadow| (shadow, spot.moved(shadow_offset(&line)), 100));
        for (drawing, spot, opacity) in below.into_iter().chain([(line, spot, self.opacity)]) {
            if let Some((window, spot)) = canvas.seen(drawing.size(), spot) {
                let overlay = canvas.overlay_text(drawing.windowed(window))?;
                canvas.lay(overlay, spot, opacity);
            }
        }
        Ok(())
    }

    /// The overlay as it is laid down, turned; `None` where there is nothing to lay.
    fn mark(&self, canvas: &mut Canvas, line: Option<Drawing>) -> Result<Option<Mark>, Error> {
        let picture = self.picture.as_ref().map(|picture| picture.overlay(canvas)).transpose()?;
        let shadow = line.as_ref().and_then(|line| Some((line.shadow()?, shadow_offset(line))));
        let text = line.map(|line| canvas.overlay_text(line)).transpose()?;
        let (overlay, pair) = match (picture, text) {
            (Some(picture), Some(text)) => {
                let (first, second) = if self.text_first { (text, picture) } else { (picture, text) };
                let pair = Pair::new(first.size(), second.size(), self.interval, self.align);
                (canvas.overlay_pair(first, second, pair)?, Some(pair))
            }
            (Some(alone), None) | (None, Some(alone)) => (alone, None),
            (None, None) => return Ok(None),
        };
        let shadow = match shadow {
            Some((drawing, offset)) => {
                let shadow = canvas.overlay_text(drawing)?;
                // In a box of its own just as large, it turns about the same centre.
                let place = |pair: Pair| pair.places[usize::from(!self.text_first)];
                let boxed = pair.map(|pair| canvas.overlay_padded(shadow, pair.size, place(pair))).transpose()?;
                Some((self.turned(canvas, boxed.unwrap_or(shadow))?, turned_offset(offset, self.angle_deg)))
            }
            None => None,
        };
        Ok(Some(Mark { overlay: self.turned(canvas, overlay)?, shadow }))
    }

    fn turned(&self, canvas: &mut Canvas, overlay: Overlay) -> Result<Overlay, Error> {
        if self.angle_deg == 0 {
            return Ok(overlay);
        }
        if overlay.size().longest_side() > LONGEST_TURNED {
            let message = "Picture exceed the maximum allowable rotation range.";
            return Err(Error::new(Code::BadRequest, message).ec(Ec::image(6)));
        }
        canvas.overlay_change(overlay, |canvas| {
            canvas.turn(self.angle_deg);
            Ok(())
        })
    }
}

/// Pixels that a line's shadow lies right of it and below.
fn shadow_offset(line: &Drawing) -> (i32, i32) {
    (line.shadow_offset() as i32, line.shadow_offset() as i32)
}

/// Where something `right` and `down` comes to lie after a clockwise turn, in whole pixels.
fn turned_offset((right, down): (i32, i32), angle_deg: u32) -> (i32, i32) {
    let (sine, cosine) = f64::from(angle_deg).to_radians().sin_cos();
    let (right, down) = (f64::from(right), f64::from(down));
    ((right * cosine - down * sine).round() as i32, (right * sine + down * cosine).round() as i32)
}

impl Picture {
    fn overlay(&self, canvas: &mut Canvas) -> Result<Overlay, Error> {
        let overlay =
            canvas.overlay_picture(&self.key, self.nested.auto_orient(), |canvas| self.nested.plan(canvas))?;
        match self.percent {
            None => Ok(overlay),
            Some(percent) => canvas.overlay_change(overlay, |canvas| match canvas.placement_in_main(percent) {
                Some(placement) => canvas.resize(&placement, Color::WHITE),
                None => Ok(()),
            }),
        }
    }
}

impl Action for Watermark {
    fn plan(&self, canvas: &mut Canvas) -> Result<(), Error> {
        // The shadow of a text that cannot be seen goes with it.
        if self.opacity == 0 {
            return Ok(());
        }
        let line = self.text.as_ref().and_then(|text| canvas.faces().line(&text.text, &text.style));
        let line = match line {
            Some(line) if self.picture.is_none() && self.angle_deg == 0 => return self.text_alone(canvas, line),
            line => line,
        };
        let Some(Mark { overlay, shadow }) = self.mark(canvas, line)? else { return Ok(()) };
        let spot = canvas.spot(overlay.size(), self.placing());
        if let Some((shadow, offset)) = shadow {
            canvas.lay(shadow, spot.moved(offset), 100);
        }
        canvas.lay(overlay, spot, self.opacity);
        Ok(())
    }

    fn keeps_frames(&self) -> bool {
        true
    }

    fn asset(&self) -> Option<&str> {
        self.picture.as_ref().map(|picture| picture.key.as_str())
    }
}

impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watermark")?;
        if let Some(picture) = &self.picture {
            let nested = picture.nested.to_string();
            let query = if nested.is_empty() { nested } else { format!("?x-oss-process={nested}") };
            write!(f, ",image_{}", URL_SAFE_NO_PAD.encode(format!("{}{query}", picture.key)))?;
            if let Some(percent) = picture.percent {
                write!(f, ",P_{percent}")?;
            }
        }
        if let Some(Text { text, style }) = &self.text {
            write!(f, ",text_{}", URL_SAFE_NO_PAD.encode(text))?;
            if style.typeface != Default::default() {
                write!(f, ",type_{}", URL_SAFE_NO_PAD.encode(style.typeface.name()))?;
            }
            write!(f, ",color_{},size_{}", style.color, style.size_px)?;
            if style.shadow > 0 {
                write!(f, ",shadow_{}", style.shadow)?;
            }
        }
        write!(f, ",t_{}", self.opacity)?;
        match self.placing() {
            Placing::Tiles { gap_x, gap_y } => write!(f, ",fill_1,padx_{gap_x},pady_{gap_y}")?,
            Placing::Anchor { gravity, margin_x, margin_y, voffset } => {
                write!(f, ",g_{},x_{margin_x},y_{margin_y},voffset_{voffset}", gravity.name())?;
            }
        }
        if self.angle_deg > 0 {
            write!(f, ",rotate_{}", self.angle_deg)?;
        }
        if self.picture.is_some() && self.text.is_some() {
            let order = u8::from(self.text_first);
            write!(f, ",order_{order},align_{},interval_{}", self.align, self.interval)?;
        }
        Ok(())
    }
}
