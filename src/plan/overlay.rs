//! Overlays: pictures beside the main one, and how they are laid over it.

use super::canvas::{Canvas, Shown};
use super::{Layer, Operand, Origin};
use crate::error::{Code, Error};
use crate::geometry::{Fit, Gravity, Orientation, Placement, Rect, Size, place};
use crate::kernel::{Args, blend};
use crate::text::{Drawing, Faces};
use std::sync::Arc;

/// A finished picture that is not the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlay {
    operand: Operand,
    size: Size,
    opaque: bool,
}

/// Where an overlay goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// At an anchor: margins count in the outer columns and rows, `voffset` in the middle row, down.
    Anchor { gravity: Gravity, margin_x: u32, margin_y: u32, voffset: i32 },
    /// Over the whole picture from its top left on, with gaps between the tiles.
    Tiles { gap_x: u32, gap_y: u32 },
}

/// The top left of an overlay on the main picture, and the way from tile to tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    left: i32,
    top: i32,
    step_x: u32,
    step_y: u32,
}

impl Spot {
    /// Where an overlay of a size goes that is laid once.
    fn once(left: i32, top: i32) -> Spot {
        Spot { left, top, step_x: blend::ONCE, step_y: blend::ONCE }
    }

    /// The spot this much farther right and down.
    pub fn moved(self, (right, down): (i32, i32)) -> Spot {
        Spot { left: self.left + right, top: self.top + down, ..self }
    }
}

/// Two overlays side by side in one box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The size of the box.
    pub size: Size,
    /// Where in it each begins, the first and the second.
    pub places: [(u32, u32); 2],
}

impl Pair {
    /// `first` and `second` with `interval` pixels between them; `align` tells how far down the free
    /// height each is pushed: 0 top, 1 middle, 2 bottom.
    pub fn new(first: Size, second: Size, interval: u32, align: u32) -> Pair {
        let height = first.height.max(second.height);
        let down = |size: Size| (height - size.height) * align / 2;
        let left = first.width + interval;
        let size = Size::new(left + second.width, height);
        Pair { size, places: [(0, down(first)), (left, down(second))] }
    }
}

impl Overlay {
    pub fn size(&self) -> Size {
        self.size
    }
}

/// The main picture's part of a canvas, laid aside while an overlay is made.
struct Aside {
    current: Operand,
    shown: Shown,
    opaque: bool,
    may_reduce: bool,
    main: Option<Size>,
}

impl Canvas {
    /// Where a watermark's picture goes that is to fit into `percent` of the main one, enlarged if
    /// need be; `None` where it stays as it is, or is the main picture itself.
    pub fn placement_in_main(&self, percent: u32) -> Option<Placement> {
        place(Fit::Lfit, self.size(), self.main?.scaled(percent), true)
    }

    /// What text is drawn with.
    pub fn faces(&self) -> &Arc<Faces> {
        &self.faces
    }

    /// The picture under `key`, with what `make` does to it.
    ///
    /// # Errors
    /// `WatermarkError` where no such asset came with the source; those of `make`.
    pub fn overlay_picture(
        &mut self,
        key: &str,
        auto_orient: bool,
        make: impl FnOnce(&mut Canvas) -> Result<(), Error>,
    ) -> Result<Overlay, Error> {
        let index = self.assets.iter().position(|asset| asset.key == key);
        let index = index.ok_or_else(|| Error::new(Code::WatermarkError, "The watermark image is not available."))?;
        let probe = self.assets[index].probe.clone();
        let layer = Layer { origin: Origin::Asset(index), size: probe.size, stored: probe.size, reduction: 1 };
        self.overlay_layer(layer, !probe.alpha, probe.format == crate::format::Format::Jpeg, |canvas| {
            if auto_orient {
                canvas.auto_orient(probe.orientation)?;
            }
            make(canvas)
        })
    }

    /// A line of text.
    ///
    /// # Errors
    /// None of its own.
    pub fn overlay_text(&mut self, drawing: Drawing) -> Result<Overlay, Error> {
        let size = drawing.size();
        let layer = Layer { origin: Origin::Text(Arc::new(drawing)), size, stored: size, reduction: 1 };
        self.overlay_layer(layer, false, false, |_| Ok(()))
    }

    /// `first` and `second` in one picture, as `pair` places them.
    ///
    /// # Errors
    /// None of its own.
    pub fn overlay_pair(&mut self, first: Overlay, second: Overlay, pair: Pair) -> Result<Overlay, Error> {
        let [first_place, (left, top)] = pair.places;
        let padded = self.overlay_padded(first, pair.size, first_place)?;
        self.overlay_change(padded, |canvas| {
            canvas.blend(second, Spot::once(left as i32, top as i32), 100);
            Ok(())
        })
    }

