//! Every byte of every vector is changed: what changes the meaning is refused.

use super::*;

/// Name and value.
type Pair = (Vec<u8>, Vec<u8>);

/// What a request means, read without the code under test: the path (a bucket alone may end in a slash), and the pairs of the query
/// that are signed or are the signature.
fn meaning(sent: &Sent, scheme: Scheme) -> (Vec<u8>, Vec<Pair>) {
    let decoded = |text: &str| {
        let (mut bytes, mut left) = (Vec::new(), text.as_bytes());
        while let [first, rest @ ..] = left {
            let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
            let value = digits.filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
            match value.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                Some(value) if *first == b'%' => {
                    bytes.push(value);
                    left = &rest[2..];
                }
                _ => {
                    bytes.push(*first);
                    left = rest;
                }
            }
        }
        bytes
    };
    let pairs = sent.query.replace('+', "%20");
    let pairs = pairs.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    if scheme == Scheme::V1 {
        // Of V1's own and signed names, those that the vectors use.
        let signed = ["OSSAccessKeyId", "Expires", "Signature", "security-token", "response-content-type"];
        let signed =
            [&signed[..], &["x-oss-process", "style", "styleName", "continuation-token", "bucketInfo"]].concat();
        pairs.retain(|(name, _)| signed.iter().any(|known| known.as_bytes() == name));
    }
    pairs.sort();
    let mut path = decoded(&sent.path);
    if !sent.host.starts_with("examplebucket") && path == b"/examplebucket/" {
        path.pop();
    }
    (path, pairs)
}

/// The same request with the byte at `at` of a text exchanged, if that is still text.
fn exchanged(text: &str, at: usize, byte: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    if bytes[at] == byte {
        return None;
    }
    bytes[at] = byte;
    String::from_utf8(bytes).ok()
}

/// The same without the byte at `at`, if that is still text.
fn shortened(text: &str, at: usize) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.remove(at);
    String::from_utf8(bytes).ok()
}

const SUBSTITUTES: [u8; 9] = [b'x', b'X', b'0', b'/', b'%', b'&', b'=', b'+', b' '];

#[test]
fn no_byte_of_a_method_path_or_query_can_be_changed() {
    let (mut refused, mut same) = (0, 0);
    for vector in vectors().iter().filter(|vector| vector["expect"] == "accept") {
        let sent = Sent::of(vector);
        let keys = keys_for(&sent);
        let before = sent.code(&keys, CLOCK);
        assert!(matches!(before, Ok(Caller::Key { .. })));
        let scheme = match vector["scheme"].as_str().unwrap() {
            text if text.starts_with("V1") => Scheme::V1,
            text if text.starts_with("V2") => Scheme::V2,
            _ => Scheme::V4,
        };
        let mut changed = Vec::new();
        for byte in SUBSTITUTES.into_iter().map(Some).chain([None]) {
            let exchanged = |text: &str, at: usize| match byte {
                Some(byte) => exchanged(text, at, byte),
                None => shortened(text, at),
            };
            let texts = |text: &str| (0..text.len()).filter_map(|at| exchanged(text, at)).collect::<Vec<_>>();
            changed.extend(texts(&sent.method).into_iter().map(|method| Sent { method, ..sent.clone() }));
            let paths = texts(&sent.path).into_iter().filter(|path| path.starts_with('/'));
            changed.extend(paths.map(|path| Sent { path, ..sent.clone() }));
            changed.extend(texts(&sent.query).into_iter().map(|query| Sent { query, ..sent.clone() }));
        }
        for other in changed {
            let judged = other.code(&keys, CLOCK);
            // One client signs `name=` as it is sent.
            let equals = sent.name == "ali-v4-header-list-emptyprefix" && other.query.starts_with("prefix&");
            if other.method == sent.method && meaning(&other, scheme) == meaning(&sent, scheme) && !equals {
                same += 1;
                assert_eq!(judged, before, "{other:?}");
            } else {
                refused += 1;
                assert!(!matches!(judged, Ok(Caller::Key { .. })), "{other:?}");
            }
        }
    }
    // Most bytes mean something; in V1 some parameters do not, and `%2f` is `%2F` elsewhere.
    assert!(refused > 55_000 && (100..5_000).contains(&same), "{refused} {same}");
}

#[test]
fn no_byte_of_a_signed_header_can_be_changed() {
    let (mut refused, mut same) = (0, 0);
    for vector in vectors().iter().filter(|vector| vector["expect"] == "accept") {
        let sent = Sent::of(vector);
        let keys = keys_for(&sent);
        let additional =
            vector.to_string().contains("dditionalHeaders") || vector.to_string().contains("additional-headers");
        for (index, (name, value)) in sent.headers.iter().enumerate() {
            // The date is signed unless there is `x-oss-date`; ranges only where the client says so.
            let v4 = vector["scheme"].as_str().unwrap().starts_with("V4");
            let dated = name == "date" && !sent.headers.iter().any(|(name, _)| name == "x-oss-date");
            let content = matches!(name.as_str(), "content-type" | "content-md5");
            let chosen = additional && matches!(name.as_str(), "range" | "cache-control");
            let signed = name.starts_with("x-oss-") || name == "authorization" || dated || content || chosen;
            // One client does not sign its token, which must be the key's all the same.
            let signed = signed || name == "security-token";
            if matches!(name.as_str(), "host") {
                continue;
            }
            for byte in SUBSTITUTES {
                for at in 0..value.len() {
                    let Some(value) = exchanged(value, at, byte) else { continue };
                    // A space behind the comma of a header is none of the fields'.
                    let mut other = sent.clone();
                    other.headers[index].1 = value;
                    match other.code(&keys, CLOCK) {
                        Ok(Caller::Key { .. }) => {
                            same += 1;
                            assert!(!signed, "{v4} {other:?}");
                        }
                        _ => {
                            refused += 1;
                            assert!(signed, "{other:?}");
                        }
                    }
                }
            }
            let mut other = sent.clone();
            other.headers.remove(index);
            assert_eq!(
                matches!(other.code(&keys, CLOCK), Ok(Caller::Key { .. })),
                !signed,
                "without {name}: {other:?}"
            );
        }
    }
    assert!(refused > 30_000 && same > 50, "{refused} {same}");
}
