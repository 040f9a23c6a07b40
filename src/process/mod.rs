//! Process strings: text → chain → plan.
use crate::error::Error;
use crate::format::Probe;
use crate::limits::Limits;
use crate::plan::Plan;
use crate::plan::weights::Resample;

/// The parsed actions in order.
#[derive(Debug)]
pub struct Chain {}

impl Chain {
    /// Parses a whole process string, already percent-decoded.
    pub fn parse(_text: &str) -> Result<Chain, Error> {
        todo!()
    }

    /// Meets the picture: the plan for a source with this header.
    pub fn plan(&self, _probe: &Probe, _limits: &Limits, _resample: Resample) -> Result<Plan, Error> {
        todo!()
    }
}