    /// An overlay at `place` in a box of `size` that is else transparent.
    ///
    /// # Errors
    /// None of its own.
    pub fn overlay_padded(&mut self, overlay: Overlay, size: Size, place: (u32, u32)) -> Result<Overlay, Error> {
        self.overlay_change(overlay, |canvas| {
            canvas.pad(size, place, TRANSPARENT);
            canvas.opaque = false;
            Ok(())
        })
    }

    /// What `make` does to an overlay.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn overlay_change(
        &mut self,
        overlay: Overlay,
        make: impl FnOnce(&mut Canvas) -> Result<(), Error>,
    ) -> Result<Overlay, Error> {
        let aside = self.put_aside(overlay.operand, overlay.size, overlay.opaque, false);
        let made = make(self);
        let overlay = self.take_overlay(aside);
        made.map(|()| overlay)
    }

    /// Where `placing` puts an overlay of `size`.
    pub fn spot(&self, size: Size, placing: Placing) -> Spot {
        match placing {
            Placing::Anchor { gravity, margin_x, margin_y, voffset } => {
                let (left, top) = gravity.place(self.size(), size, (margin_x, margin_y), voffset);
                Spot::once(left, top)
            }
            Placing::Tiles { gap_x, gap_y } => {
                Spot { left: 0, top: 0, step_x: size.width + gap_x, step_y: size.height + gap_y }
            }
        }
    }

    /// Lays an overlay over the picture, with `opacity` percent of its alpha.
    pub fn lay(&mut self, overlay: Overlay, spot: Spot, opacity: u32) {
        self.settle();
        self.blend(overlay, spot, opacity);
    }

    /// The part of an overlay of `size` that can be seen at `spot`, and where that part goes; all of
    /// it where it goes down more than once, `None` where nothing can be seen.
    pub fn seen(&self, size: Size, spot: Spot) -> Option<(Rect, Spot)> {
        let main = self.size();
        let again = |start: i32, step: u32, bound: u32| i64::from(start) + i64::from(step) < bound.into();
        if again(spot.left, spot.step_x, main.width) || again(spot.top, spot.step_y, main.height) {
            return Some((size.rect(), spot));
        }
        let span = |start: i32, side: u32, bound: u32| {
            let (from, to) = (start.max(0), (i64::from(start) + i64::from(side)).min(bound.into()));
            u32::try_from(to - i64::from(from)).ok().filter(|length| *length > 0).map(|length| (from, length))
        };
        let (x, width) = span(spot.left, size.width, main.width)?;
        let (y, height) = span(spot.top, size.height, main.height)?;
        let window = Rect { x: (x - spot.left) as u32, y: (y - spot.top) as u32, width, height };
        Some((window, Spot::once(x, y)))
    }

    fn blend(&mut self, overlay: Overlay, spot: Spot, opacity: u32) {
        let Size { width, height } = self.size();
        let params = blend::Params {
            width,
            height,
            left: spot.left,
            top: spot.top,
            step_x: spot.step_x,
            step_y: spot.step_y,
            overlay_width: overlay.size.width,
            overlay_height: overlay.size.height,
            opacity,
        };
        self.push_shared(Args::Blend(params), Some(overlay.operand), None);
    }

    fn overlay_layer(
        &mut self,
        layer: Layer,
        opaque: bool,
        may_reduce: bool,
        make: impl FnOnce(&mut Canvas) -> Result<(), Error>,
    ) -> Result<Overlay, Error> {
        let size = layer.size;
        self.layers.push(layer);
        let aside = self.put_aside(Operand::Layer(self.layers.len() - 1), size, opaque, may_reduce);
        let made = make(self);
        let overlay = self.take_overlay(aside);
        made.map(|()| overlay)
    }

    fn put_aside(&mut self, current: Operand, size: Size, opaque: bool, may_reduce: bool) -> Aside {
        let main = Some(self.main.unwrap_or_else(|| self.size()));
        let shown = Shown { window: size.rect(), orientation: Orientation::Upright };
        Aside {
            current: std::mem::replace(&mut self.current, current),
            shown: std::mem::replace(&mut self.shown, shown),
            opaque: std::mem::replace(&mut self.opaque, opaque),
            may_reduce: std::mem::replace(&mut self.may_reduce, may_reduce),
            main: std::mem::replace(&mut self.main, main),
        }
    }

    fn take_overlay(&mut self, aside: Aside) -> Overlay {
        self.settle();
        let overlay = Overlay { operand: self.current, size: self.size(), opaque: self.opaque };
        (self.current, self.shown) = (aside.current, aside.shown);
        (self.opaque, self.may_reduce, self.main) = (aside.opaque, aside.may_reduce, aside.main);
        overlay
    }
}

/// What nothing shows through: white with alpha 0.
const TRANSPARENT: u32 = 0x00ff_ffff;
