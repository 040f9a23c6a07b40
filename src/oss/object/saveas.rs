//! `POST ?x-oss-process`: processing, and saving the result with `|sys/saveas`.

use super::processed::Studied;
use super::read::{Reading, find};
use super::write::document_body;
use crate::error::{Code, Error};
use crate::oss::route::Target;
use crate::oss::wire::Reply;
use crate::oss::{Order, Service};
use crate::store::{Bucket, Description, Key, Upload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use futures_util::stream;
use percent_encoding::percent_decode;
use std::time::Instant;

const SAVE: &str = "|sys/saveas,";

/// What begins the parts of a process that can be posted.
const KINDS: [&str; 3] = ["image", "style", "sys"];

/// What the body of the call asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    process: String,
    /// `None`: the result is the answer.
    target: Option<Saved>,
}

/// Where a result goes.
#[derive(Debug, PartialEq, Eq)]
struct Saved {
    key: String,
    /// Empty for the source's.
    bucket: String,
}

impl Asked {
    fn read(body: &[u8]) -> Result<Asked, Error> {
        let body = percent_decode(body).decode_utf8();
        let body = body.map_err(|error| refused("The body is not UTF-8.").because(error))?;
        let text = body.trim().strip_prefix("x-oss-process=").unwrap_or_default();
        if text.is_empty() {
            return Err(Error::new(Code::InvalidRequest, "The request names no process."));
        }
        let (process, save) = match text.rsplit_once(SAVE) {
            Some((process, save)) => (process, Some(save)),
            None => (text, None),
        };
        let foreign = |segment: &&str| !KINDS.contains(&segment.split('/').next().unwrap_or_default());
        if let Some(segment) = process.split('|').find(foreign) {
            let name = segment.split(',').next().unwrap_or_default();
            return Err(Error::new(Code::InvalidArgument, format!("operation not support post: {name}")));
        }
        let Some(save) = save else { return Ok(Asked { process: process.to_owned(), target: None }) };
        let (mut key, mut bucket) = (None, None);
        for argument in save.split(',').filter(|argument| !argument.is_empty()) {
            match argument.split_once('_') {
                Some(("o", name)) => key = Some(name_of(name)?),
                Some(("b", name)) => bucket = Some(name_of(name)?),
                _ => return Err(refused("sys/saveas takes o_ and b_.")),
            }
        }
        let key = key.ok_or_else(|| Error::new(Code::MissingArgument, "sys/saveas needs o_."))?;
        let target = Some(Saved { key, bucket: bucket.unwrap_or_default() });
        Ok(Asked { process: process.to_owned(), target })
    }
}

/// A name in Base64 of either alphabet, padded or not.
fn name_of(text: &str) -> Result<String, Error> {
    let plain = text.trim_end_matches('=').replace('-', "+").replace('_', "/").replace(' ', "+");
    let bytes = STANDARD_NO_PAD.decode(plain).map_err(|error| refused("Not Base64.").because(error))?;
    String::from_utf8(bytes).map_err(|error| refused("A name that is not UTF-8.").because(error))
}

fn refused(message: &'static str) -> Error {
    Error::new(Code::InvalidArgument, message)
}

