//! Mistakes that clients make are found, and only those.

use super::*;
use mistakes::explain;

/// What is said of a request that is refused.
fn said(sent: &Sent, ring: &[Key]) -> Vec<String> {
    assert_eq!(sent.code(&keys(), CLOCK), Err(Code::SignatureDoesNotMatch), "{sent:?}");
    let finding = sent.with(CLOCK, |subject| {
        let request = Parsed::new(*subject);
        let claim = Claim::read(&request)?.unwrap();
        let (finding, tried) = explain(&request, &claim, &Key::new(ID, SECRET), ring, &sent.host);
        assert!(tried > 0);
        Ok(finding.map(|finding| finding.says).unwrap_or_default())
    });
    finding.unwrap()
}

#[test]
fn the_known_fault_of_a_client_is_found() {
    for name in ["pyv2-v1-header-get-process", "pyv2-v1-url-get-process"] {
        let said = said(&sent(name), &[]);
        assert!(said.len() == 1 && said[0].contains("parameter x-oss-process is not signed"), "{said:?}");
    }
}

#[test]
fn usual_mistakes_are_found() {
    let method = |name: &str, method: &str| Sent { method: method.to_owned(), ..sent(name) };
    let path = |name: &str, path: &str| Sent { path: path.to_owned(), ..sent(name) };
    let cases = [
        (method("v4-url-get-process", "HEAD"), vec!["signed for GET, and sent as HEAD"]),
        (sent("v1-url-get-plain").header("content-type", "image/png"), vec!["without content-type"]),
        (
            sent("v4-header-put").header("content-type", "text/css"),
            vec!["Content-Type: image/jpeg, and sent with text/css"],
        ),
        (sent("v4-url-get-process").query("x-oss-process", "a=1&x-oss-process"), vec!["query parameter a"]),
        (sent("v4-header-put").header("x-oss-meta-more", "1"), vec!["header x-oss-meta-more"]),
        (sent("v4-header-put").header("x-oss-date", "20260115T083002Z"), vec!["-2 seconds"]),
        (path("v1-url-get-process", "/dir/a%2520b%252B%25E6%25B1%2589.jpg"), vec!["encoded twice"]),
        (path("v4-header-get-process", "/dir/a%20b%20%E6%B1%89.jpg"), vec![]),
        (sent("v1-url-get-plain").query("Signature=lJVsW%2F", "Signature=lJVsW%252F"), vec!["percent-encoded twice"]),
        (
            Sent { host: "examplebucket.example.org".to_owned(), ..sent("v4-url-get-process") },
            vec!["--base-domain example.org"],
        ),
        (
            method("v1-url-get-plain", "PUT").header("content-type", "image/png"),
            vec!["for GET", "without content-type"],
        ),
        (sent("v1-url-get-plain").query("Signature=lJVs", "Signature=lJVt"), vec![]),
        (sent("v4-url-get-additional").header("range", "bytes=0-8"), vec![]),
    ];
    for (sent, expected) in cases {
        let said = said(&sent, &[]);
        let all = expected.iter().zip(&said).all(|(expected, said)| said.contains(expected));
        assert!(all && expected.len() == said.len(), "{sent:?}\n{said:?}");
    }
}

#[test]
fn the_secret_of_another_key_is_found() {
    let mut swapped = sent("v4-url-get-plain");
    let key = Key::new(ID, "another");
    let order = Order {
        scheme: Scheme::V4,
        method: "GET",
        reading: swapped.readings().unwrap().remove(0),
        parameters: Vec::new(),
        headers: Headers::default(),
        key: &key,
        region: "cn-hangzhou",
        now: CLOCK,
        lifetime_s: 60,
    };
    swapped.query = presign(&order).unwrap();
    let said = said(&swapped, &[Key::new(ID, SECRET), Key::new("second", "another")]);
    assert_eq!(said, ["It was signed with the secret of the access key second."]);
}
