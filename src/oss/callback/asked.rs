//! What an uploader asks for: the two parameters of a callback, decoded and checked.
//!
//! Messages and ECs are those of the vendor's documentation where it tells them.

use super::template::{Kind, Template, plain};
use crate::error::{Code, Ec, Error};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::Url;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most bytes of a parameter as it comes.
const PARAMETER_BYTES: usize = 5 * 1024;

/// Most URLs of a callback.
const URLS: usize = 5;

/// What begins the names of an uploader's own variables.
pub const OWN: &str = "x:";

/// Base64 as it comes from many hands: with its padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An uploader's own variables, by their names with [`OWN`].
pub type Variables = BTreeMap<String, String>;

/// A callback as it is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// Tried in this order; at least one.
    pub urls: Vec<Url>,
    /// For the `Host` header, where it is not the URL's.
    pub host: Option<String>,
    pub body: Template,
    /// TLS tells the server's name before it is encrypted.
    pub sni: bool,
}

impl Asked {
    /// Reads the parameter: Base64 of a JSON object.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn read(parameter: &str) -> Result<Asked, Error> {
        let wrong = |ec, message: &'static str| invalid("callback", Some(Ec(7, ec)), message);
        if parameter.len() > PARAMETER_BYTES {
            return Err(wrong(1, "The length of callback exceed max value."));
        }
        let bytes = decoded(parameter).ok_or_else(|| wrong(2, "The callback configuration is not base64 encoded."))?;
        let fields = object(&bytes).ok_or_else(|| wrong(3, "The callback configuration is not json format."))?;
        let field = |name: &str, ec| invalid("callback", ec, format!("The callback {name} configuration is invalid."));
        let text = |field| match fields.get(field) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(_) => Err(()),
        };
        let urls = text("callbackUrl").ok().and_then(urls).filter(|urls| !urls.is_empty());
        let urls = urls.ok_or_else(|| field("url", Some(Ec(7, 4))))?;
        if urls.len() > URLS {
            return Err(wrong(5, "The number of callback url exceed max value."));
        }
        let host = text("callbackHost").ok().filter(|host| host.is_empty() || is_host(host));
        // Where the documentation tells no EC, there is none.
        let host = host.ok_or_else(|| field("host", None))?;
        let kind = match text("callbackBodyType") {
            Ok("") => Some(Kind::default()),
            Ok(name) => Kind::parse(name),
            Err(()) => None,
        };
        let kind = kind.ok_or_else(|| field("body type", Some(Ec(7, 12))))?;
        let body = match text("callbackBody") {
            Ok("") => return Err(wrong(11, "The callback body is empty.")),
            Ok(text) => Template::parse(text, kind),
            Err(()) => None,
        };
        let body = body.ok_or_else(|| wrong(105, "The callback body is invalid."))?;
        let sni = match fields.get("callbackSNI") {
            None | Some(Value::Null) => Some(false),
            Some(Value::Bool(sni)) => Some(*sni),
            Some(Value::String(text)) => text.to_ascii_lowercase().parse().ok(),
            Some(_) => None,
        };
        let sni = sni.ok_or_else(|| field("SNI", None))?;
        Ok(Asked { urls, host: Some(host.to_owned()).filter(|host| !host.is_empty()), body, sni })
    }
}

/// Reads the parameter with an uploader's own variables: Base64 of a JSON object of texts whose names
/// begin with [`OWN`] and are lower case.
///
/// # Errors
/// `InvalidArgument`.
pub fn variables(parameter: &str) -> Result<Variables, Error> {
    let wrong = |ec, message: &'static str| invalid("callback-var", Some(Ec(7, ec)), message);
    if parameter.len() > PARAMETER_BYTES {
        return Err(wrong(101, "The length of callback var exceed max value."));
    }
    let bytes = decoded(parameter).ok_or_else(|| wrong(102, "The callback var is not base64 encoded."))?;
    let fields = object(&bytes).ok_or_else(|| wrong(103, "The callback var is not json format."))?;
    let variable = |(name, value): (String, Value)| {
        let legal = is_own(&name) && !matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
        legal.then(|| (name, plain(value)))
    };
    let variables: Option<Variables> = fields.into_iter().map(variable).collect();
    variables
        .ok_or_else(|| wrong(104, "The callback var must hold texts whose names begin with x: and are lower case."))
}

