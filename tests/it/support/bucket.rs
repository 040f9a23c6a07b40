//! A server whose bucket `pictures` everyone may read, with one picture in it, and short ways to use it.

use super::fixture;
use super::server::{Response, Server};
use super::signed::KEY;
use pixelpass::codec;
use pixelpass::limits::Limits;

pub fn server() -> Server {
    let server = Server::start(&["--store", "memory://", "--engine", "cpu", KEY[0], KEY[1]]);
    assert_eq!(server.signed("PUT", "/pictures", &[("x-oss-acl", "public-read")], b"").status, 200);
    put(&server, "/pictures/a.jpg", &[]);
    server
}

pub fn put(server: &Server, target: &str, headers: &[(&str, &str)]) {
    let answer = server.signed("PUT", target, headers, &fixture("demo/example.jpg"));
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
}

pub fn style(server: &Server, name: &str, content: &str) -> Response {
    let document = format!("<Style><Content>{content}</Content></Style>");
    server.signed("PUT", &format!("/pictures/?style&styleName={name}"), &[], document.as_bytes())
}

pub fn settings(server: &Server, document: &str) {
    let document = format!("<BucketProcessConfiguration>{document}</BucketProcessConfiguration>");
    let answer = server.signed("PUT", "/pictures/?processConfiguration", &[], document.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Status and code, or the width of the picture.
pub fn outcome(answer: &Response) -> (u16, String) {
    match codec::probe(&answer.body, &Limits::OSS) {
        Ok(probe) => (answer.status, probe.size.width.to_string()),
        Err(_) => (answer.status, answer.element("Code")),
    }
}

pub fn is(answer: &Response, status: u16, what: &str, about: &str) {
    assert_eq!(outcome(answer), (status, what.to_owned()), "{about}: {}", answer.text());
}

pub fn all<'a>(document: &'a str, element: &str) -> Vec<&'a str> {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    document.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once(&end)?.0)).collect()
}
