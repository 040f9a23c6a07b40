//! Planar plans: each plane goes through its passes by itself.

use super::CpuEngine;
use crate::cancel::Cancel;
use crate::engine::{Declined, DecodePlanes};
use crate::geometry::Size;
use crate::kernel::{Args, convolve};
use crate::plan::planar::{Planar, PlanePass, PlanePlan};
use crate::plane::{Plane, PlaneMut, Samples};

impl CpuEngine {
    /// As [`Engine::planes`](crate::engine::Engine::planes).
    pub(super) fn resize_planes(
        &self,
        planar: &Planar,
        decode: &mut DecodePlanes,
        cancel: &Cancel,
    ) -> Result<Vec<Samples>, Declined> {
        let mut held: Vec<_> = planar.planes.iter().map(|plane| self.samples(plane.held())).collect();
        let targets = held.iter_mut().zip(&planar.planes);
        let mut targets: Vec<_> =
            targets.map(|(samples, plane)| samples.view_mut().into_corner(plane.decoded)).collect();
        decode(&mut targets).map_err(Declined::Error)?;
        let resized = held.into_iter().zip(&planar.planes);
        resized.map(|(samples, plane)| self.resize_plane(samples, plane, cancel)).collect()
    }

    fn resize_plane(&self, decoded: Samples, plane: &PlanePlan, cancel: &Cancel) -> Result<Samples, Declined> {
        let (mut samples, mut filled) = (decoded, plane.decoded);
        for (pass, size) in plane.steps() {
            let mut target = self.samples(size);
            filled = pass.size();
            self.plane_pass(pass, samples.view(), target.view_mut().into_corner(filled), cancel)?;
            samples = target;
        }
        samples.view_mut().repeat_edges(filled);
        Ok(samples)
    }

    fn samples(&self, size: Size) -> Samples {
        Samples::new(size, Box::new(self.pool.take(size.pixels() as usize)))
    }

    fn plane_pass(&self, pass: &PlanePass, src: Plane, target: PlaneMut, cancel: &Cancel) -> Result<(), Declined> {
        let share = self.share(target.size(), Args::Convolve(pass.params).cost());
        share.run(target.bands(share.band_rows), cancel, |(first_row, mut rows)| {
            let (params, table) = part(pass, first_row, rows.size().height);
            convolve::run_plane(&params, table, src, &mut rows);
        })
    }
}

/// The part of a resize that makes `rows` rows from `first_row` on, as a pass of its own.
fn part(pass: &PlanePass, first_row: u32, rows: u32) -> (convolve::Params, &[u32]) {
    let params = convolve::Params { height: rows, ..pass.params };
    match params.axis {
        0 => (convolve::Params { cross: params.cross + first_row, ..params }, &pass.table),
        _ => (params, &pass.table[(first_row * params.stride) as usize..]),
    }
}
