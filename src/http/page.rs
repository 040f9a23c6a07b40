//! The start page: what a person sees who opens the server in a browser.

use bytes::Bytes;

/// The page as it is written; what stands between the two marks needs the bucket of samples.
const PAGE: &str = include_str!("start.html");
const BEGIN: &str = "<!-- with samples -->";
const END: &str = "<!-- /with samples -->";

/// What the page may load: pictures of this server and its own style.
pub(super) const POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'";

/// The page, with or without the samples.
pub(super) fn start(demo: bool) -> Bytes {
    let around = PAGE.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match around {
        Some((before, after)) if !demo => Bytes::from(format!("{before}{after}")),
        _ => Bytes::from_static(PAGE.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_can_be_left_out() {
        let page = |demo| String::from_utf8(start(demo).to_vec()).unwrap();
        assert!(page(true).contains("/demo/photo.jpg"));
        assert!(!page(false).contains("/demo/") && page(false).ends_with("</html>\n"));
    }
}
