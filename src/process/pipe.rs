//! Pipes: segments whose output is the input of the next; styles are replaced by their text.

use super::Chain;
use super::actions::ignore_error;
use super::args::{self, Place};
use super::syntax::{self, Piece, Segment};
use crate::error::{Code, Ec, Error};
use std::fmt;

/// Most different watermark pictures of a process string.
const MOST_ASSETS: usize = 3;

/// A whole process string: at least one chain.
#[derive(Debug)]
pub struct Pipe {
    chains: Vec<Chain>,
    assets: Vec<String>,
}

impl Pipe {
    /// Parses a whole process string, already percent-decoded; `style` knows the styles by name.
    ///
    /// # Errors
    /// The first mistake from left to right: `InvalidArgument`, `MissingArgument`, `BadRequest`,
    /// `NoSuchStyle` or `TooManyPipe`, with EC and span; `NotImplemented` for what is recognised
    /// but not built.
    pub fn parse(text: &str, style: impl Fn(&str) -> Option<String>) -> Result<Pipe, Error> {
        let segments = syntax::parse(text)?;
        let mut pipe = Pipe { chains: Vec::new(), assets: Vec::new() };
        for segment in &segments {
            let chain = match segment {
                Segment::Image(steps) => Chain::of_steps(steps, Place::Main)?,
                Segment::Style(name) => of_style(name, &style)?,
                Segment::SaveAs(piece) => {
                    let message = "sys/saveas is only allowed in a POST.";
                    return Err(Error::new(Code::InvalidArgument, message).at(piece.span()));
                }
            };
            if pipe.chains.last().is_some_and(|earlier| earlier.question.is_some()) {
                let message = "What asks about a picture must be the last of a pipe.";
                return Err(Error::new(Code::InvalidArgument, message));
            }
            pipe.need(&chain)?;
            pipe.chains.push(chain);
        }
        Ok(pipe)
    }

    /// The names of the styles that a process string needs, legal or not, for who has to fetch them.
    ///
    /// # Errors
    /// Those of text that cannot be taken apart.
    pub fn styles(text: &str) -> Result<Vec<String>, Error> {
        let segments = syntax::parse(text)?;
        let names = segments.iter().filter_map(|segment| match segment {
            Segment::Style(name) => Some(name.text.to_owned()),
            _ => None,
        });
        Ok(names.collect())
    }

    /// Whether the caller wants the stored object instead of an error: `ignore-error,1` stands in a
    /// segment, be the rest legal or not. With `sys/saveas` it has no effect.
    ///
    /// Holds for errors whose code [`Code::is_ignorable`]. Source: the specification, section 2.6.
    pub fn ignores_errors(text: &str, style: impl Fn(&str) -> Option<String>) -> bool {
        let ignores = |segment: &str| match segment.split_once('/') {
            Some(("image", actions)) => ignores(actions),
            Some(("style", name)) => {
                style(name).is_some_and(|text| text.strip_prefix("image/").is_some_and(self::ignores))
            }
            _ => false,
        };
        !text.split('|').any(|segment| segment.starts_with("sys/")) && text.split('|').any(ignores)
    }

    /// The chains, in order.
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// The keys of the objects that watermarks need, each once.
    pub fn assets(&self) -> &[String] {
        &self.assets
    }

    fn need(&mut self, chain: &Chain) -> Result<(), Error> {
        for key in chain.actions.iter().filter_map(|action| action.asset()) {
            if !self.assets.iter().any(|known| known == key) {
                self.assets.push(key.to_owned());
            }
        }
        if self.assets.len() > MOST_ASSETS {
            let message = format!("At most {MOST_ASSETS} different watermark images are supported.");
            return Err(Error::new(Code::InvalidArgument, message).ec(Ec::image(26)));
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.chains.iter().map(Chain::to_string).collect();
        f.write_str(&texts.join("|"))
    }
}

/// Whether the last `ignore-error` among these actions is on.
fn ignores(actions: &str) -> bool {
    let own = |action: &&str| action.split(',').next() == Some(ignore_error::SPEC.name);
    let value = |action: &str| args::integer(action.split(',').skip(1).find(|piece| !piece.is_empty())?, 0..=1);
    actions.rsplit('/').find(own).and_then(value) == Some(1)
}

/// The chain of a stored style. What is wrong in its text has no place in the caller's.
fn of_style(name: &Piece, style: impl Fn(&str) -> Option<String>) -> Result<Chain, Error> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let invalid = |ec| Err(Error::invalid_value("stylename", name.text).ec(Ec(17, ec)).at(name.span()));
    match name.text {
        text if text.is_empty() || text.len() > 63 => return invalid(250),
        text if !text.bytes().all(legal) => return invalid(251),
        _ => {}
    }
    let Some(text) = style(name.text) else {
        return Err(Error::new(Code::NoSuchStyle, "The style you get is not found.").at(name.span()));
    };
    let chain = syntax::parse(&text).and_then(|segments| match segments.as_slice() {
        [Segment::Image(steps)] => Chain::of_steps(steps, Place::Main),
        _ => Err(Error::new(Code::InvalidArgument, "The content of the style is no image process.")),
    });
    chain.map_err(|error| error.at(name.span()))
}

#[cfg(test)]
mod tests {
    use super::super::registry;
    use super::*;

    fn parse(text: &str) -> Result<Pipe, Error> {
        Pipe::parse(text, |name| (name == "small").then(|| "image/resize,w_100".to_owned()))
    }