/// `ProcessObject`.
pub async fn process(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    let Order { caller, request, .. } = order;
    let body = document_body(&request.headers, request.body).await?;
    let Asked { process, target: saved } = Asked::read(&body)?;
    let (headers, begin, fetch) = (&request.headers, request.begin, Instant::now());
    let Some(saved) = saved else {
        service.store.bucket(&target.bucket).await?;
        let found = find(service, &target).await;
        let reading = Reading { caller: &caller, target: &target, headers, head: false, begin, fetch };
        return reading.process_or_ignore(service, found, &process).await;
    };
    let bucket = match saved.bucket.as_str() {
        "" => target.bucket.clone(),
        name => Bucket::new(name)?,
    };
    let key = Key::new(&saved.key)?;
    service.store.bucket(&bucket).await?;
    let prepared = service.prepare(&target.bucket, &process).await?;
    let object = find(service, &target).await?;
    let studied = Studied::fetch(service, &caller, &target.bucket, object, prepared, begin).await?;
    let (answer, _) = studied.run(service, fetch).await?;
    let content_type = Some(answer.content_type.to_owned());
    let description = Description { content_type, ..Description::default() };
    let body = Bytes::from(answer.bytes);
    let size_bytes = body.len() as u64;
    let upload = Upload { description, limit_bytes: size_bytes, ..Upload::default() };
    let body = Box::pin(stream::once(async move { Ok(body) }));
    service.store.put(&bucket, &key, body, upload).await?;
    // Clients look for the pieces of this text, spaces and all.
    let quoted = |text: &str| serde_json::to_string(text).map_err(Error::internal);
    let (bucket, key) = (quoted(&saved.bucket)?, quoted(key.as_str())?);
    let text = format!(
        "{{\n    \"bucket\": {bucket},\n    \"fileSize\": {size_bytes},\n    \"object\": {key},\n    \"status\": \"OK\"}}"
    );
    Ok(Reply::document(200, "application/json", text))
}

/// `AsyncProcessObject`: as a bucket without the media add-on answers, which every client's suite
/// accepts.
pub async fn process_later(service: &Service, target: Target) -> Result<Reply, Error> {
    service.store.bucket(&target.bucket).await?;
    let message = "ResourceNotFound, The specified resource Attachment is not found.";
    Err(Error::new(Code::ImmClient, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_all_clients() {
        let asked = |process: &str, key: &str, bucket: &str| {
            let target = Saved { key: key.to_owned(), bucket: bucket.to_owned() };
            Ok(Asked { process: process.to_owned(), target: Some(target) })
        };
        let read = |text: &str| Asked::read(text.as_bytes()).map_err(|error| error.code);
        // b3V0L3guanBn is out/x.jpg, ZXhhbXBsZWJ1Y2tldA is examplebucket.
        let resize = "image/resize,w_100";
        for (body, expected) in [
            ("x-oss-process=image/resize,w_100|sys/saveas,o_b3V0L3guanBn", asked(resize, "out/x.jpg", "")),
            (
                "x-oss-process=image/resize,w_100|sys/saveas,o_b3V0L3guanBn,b_ZXhhbXBsZWJ1Y2tldA==",
                asked(resize, "out/x.jpg", "examplebucket"),
            ),
            (
                "x-oss-process=image%2Fresize%2Cw_100%7Csys%2Fsaveas%2Cb_ZXhhbXBsZWJ1Y2tldA%2Co_b3V0L3guanBn",
                asked(resize, "out/x.jpg", "examplebucket"),
            ),
            // `a?b>c` in the standard alphabet and in the other.
            ("x-oss-process=style/s|sys/saveas,o_5rGJP+axiT4=", asked("style/s", "汉?汉>", "")),
            ("x-oss-process=style/s|sys/saveas,o_5rGJP-axiT4", asked("style/s", "汉?汉>", "")),
            ("x-oss-process=", Err(Code::InvalidRequest)),
            ("", Err(Code::InvalidRequest)),
            ("x-oss-process=image/resize,w_100", Ok(Asked { process: resize.to_owned(), target: None })),
            ("x-oss-process=style%2Fs", Ok(Asked { process: "style/s".to_owned(), target: None })),
            ("x-oss-process=video/snapshot,t_1|sys/saveas,o_b3V0L3guanBn", Err(Code::InvalidArgument)),
            ("x-oss-process=nonsense", Err(Code::InvalidArgument)),
            ("x-oss-process=image/resize,w_100|saveas,o_b3V0L3guanBn", Err(Code::InvalidArgument)),
            ("x-oss-process=image/resize,w_100|sys/saveas,b_ZXhhbXBsZWJ1Y2tldA", Err(Code::MissingArgument)),
            ("x-oss-process=image/resize,w_100|sys/saveas,o_***", Err(Code::InvalidArgument)),
        ] {
            assert_eq!(read(body), expected, "{body}");
        }
        let video = Asked::read(b"x-oss-process=image/info|video/snapshot,t_1").unwrap_err();
        assert_eq!(video.message, "operation not support post: video/snapshot");
    }
}
