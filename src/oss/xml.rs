//! The XML documents that we write.

use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::escape::escape;
use std::fmt::Write;

/// The error document: with the prolog that some clients look for, and without a namespace.
pub fn error_document(error: &Error, request_id: &str, host: &str) -> String {
    let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n");
    element(&mut document, "Code", error.code.name());
    element(&mut document, "Message", &error.message);
    element(&mut document, "RequestId", request_id);
    element(&mut document, "HostId", host);
    for (name, text) in &error.details {
        element(&mut document, name, text);
    }
    if let Some(ec) = error.ec {
        element(&mut document, "EC", &ec.to_string());
    }
    document.push_str("</Error>\n");
    document
}

/// The value of `x-oss-err`, which stands in for the document where there is no body.
pub fn header_value(document: &str) -> String {
    STANDARD.encode(document)
}

fn element(document: &mut String, name: &str, text: &str) {
    // What XML cannot hold even escaped.
    let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..);
    let text: String = text.chars().map(|c| if legal(c) { c } else { '\u{FFFD}' }).collect();
    // Writing into a String cannot fail.
    let _ = writeln!(document, "  <{name}>{}</{name}>", escape(text.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Ec};

    #[test]
    fn the_document_is_the_documented_one() {
        let error = Error::new(Code::NoSuchKey, "The specified key does not exist.");
        let error = error.ec(Ec(26, 1)).detail("Key", "a<b>&\"c'\u{1}.jpg");
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <Error>\n  \
            <Code>NoSuchKey</Code>\n  \
            <Message>The specified key does not exist.</Message>\n  \
            <RequestId>534B371674E88A4D8906008B</RequestId>\n  \
            <HostId>demo.localhost</HostId>\n  \
            <Key>a&lt;b&gt;&amp;&quot;c&apos;\u{FFFD}.jpg</Key>\n  \
            <EC>0026-00000001</EC>\n\
            </Error>\n";
        assert_eq!(error_document(&error, "534B371674E88A4D8906008B", "demo.localhost"), expected);
        assert_eq!(header_value("<Error>"), "PEVycm9yPg==");
    }
}