    #[test]
    fn the_canonical_text() {
        let canonical = |text: &str| parse(text).unwrap().to_string();
        assert_eq!(canonical("image/resize,h_50,w_100,w_200,zz_1"), "image/resize,w_200,h_50");
        // Output settings move to the end, the last of each kept, in the registry's order.
        assert_eq!(
            canonical("image/format,png/quality,q_80/resize,w_100,limit_1/format,jpeg/"),
            "image/resize,w_100/quality,q_80/format,jpg"
        );
        assert_eq!(canonical("style/small|image/flip,1"), "image/resize,w_100|image/flip,1");
        for (_, example) in registry::examples() {
            let once = canonical(example);
            assert_eq!(canonical(&once), once);
        }
    }

    #[test]
    fn errors_are_ignored_where_any_segment_says_so() {
        let styles = |name: &str| match name {
            "kind" => Some("image/resize,w_0/ignore-error,1".to_owned()),
            "strict" => Some("image/resize,w_0".to_owned()),
            _ => None,
        };
        for text in [
            "image/ignore-error,1",
            "image/ignore-error,1/resize,w_0",
            "image//nonsense,,/ignore-error,,01,image/format,webp",
            "image/resize,w_0|image/ignore-error,1",
            "image/ignore-error,0/ignore-error,1",
            "style/kind",
            "style/strict|image/ignore-error,1",
            "video/snapshot|image/ignore-error,1",
            &"image/ignore-error,1|".repeat(9),
        ] {
            assert!(Pipe::ignores_errors(text, styles), "{text}");
        }
        for text in [
            "image/resize,w_0",
            "image/ignore-error",
            "image/ignore-error,0",
            "image/ignore-error,2",
            "image/ignore-error,+1",
            "image/ignore-error,1/ignore-error,0",
            "image/ignore-error,1|sys/saveas,o_YQ",
            "ignore-error,1",
            "style/strict",
            "style/none",
            "style/ignore-error,1",
        ] {
            assert!(!Pipe::ignores_errors(text, styles), "{text}");
        }
        assert_eq!(parse("image/resize,w_100/ignore-error,1").unwrap().to_string(), "image/resize,w_100");
        assert!(parse("image/info/ignore-error,1").unwrap().chains()[0].question().is_some());
        assert_eq!(parse("image/ignore-error,2").unwrap_err().code, Code::InvalidArgument);
        assert_eq!(parse("image/ignore-error").unwrap_err().code, Code::MissingArgument);
    }

    #[test]
    fn what_glued_strings_leave_behind_is_passed_over() {
        let canonical = |text: &str| parse(text).unwrap().to_string();
        assert_eq!(canonical("image/interlace,1,image/format,webp"), "image/format,webp/interlace,1");
        assert_eq!(canonical("image/format,src,1an/resize,w_9"), "image/resize,w_9/format,src");
        assert_eq!(canonical("image/sharpen,100,x-oss-process=image/circle,r_8,image"), "image/sharpen,100/circle,r_8");
        assert_eq!(canonical("image/quality,q_80,image"), "image/quality,q_80");
        for (text, ec) in [("image/rotate,90,180", 203), ("image/rotate,image", 217), ("image/quality,image", 310)] {
            assert_eq!(parse(text).unwrap_err().ec, Some(Ec::image(ec)), "{text}");
        }
    }

    #[test]
    fn lossless_in_its_spellings() {
        for text in ["lossless", "q_lossless", "Q_lossless", "q_80,Q_lossless", "80,lossless"] {
            assert_eq!(
                parse(&format!("image/quality,{text}")).unwrap().to_string(),
                "image/quality,lossless",
                "{text}"
            );
        }
        assert_eq!(parse("image/quality,q_lossless,Q_7").unwrap().to_string(), "image/quality,Q_7");
        assert_eq!(parse("image/quality,q_lossy").unwrap_err().ec, Some(Ec::image(309)));
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        for (text, wrong) in [
            ("image/resize,w_100/blur,r_3,s_99/format,zzz", "s_99"),
            ("image/resize,w_100|image/blur,r_3,s_99", "s_99"),
            ("image/resize,w_100|style/none", "none"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(&text[error.span.unwrap()], wrong);
        }
    }

    #[test]
    fn what_is_refused() {
        let code = |text: &str| parse(text).unwrap_err().code;
        assert_eq!(code("style/none"), Code::NoSuchStyle);
        assert_eq!(parse("style/bad*name").unwrap_err().ec, Some(Ec(17, 251)));
        assert_eq!(code("image/resize,w_1|sys/saveas,o_YQ"), Code::InvalidArgument);
        assert_eq!(code("image/info|image/resize,w_1"), Code::InvalidArgument);
        assert_eq!(code("image/resize,w_1/info"), Code::InvalidArgument);
        assert_eq!(code("image/faces"), Code::NotImplemented);
        assert!(parse("image/resize,w_1|image/info").is_ok());
        // a, b, c and d in Base64.
        let four = "image/watermark,image_YQ/watermark,image_Yg/watermark,image_Yw/watermark,image_ZA";
        assert_eq!(parse(four).unwrap_err().ec, Some(Ec::image(26)));
        assert_eq!(parse(&four.replace("_ZA", "_YQ")).unwrap().assets(), ["a", "b", "c"]);
    }
}
