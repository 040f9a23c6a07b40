//! Process strings: text → [`Pipe`] of [`Chain`]s of typed actions → [`Plan`]s.
//!
//! A mistake in the text is answered by [`Pipe::parse`], with the span of the wrong piece, before
//! any byte of a picture is read. What depends on the picture's size is answered by
//! [`Chain::plan`], before any pixel is decoded. An action is one file in `actions` and one row in
//! [`registry`].

mod actions;
mod args;
mod pipe;
pub mod registry;
mod settings;
mod syntax;

pub use pipe::Pipe;
pub use settings::Settings;

use crate::error::{Code, Error};
use crate::format::Probe;
use crate::geometry::Size;
use crate::plan::{Asset, Canvas, Plan, Rules};
use args::{Arguments, Place};
use std::fmt;
use syntax::Step;

/// One parsed action. Its `Display` is its canonical text: keys in a fixed order, defaults left out;
/// empty for one that no result depends on.
pub trait Action: fmt::Debug + fmt::Display + Send + Sync {
    /// What the action does to the picture, in the canvas's verbs.
    fn plan(&self, _canvas: &mut Canvas) -> Result<(), Error> {
        Ok(())
    }

    /// What the action asks of the output. `true` means that it is no pixel action: its place in
    /// the chain does not matter and the last one of its name wins.
    fn set(&self, _settings: &mut Settings) -> bool {
        false
    }

    /// What the action asks about the object, instead of a picture.
    fn question(&self) -> Option<Question> {
        None
    }

    /// Whether an animation stays one.
    fn keeps_frames(&self) -> bool {
        false
    }

    /// The key of the object that the action lays over the picture.
    fn asset(&self) -> Option<&str> {
        None
    }
}

/// What can be asked about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Info,
    AverageHue,
}

impl Action for Question {
    fn question(&self) -> Option<Question> {
        Some(*self)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Question::Info => "info",
            Question::AverageHue => "average-hue",
        })
    }
}

/// The parsed actions of one segment, in order; every argument legal by itself, defaults filled.
#[derive(Debug)]
pub struct Chain {
    /// Pixel actions, in order.
    actions: Vec<Box<dyn Action>>,
    /// Output actions, the last of each name, in the order of the registry.
    outputs: Vec<Box<dyn Action>>,
    settings: Settings,
    question: Option<Question>,
}

impl Chain {
    fn of_steps(steps: &[Step], place: Place) -> Result<Chain, Error> {
        let settings = Settings::default();
        let mut chain = Chain { actions: Vec::new(), outputs: Vec::new(), settings, question: None };
        let mut outputs: Vec<(usize, Box<dyn Action>)> = Vec::new();
        let asked = steps.iter().filter(|step| step.name.text != actions::ignore_error::SPEC.name).count();
        for step in steps {
            let spec = registry::find(step.name.text).map_err(|error| error.at(step.name.span()))?;
            let action = (spec.parse)(&Arguments::new(step, place))?;
            if action.question().is_some() && asked > 1 {
                let message = format!("The action {} cannot be combined with others.", spec.name);
                return Err(Error::new(Code::InvalidArgument, message).at(step.name.span()));
            }
            chain.question = chain.question.or(action.question());
            if action.set(&mut chain.settings) {
                let row = registry::ACTIONS.iter().position(|row| row.name == spec.name).unwrap_or_default();
                outputs.retain(|(earlier, _)| *earlier != row);
                outputs.push((row, action));
            } else {
                chain.actions.push(action);
            }
        }
        outputs.sort_by_key(|(row, _)| *row);
        chain.outputs = outputs.into_iter().map(|(_, action)| action).collect();
        Ok(chain)
    }

    /// What is asked instead of a picture, if anything.
    pub fn question(&self) -> Option<Question> {
        self.question
    }

    /// Meets the picture: the plan for a source with this header and these watermark pictures.
    ///
    /// # Errors
    /// What an action finds wrong with the picture's size: `BadRequest`, `ImageTooLarge`,
    /// `MemLimitExceeded`; `WatermarkError` for a watermark picture that cannot be used;
    /// `NotImplemented` for a format that cannot be written here.
    pub fn plan(&self, probe: &Probe, rules: &Rules, assets: &[Asset]) -> Result<Plan, Error> {
        let mut output = self.settings.output(probe, rules)?;
        output.animated &= self.actions.iter().all(|action| action.keeps_frames());
        self.walk(probe, rules, assets, |_, _| ())?.finish(output)
    }

    /// The size after each step of the plan, with the step's canonical text.
    ///
    /// # Errors
    /// Those of [`Chain::plan`].
    pub fn steps(&self, probe: &Probe, rules: &Rules, assets: &[Asset]) -> Result<Vec<(String, Size)>, Error> {
        let mut steps = Vec::new();
        self.walk(probe, rules, assets, |step, canvas| steps.push((step.to_string(), canvas.size())))?;
        Ok(steps)
    }

    fn walk(
        &self,
        probe: &Probe,
        rules: &Rules,
        assets: &[Asset],
        mut seen: impl FnMut(&dyn fmt::Display, &Canvas),
    ) -> Result<Canvas, Error> {
        let mut canvas = Canvas::new(probe, rules, assets);
        if self.settings.auto_orient {
            canvas.auto_orient(probe.orientation)?;
        }
        for action in &self.actions {
            action.plan(&mut canvas)?;
            seen(action, &canvas);
        }
        Ok(canvas)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("image")?;
        let texts = self.actions.iter().chain(&self.outputs).map(|action| action.to_string());
        texts.filter(|text| !text.is_empty()).try_for_each(|text| write!(f, "/{text}"))
    }
}
