//! Text → segments → steps → arguments, each with its place in the text; no meaning.
//!
//! Grammar: segments are split on `|`, actions on `/`, arguments on `,`, and an argument's key
//! ends at its first `_`, since values may hold more of them. Empty arguments, and empty pieces
//! between slashes, are skipped. Source: the specification, section 1.2.

use crate::error::{Code, Ec, Error};
use std::ops::Range;

/// Longest process string in bytes.
const LONGEST_BYTES: usize = 8192;

/// Most pipe segments, `sys/saveas` not counted.
const MOST_SEGMENTS: usize = 5;

/// Kinds of process that OSS has and that are not built: their objects are no pictures.
const OTHER_KINDS: [&str; 5] = ["video", "audio", "doc", "imm", "hls"];

/// A piece of the process string and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'a> {
    pub text: &'a str,
    /// Byte offset of the piece in the whole process string.
    pub start: usize,
}

impl<'a> Piece<'a> {
    /// Bytes of the whole process string that this piece takes.
    pub fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn split(&self, separator: char) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let mut start = self.start;
        self.text.split(separator).map(move |text| {
            let piece = Piece { text, start };
            start += text.len() + separator.len_utf8();
            piece
        })
    }
}

/// One action as written: its name and its arguments that are not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    pub name: Piece<'a>,
    pub arguments: Vec<Piece<'a>>,
}

/// One segment of a pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment<'a> {
    /// `image/…`: at least one step.
    Image(Vec<Step<'a>>),
    /// `style/NAME`.
    Style(Piece<'a>),
    /// `sys/saveas,…`.
    SaveAs(Piece<'a>),
}

/// Splits a whole process string, already percent-decoded.
///
/// # Errors
/// `InvalidArgument` for a string that is too long (EC 0017-00000288), an empty action
/// (0040-00000212) or an unknown kind of segment; `NotImplemented` for `video/…` and its like;
/// `TooManyPipe` (0040-00000211).
pub fn parse(text: &str) -> Result<Vec<Segment<'_>>, Error> {
    if text.len() > LONGEST_BYTES {
        let message = format!("The process string is too long: at most {LONGEST_BYTES} bytes are allowed.");
        return Err(Error::new(Code::InvalidArgument, message).ec(Ec(17, 288)));
    }
    let pieces: Vec<_> = Piece { text, start: 0 }.split('|').collect();
    if pieces.iter().filter(|piece| !piece.text.starts_with("sys/")).count() > MOST_SEGMENTS {
        let message = format!("Maximal number of pipes supported is {MOST_SEGMENTS}.");
        return Err(Error::new(Code::TooManyPipe, message).ec(Ec::image(211)));
    }
    pieces.iter().map(segment).collect()
}

fn segment<'a>(piece: &Piece<'a>) -> Result<Segment<'a>, Error> {
    let (kind, rest) = piece.text.split_once('/').unwrap_or((piece.text, ""));
    let rest = Piece { text: rest, start: piece.start + piece.text.len() - rest.len() };
    match kind {
        "image" => Ok(Segment::Image(steps(&rest)?)),
        "style" => Ok(Segment::Style(rest)),
        "sys" if rest.text == "saveas" || rest.text.starts_with("saveas,") => Ok(Segment::SaveAs(rest)),
        kind if OTHER_KINDS.contains(&kind) => {
            let message = format!("Processes of the kind {kind}/ are not implemented.");
            Err(Error::new(Code::NotImplemented, message).at(piece.span()))
        }
        _ => {
            let message = format!("The process string must begin with image/ or style/: {kind} is unknown.");
            Err(Error::new(Code::InvalidArgument, message).at(piece.span()))
        }
    }
}

fn steps<'a>(actions: &Piece<'a>) -> Result<Vec<Step<'a>>, Error> {
    let steps: Vec<_> = actions
        .split('/')
        .filter(|action| !action.text.is_empty())
        .map(|action| step(&action))
        .collect::<Result<_, _>>()?;
    if steps.is_empty() { Err(empty(actions)) } else { Ok(steps) }
}

fn step<'a>(action: &Piece<'a>) -> Result<Step<'a>, Error> {
    let mut pieces = action.split(',');
    match pieces.next() {
        Some(name) if !name.text.is_empty() => {
            Ok(Step { name, arguments: pieces.filter(|argument| !argument.text.is_empty()).collect() })
        }
        _ => Err(empty(action)),
    }
}

fn empty(action: &Piece) -> Error {
    Error::new(Code::InvalidArgument, "An action is empty.").ec(Ec::image(212)).at(action.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        match &parse(text).unwrap()[0] {
            Segment::Image(steps) => steps
                .iter()
                .map(|step| {
                    let arguments: Vec<_> = step.arguments.iter().map(|argument| argument.text).collect();
                    format!("{}({})", step.name.text, arguments.join(" "))
                })
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_grammar() {
        assert_eq!(names("image/resize,w_100,h_50/crop"), ["resize(w_100 h_50)", "crop()"]);
        assert_eq!(names("image/resize,,w_100,/"), ["resize(w_100)"]);
        for text in ["image/a//b", "image///a/b", "image/a/b//", "image//a///b/"] {
            assert_eq!(names(text), ["a()", "b()"], "{text}");
        }
    }

    #[test]
    fn pieces_know_their_place() {
        let text = "image/resize,w_100|style/ab";
        let segments = parse(text).unwrap();
        let Segment::Image(steps) = &segments[0] else { panic!() };
        assert_eq!(&text[steps[0].arguments[0].span()], "w_100");
        let Segment::Style(name) = &segments[1] else { panic!() };
        assert_eq!(&text[name.span()], "ab");
    }

    #[test]
    fn what_is_refused() {
        let ec = |text: &str| parse(text).unwrap_err().ec;
        for text in ["image/", "image", "image//", "image////", "image/,w_1", "image/a/,"] {
            assert_eq!(ec(text), Some(Ec::image(212)), "{text}");
        }
        assert_eq!(ec(&"image/a|".repeat(6)[..47]), Some(Ec::image(211)));
        assert_eq!(ec(&format!("image/{}", "a".repeat(8192))), Some(Ec(17, 288)));
        assert_eq!(parse("foo/bar").unwrap_err().code, Code::InvalidArgument);
        assert_eq!(parse("sys/other").unwrap_err().code, Code::InvalidArgument);
        for kind in OTHER_KINDS {
            let error = parse(&format!("image/a|{kind}/snapshot,t_1")).unwrap_err();
            assert!(error.message.contains(kind), "{error}");
            assert_eq!((error.code, error.span), (Code::NotImplemented, Some(8..21 + kind.len())));
        }
    }
}