fn invalid(parameter: &str, ec: Option<Ec>, message: impl Into<Cow<'static, str>>) -> Error {
    Error { ec, ..Error::new(Code::InvalidArgument, message).detail("ArgumentName", parameter) }
}

/// Whether this can be the name of an uploader's own variable.
pub fn is_own(name: &str) -> bool {
    name.strip_prefix(OWN).is_some_and(|rest| !rest.is_empty()) && !name.chars().any(char::is_uppercase)
}

/// The bytes of Base64 in either alphabet, which may be broken into lines. A `+` that stood bare in a
/// query has become a space.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let standard = |letter| match letter {
        '-' | ' ' => '+',
        '_' => '/',
        other => other,
    };
    let text: String = text.trim().chars().filter(|letter| !letter.is_control()).map(standard).collect();
    BASE64.decode(text).ok()
}

fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes).ok()
}

/// URLs with `;` between them; one without a scheme is meant as http. `None` where one is wrong.
fn urls(text: &str) -> Option<Vec<Url>> {
    let pieces = text.split(';').map(str::trim).filter(|piece| !piece.is_empty());
    pieces.map(url).collect()
}

fn url(text: &str) -> Option<Url> {
    let url = match text.contains("://") {
        true => Url::parse(text),
        false => Url::parse(&format!("http://{text}")),
    };
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.port() != Some(0))
}

