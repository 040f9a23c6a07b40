//! The body of a callback: text with variables, and how their values are written into it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Everything but what is never encoded.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a body is, by its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    #[default]
    Form,
    Json,
}

impl Kind {
    const NAMES: [(&'static str, Kind); 2] =
        [("application/x-www-form-urlencoded", Kind::Form), ("application/json", Kind::Json)];

    /// The kind called `name`; parameters behind it do not matter.
    pub fn parse(name: &str) -> Option<Kind> {
        let name = name.split(';').next().unwrap_or_default().trim();
        Kind::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
    }

    pub fn content_type(self) -> &'static str {
        Kind::NAMES[self as usize].0
    }
}

/// A text that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    kind: Kind,
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `quoted`: it stands inside a JSON string, quotation marks and all.
    Variable {
        name: String,
        quoted: bool,
    },
}

impl Template {
    /// Reads a text with variables such as `${object}`. `None` where a `$` begins none, and where a
    /// JSON body would not be JSON.
    pub fn parse(text: &str, kind: Kind) -> Option<Template> {
        let (mut pieces, mut rest, mut marks) = (Vec::new(), text, Marks::default());
        while let Some(at) = rest.find('$') {
            let (before, variable) = rest.split_at(at);
            let (name, after) = variable.strip_prefix("${")?.split_once('}')?;
            marks.pass(before);
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Variable { name: name.to_owned(), quoted: marks.inside });
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let template = Template { kind, pieces };
        let legal = kind == Kind::Form || is_json(template.fill(|_| Value::Null).as_bytes());
        legal.then_some(template)
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it has a variable whose name begins so.
    pub fn mentions(&self, beginning: &str) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Variable { name, .. } if name.starts_with(beginning)))
    }

    /// The text with the values of its variables: percent-encoded in forms; in JSON whole values, or
    /// the inside of a string for a variable that stands in one. `Null` is for what there is not:
    /// empty, and `null` where JSON wants a value.
    pub fn fill(&self, value: impl Fn(&str) -> Value) -> String {
        let write = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable { name, quoted } => match (self.kind, value(name)) {
                (Kind::Form, value) => utf8_percent_encode(&plain(value), KEPT).to_string(),
                (Kind::Json, value) if *quoted => {
                    let string = Value::String(plain(value)).to_string();
                    string[1..string.len() - 1].to_owned()
                }
                (Kind::Json, value) => value.to_string(),
            },
        };
        self.pieces.iter().map(write).collect()
    }
}

/// Whether `bytes` are one JSON value.
pub fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// A value as text, without the quotation marks of JSON.
pub fn plain(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Whether a place in JSON is inside a string.
#[derive(Default)]
struct Marks {
    inside: bool,
    /// The next character has no meaning of its own.
    escaped: bool,
}

impl Marks {
    fn pass(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.inside => self.escaped = true,
                b'"' => self.inside = !self.inside,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str) -> Value {
        match name {
            "object" => "a \"b\"/c&d=é\n.jpg".into(),
            "size" => 12.into(),
            "empty" => "".into(),
            _ => Value::Null,
        }
    }

    fn filled(text: &str, kind: Kind) -> String {
        Template::parse(text, kind).unwrap().fill(value)
    }

    #[test]
    fn forms_are_percent_encoded() {
        let text = "o=${object}&s=${size}&none=${x:none}&e=${empty}&x:y=%20";
        assert_eq!(
            filled(text, Kind::Form),
            "o=a%20%22b%22%2Fc%26d%3D%C3%A9%0A.jpg&s=12&none=&e=&x:y=%20",
            "what is no variable stays as it is"
        );
        assert_eq!(filled("no variable", Kind::Form), "no variable");
        assert_eq!(filled("${size}${size}", Kind::Form), "1212");
    }

    #[test]
    fn json_takes_values_and_insides_of_strings() {
        let text = r#"{"o":${object},"s":${size},"n":${x:none},"e":${empty},"\"q":"<${object}|${size}|${x:none}>"}"#;
        let expected = r#"{"o":"a \"b\"/c&d=é\n.jpg","s":12,"n":null,"e":"","\"q":"<a \"b\"/c&d=é\n.jpg|12|>"}"#;
        assert_eq!(filled(text, Kind::Json), expected);
        let read: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(read["o"], value("object"));
        assert_eq!(read["\"q"], "<a \"b\"/c&d=é\n.jpg|12|>");
        // An escaped quotation mark, and an escaped escape.
        assert_eq!(filled(r#"["\"${size}","\\",${size}]"#, Kind::Json), r#"["\"12","\\",12]"#);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["a=$", "a=$x:b}", "a=$(key)", "a=${key", "$ {a}"] {
            assert_eq!(Template::parse(text, Kind::Form), None, "{text}");
        }
        for text in ["", "a=${object}", "{\"a\":${object}", "{\"a\":${object}${size}}", "{\"${object}:1}", "\u{feff}{}"]
        {
            assert_eq!(Template::parse(text, Kind::Json), None, "{text}");
        }
    }

    #[test]
    fn variables_can_be_asked_for() {
        let template = Template::parse("w=${imageInfo.width}&imageInfo.height=1", Kind::Form).unwrap();
        assert!(template.mentions("imageInfo.") && template.mentions("imageInfo.width"));
        assert!(!template.mentions("imageInfo.height") && !template.mentions("x:"));
    }

    #[test]
    fn kinds_are_content_types() {
        assert_eq!(Kind::parse("application/json"), Some(Kind::Json));
        assert_eq!(Kind::parse("Application/JSON; charset=utf-8"), Some(Kind::Json));
        assert_eq!(Kind::parse("application/x-www-form-urlencoded"), Some(Kind::Form));
        assert_eq!(Kind::parse("text/plain"), None);
        for (name, kind) in Kind::NAMES {
            assert_eq!(kind.content_type(), name);
        }
    }
}
