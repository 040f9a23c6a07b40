//! Processing and saving: `POST ?x-oss-process` with `|sys/saveas`.

use super::processed::Studied;
use super::read::find;
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

/// What the body of the call asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    process: String,
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
        let Some((process, save)) = text.rsplit_once(SAVE) else {
            return Err(refused("A process that is posted must end with sys/saveas."));
        };
        let (mut key, mut bucket) = (None, None);
        for argument in save.split(',').filter(|argument| !argument.is_empty()) {
            match argument.split_once('_') {
                Some(("o", name)) => key = Some(name_of(name)?),
                Some(("b", name)) => bucket = Some(name_of(name)?),
                _ => return Err(refused("sys/saveas takes o_ and b_.")),
            }
        }
        let key = key.ok_or_else(|| Error::new(Code::MissingArgument, "sys/saveas needs o_."))?;
        Ok(Asked { process: process.to_owned(), key, bucket: bucket.unwrap_or_default() })
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
    let asked = Asked::read(&body)?;
    let bucket = match asked.bucket.as_str() {
        "" => target.bucket.clone(),
        name => Bucket::new(name)?,
    };
    let key = Key::new(&asked.key)?;
    service.store.bucket(&bucket).await?;
    let prepared = service.prepare(&target.bucket, &asked.process).await?;
    let object = find(service, &target).await?;
    let studied = Studied::fetch(service, &caller, &target.bucket, object, prepared, request.begin).await?;
    let (answer, _) = studied.run(service, Instant::now()).await?;
    let content_type = Some(answer.content_type.to_owned());
    let description = Description { content_type, ..Description::default() };
    let body = Bytes::from(answer.bytes);
    let size_bytes = body.len() as u64;
    let upload = Upload { description, limit_bytes: size_bytes, ..Upload::default() };
    let body = Box::pin(stream::once(async move { Ok(body) }));
    service.store.put(&bucket, &key, body, upload).await?;
    // Clients look for the pieces of this text, spaces and all.
    let quoted = |text: &str| serde_json::to_string(text).map_err(Error::internal);
    let (bucket, key) = (quoted(&asked.bucket)?, quoted(key.as_str())?);
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
            Ok(Asked { process: process.to_owned(), key: key.to_owned(), bucket: bucket.to_owned() })
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
            ("x-oss-process=image/resize,w_100", Err(Code::InvalidArgument)),
            ("x-oss-process=image/resize,w_100|saveas,o_b3V0L3guanBn", Err(Code::InvalidArgument)),
            ("x-oss-process=image/resize,w_100|sys/saveas,b_ZXhhbXBsZWJ1Y2tldA", Err(Code::MissingArgument)),
            ("x-oss-process=image/resize,w_100|sys/saveas,o_***", Err(Code::InvalidArgument)),
        ] {
            assert_eq!(read(body), expected, "{body}");
        }
    }
}
