//! The XML documents that we write and read: no namespace anywhere, some clients would not see it.

use super::sign::clock;
use crate::error::{Code, Ec, Error};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use quick_xml::escape::escape;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt::{Display, Write};
use std::time::SystemTime;

/// A document being written.
pub struct Xml(String);

impl Xml {
    /// The document whose root is `name`, filled by `fill`.
    pub fn document(name: &str, fill: impl FnOnce(&mut Xml)) -> String {
        // Some clients look for the prolog before they read anything else.
        let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
        xml.parent(name, fill);
        xml.0
    }

    /// An element with text.
    pub fn text(&mut self, name: &str, text: impl Display) {
        // What XML cannot hold even escaped; a bare CR would be read as LF.
        let legal = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..);
        let text: String = text.to_string().chars().map(|c| if legal(c) { c } else { '\u{FFFD}' }).collect();
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "  <{name}>{}</{name}>", escape(text.as_str()).replace('\r', "&#13;"));
    }

    /// An element with a time, as in `2026-01-15T08:30:00.000Z`: some clients insist on the form.
    pub fn time(&mut self, name: &str, time: SystemTime) {
        self.text(name, clock::document(clock::seconds(time)));
    }

    /// An element with elements.
    pub fn parent(&mut self, name: &str, fill: impl FnOnce(&mut Xml)) {
        let _ = writeln!(self.0, "<{name}>");
        fill(self);
        let _ = writeln!(self.0, "</{name}>");
    }

    /// The owner, who is the same everywhere: a server has one.
    pub fn owner(&mut self) {
        self.parent("Owner", |xml| {
            xml.text("ID", "1000");
            xml.text("DisplayName", "1000");
        });
    }
}

/// The error document, with the details of at most `longest` bytes.
pub fn error_document(error: &Error, request_id: &str, host: &str, longest: usize) -> String {
    Xml::document("Error", |xml| {
        xml.text("Code", error.code.name());
        xml.text("Message", &error.message);
        xml.text("RequestId", request_id);
        xml.text("HostId", host);
        for (name, text) in error.details.iter().filter(|(_, text)| text.len() <= longest) {
            xml.text(name, text);
        }
        if let Some(ec) = error.ec {
            xml.text("EC", ec);
        }
    })
}

/// The value of `x-oss-err`, which stands in for the document where there is no body.
pub fn header_value(document: &str) -> String {
    STANDARD.encode(document)
}

/// The refusal of a document that cannot be read, or holds what it must not.
pub fn malformed() -> Error {
    let message = "The XML you provided was not well-formed or did not validate against our published schema.";
    Error::new(Code::MalformedXML, message).ec(Ec(16, 608))
}

/// Reads a document that a caller sent. Namespaces and unknown elements are passed over.
///
/// # Errors
/// `MalformedXML`.
pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Error> {
    let text = std::str::from_utf8(body).map_err(|error| malformed().because(error))?;
    quick_xml::de::from_str(text).map_err(|error| malformed().because(error))
}

/// The body of DeleteMultipleObjects.
#[derive(Debug, Deserialize)]
pub struct Delete {
    #[serde(rename = "Quiet", default)]
    pub quiet: bool,
    #[serde(rename = "Object", default)]
    pub objects: Vec<DeleteObject>,
}

#[derive(Debug, Deserialize)]
pub struct DeleteObject {
    #[serde(rename = "Key")]
    pub key: String,
}

/// The body of CompleteMultipartUpload.
#[derive(Debug, Deserialize)]
pub struct Complete {
    #[serde(rename = "Part", default)]
    pub parts: Vec<CompletePart>,
}

#[derive(Debug, Deserialize)]
pub struct CompletePart {
    #[serde(rename = "PartNumber")]
    pub number: u32,
    /// Quoted or bare.
    #[serde(rename = "ETag")]
    pub etag: String,
}

/// The body of PutBucket.
#[derive(Debug, Deserialize)]
pub struct BucketConfiguration {
    #[serde(rename = "StorageClass")]
    pub storage_class: Option<String>,
}

/// The body of PutStyle.
#[derive(Debug, Deserialize)]
pub struct Style {
    #[serde(rename = "Content", default)]
    pub content: String,
}

/// The body of `PUT ?processConfiguration`; the first name is misspelt on the wire.
#[derive(Debug, Deserialize)]
pub struct ProcessConfiguration {
    #[serde(rename = "CompliedHost")]
    pub complied_host: Option<String>,
    #[serde(rename = "SourceFileProtect")]
    pub source_file_protect: Option<String>,
    #[serde(rename = "SourceFileProtectSuffix")]
    pub source_file_protect_suffix: Option<String>,
    #[serde(rename = "StyleDelimiters")]
    pub style_delimiters: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_document_is_the_documented_one() {
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
        assert_eq!(error_document(&error, "534B371674E88A4D8906008B", "demo.localhost", 99), expected);
        assert!(!error_document(&error, "", "", 5).contains("<Key>"));
        assert_eq!(header_value("<Error>"), "PEVycm9yPg==");
    }

    #[test]
    fn what_is_written_can_be_read() {
        let keys = ["a&b<c>\"d'", " leading and trailing ", "汉\n字\r\n", "a]]>b"];
        let text = Xml::document("Delete", |xml| {
            xml.text("Quiet", true);
            for key in keys {
                xml.parent("Object", |xml| xml.text("Key", key));
            }
        });
        let delete: Delete = read(&Bytes::from(text)).unwrap();
        assert!(delete.quiet);
        assert_eq!(delete.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), keys);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let refused = |text: &str| read::<Delete>(&Bytes::copy_from_slice(text.as_bytes())).unwrap_err().code;
        let bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>\
                    <Delete><Object><Key>&b;</Key></Object></Delete>";
        for text in ["", "x", "<Delete>", "<Delete><Object/></Delete>", "<Delete><Quiet>9</Quiet></Delete>", bomb] {
            assert_eq!(refused(text), Code::MalformedXML, "{text}");
        }
        let namespaced = "<?xml version=\"1.0\"?><Delete xmlns=\"http://doc.oss.test\"><Other/><Object><Key>k</Key>\
                          <VersionId>1</VersionId></Object></Delete>";
        let delete: Delete = read(&Bytes::from(namespaced)).unwrap();
        assert!(!delete.quiet && delete.objects[0].key == "k");
    }
}