/// Whether this can stand in a `Host` header.
fn is_host(text: &str) -> bool {
    let legal = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['/', '\\', '?', '#', '@']);
    legal && Url::parse(&format!("http://{text}/")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    fn read(json: &str) -> Result<Asked, Error> {
        Asked::read(&STANDARD.encode(json))
    }

    #[test]
    fn the_documented_examples_are_understood() {
        let asked = read(
            r#"{"callbackUrl":"121.101.166.30/test.php","callbackHost":"oss-cn-hangzhou.aliyuncs.com",
                "callbackBody":"{\"mimeType\":${mimeType},\"size\":${size}}","callbackBodyType":"application/json"}"#,
        );
        let asked = asked.unwrap();
        assert_eq!(asked.urls, [Url::parse("http://121.101.166.30/test.php").unwrap()]);
        assert_eq!(asked.host.as_deref(), Some("oss-cn-hangzhou.aliyuncs.com"));
        assert_eq!((asked.body.kind(), asked.sni), (Kind::Json, false));
        let asked = read(
            r#"{"callbackUrl":"121.43.113.8:23456/index.html; https://b.example/?a=%E5%80%BC ;","callbackBody":"a=${x:a}",
                "callbackSNI":true,"unknown":[1]}"#,
        );
        let asked = asked.unwrap();
        let urls: Vec<_> = asked.urls.iter().map(Url::as_str).collect();
        assert_eq!(urls, ["http://121.43.113.8:23456/index.html", "https://b.example/?a=%E5%80%BC"]);
        assert_eq!((asked.host, asked.body.kind(), asked.sni), (None, Kind::Form, true));
    }

    #[test]
    fn base64_comes_in_either_alphabet() {
        let json = r#"{"callbackUrl":"http://a.example/?>>>???","callbackBody":"ÿÿþ"}"#;
        let standard = STANDARD.encode(json);
        assert!(standard.contains('+') || standard.contains('/'));
        let url_safe = URL_SAFE_NO_PAD.encode(json);
        for text in [
            &standard,
            &url_safe,
            &standard.replace('+', " "),
            &format!(" {}\r\n{}\t", &standard[..20], &standard[20..]),
        ] {
            assert!(Asked::read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let long = format!(r#"{{"callbackUrl":"http://a.example","callbackBody":"{}"}}"#, "x".repeat(4000));
        let six = r#"{"callbackUrl":"a.b;a.b;a.b;a.b;a.b;a.b","callbackBody":"x"}"#;
        for (json, ec, message) in [
            (long.as_str(), 1, "The length of callback exceed max value."),
            ("error argument", 3, "The callback configuration is not json format."),
            ("[]", 3, "The callback configuration is not json format."),
            (r#"{"callbackBody":"x"}"#, 4, "The callback url configuration is invalid."),
            (r#"{"callbackUrl":" ; ","callbackBody":"x"}"#, 4, "The callback url configuration is invalid."),
            (r#"{"callbackUrl":7,"callbackBody":"x"}"#, 4, "The callback url configuration is invalid."),
            (r#"{"callbackUrl":"a.example:test","callbackBody":"x"}"#, 4, "The callback url configuration is invalid."),
            (r#"{"callbackUrl":"a.example:0","callbackBody":"x"}"#, 4, "The callback url configuration is invalid."),
            (
                r#"{"callbackUrl":"ftp://a.example","callbackBody":"x"}"#,
                4,
                "The callback url configuration is invalid.",
            ),
            (
                r#"{"callbackUrl":"file:///etc/passwd","callbackBody":"x"}"#,
                4,
                "The callback url configuration is invalid.",
            ),
            (r#"{"callbackUrl":"http://a b/","callbackBody":"x"}"#, 4, "The callback url configuration is invalid."),
            (r#"{"callbackUrl":"a.b;http://","callbackBody":"x"}"#, 4, "The callback url configuration is invalid."),
            (six, 5, "The number of callback url exceed max value."),
            (r#"{"callbackUrl":"a.b"}"#, 11, "The callback body is empty."),
            (r#"{"callbackUrl":"a.b","callbackBody":""}"#, 11, "The callback body is empty."),
            (r#"{"callbackUrl":"a.b","callbackBody":1}"#, 105, "The callback body is invalid."),
            (r#"{"callbackUrl":"a.b","callbackBody":"a=$x"}"#, 105, "The callback body is invalid."),
            (
                r#"{"callbackUrl":"a.b","callbackBody":"a=1","callbackBodyType":"application/json"}"#,
                105,
                "The callback body is invalid.",
            ),
            (
                r#"{"callbackUrl":"a.b","callbackBody":"x","callbackBodyType":"text/plain"}"#,
                12,
                "The callback body type configuration is invalid.",
            ),
            (
                r#"{"callbackUrl":"a.b","callbackBody":"x","callbackBodyType":123}"#,
                12,
                "The callback body type configuration is invalid.",
            ),
        ] {
            let error = read(json).unwrap_err();
            assert_eq!(
                (error.code, error.ec, &*error.message),
                (Code::InvalidArgument, Some(Ec(7, ec)), message),
                "{json}"
            );
        }
        let error = Asked::read("x123-*&").unwrap_err();
        assert_eq!((error.ec, &*error.message), (Some(Ec(7, 2)), "The callback configuration is not base64 encoded."));
        for json in [
            r#"{"callbackUrl":"a.b","callbackBody":"x","callbackHost":"a\r\nX: y"}"#,
            r#"{"callbackUrl":"a.b","callbackBody":"x","callbackHost":"http://a.b"}"#,
            r#"{"callbackUrl":"a.b","callbackBody":"x","callbackHost":true}"#,
            r#"{"callbackUrl":"a.b","callbackBody":"x","callbackSNI":"perhaps"}"#,
            r#"{"callbackUrl":"a.b","callbackBody":"x","callbackSNI":1}"#,
        ] {
            assert_eq!(read(json).unwrap_err().code, Code::InvalidArgument, "{json}");
        }
    }

    #[test]
    fn own_variables_are_texts_under_lower_case_names() {
        let read = |json: &str| variables(&STANDARD.encode(json));
        let expected = [("x:a", "1"), ("x:order_id", "值 &"), ("x:n", "5"), ("x:yes", "true")];
        let expected: Variables = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(read(r#"{"x:a":"1","x:order_id":"值 &","x:n":5,"x:yes":true}"#).unwrap(), expected);
        assert_eq!(read("{}").unwrap(), Variables::new());
        for (json, ec) in [
            ("x", 103),
            (r#"["x:a"]"#, 103),
            (r#"{"a":"1"}"#, 104),
            (r#"{"x:":"1"}"#, 104),
            (r#"{"x:A":"1"}"#, 104),
            (r#"{"X:a":"1"}"#, 104),
            (r#"{"x:a":null}"#, 104),
            (r#"{"x:a":{}}"#, 104),
        ] {
            let error = read(json).unwrap_err();
            assert_eq!((error.code, error.ec), (Code::InvalidArgument, Some(Ec(7, ec))), "{json}");
        }
        assert_eq!(variables(&"e".repeat(5121)).unwrap_err().ec, Some(Ec(7, 101)));
        assert_eq!(variables("*").unwrap_err().ec, Some(Ec(7, 102)));
    }
}
