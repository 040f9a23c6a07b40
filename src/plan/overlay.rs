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

impl Placing {
    /// The place of the first tile's top left, and the way from tile to tile.
    fn resolve(self, main: Size, overlay: Size) -> ((i32, i32), (u32, u32)) {
        match self {
            Placing::Anchor { gravity, margin_x, margin_y, voffset } => {
                (gravity.place(main, overlay, (margin_x, margin_y), voffset), (blend::ONCE, blend::ONCE))
            }
            Placing::Tiles { gap_x, gap_y } => ((0, 0), (overlay.width + gap_x, overlay.height + gap_y)),
        }
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

    /// `first` and `second` side by side with `interval` pixels between them; `align` tells how
    /// far down the free height each is pushed: 0 top, 1 middle, 2 bottom.
    ///
    /// # Errors
    /// None of its own.
    pub fn overlay_pair(
        &mut self,
        first: Overlay,
        second: Overlay,
        interval: u32,
        align: u32,
    ) -> Result<Overlay, Error> {
        let height = first.size.height.max(second.size.height);
        let size = Size::new(first.size.width + interval + second.size.width, height);
        let down = |overlay: Overlay| (height - overlay.size.height) * align / 2;
        self.overlay_change(first, |canvas| {
            canvas.pad(size, (0, down(first)), TRANSPARENT);
            canvas.opaque = false;
            let left = first.size.width + interval;
            canvas.blend(second, (left as i32, down(second) as i32), (blend::ONCE, blend::ONCE), 100);
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

    /// Lays an overlay over the picture, with `opacity` percent of its alpha.
    pub fn lay(&mut self, overlay: Overlay, placing: Placing, opacity: u32) {
        self.settle();
        let (place, step) = placing.resolve(self.size(), overlay.size);
        self.blend(overlay, place, step, opacity);
    }

    /// The part of an overlay of `size` that can be seen where `placing` puts it, and where that
    /// part goes; `None` where nothing of it can be seen or where it goes down more than once.
    pub fn seen(&self, size: Size, placing: Placing) -> Option<(Rect, Placing)> {
        let main = self.size();
        let (left, top) = match placing {
            Placing::Anchor { .. } => placing.resolve(main, size).0,
            Placing::Tiles { .. } if size.width >= main.width && size.height >= main.height => (0, 0),
            Placing::Tiles { .. } => return None,
        };
        let span = |start: i32, side: u32, bound: u32| {
            let (from, to) = (start.max(0), (i64::from(start) + i64::from(side)).min(bound.into()));
            u32::try_from(to - i64::from(from)).ok().filter(|length| *length > 0).map(|length| (from, length))
        };
        let (x, width) = span(left, size.width, main.width)?;
        let (y, height) = span(top, size.height, main.height)?;
        let window = Rect { x: (x - left) as u32, y: (y - top) as u32, width, height };
        let gravity = Gravity::NorthWest;
        Some((window, Placing::Anchor { gravity, margin_x: x as u32, margin_y: y as u32, voffset: 0 }))
    }

    fn blend(&mut self, overlay: Overlay, place: (i32, i32), step: (u32, u32), opacity: u32) {
        let Size { width, height } = self.size();
        let params = blend::Params {
            width,
            height,
            left: place.0,
            top: place.1,
            step_x: step.0,
            step_y: step.1,
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
