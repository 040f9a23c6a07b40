//! Signed policies: what stands for a signature of the request where a form is posted.

use super::{Caller, Claim, Form, Keys, Scheme, Scope, Time, clock, find, fits, unlike, v4};
use crate::error::{Code, Error};
use std::time::SystemTime;

/// Who signed `policy`, which is the Base64 text of the form's field; `field` tells the form's fields
/// by their names in lower case; with `region`, V4 signatures must be for that one. A form without a
/// signature is anonymous.
///
/// # Errors
/// `InvalidArgument` for a signature that lacks parts or is for another region; `InvalidAccessKeyId`, `InvalidSecurityToken`,
/// `SecurityTokenExpired`, `SignatureDoesNotMatch`.
pub fn judge<'a>(
    policy: &str,
    field: impl Fn(&str) -> Option<&'a str>,
    keys: &Keys,
    region: Option<&str>,
    now: SystemTime,
) -> Result<Caller, Error> {
    let part = |name: &'static str| {
        let missing = || Error::new(Code::InvalidArgument, format!("The form lacks the field {name}."));
        field(&name.to_ascii_lowercase()).ok_or_else(missing)
    };
    let of_v4 = field("x-oss-signature-version") == Some(v4::NAME);
    if !of_v4 && field("ossaccesskeyid").is_none() && field("signature").is_none() {
        return Ok(Caller::Anonymous);
    }
    let (scheme, id, scope, signature) = match of_v4 {
        true => {
            let (id, scope) = v4::read_credential(part("x-oss-credential")?)?;
            (Scheme::V4, id, scope, part("x-oss-signature")?)
        }
        false => (Scheme::V1, part("OSSAccessKeyId")?.to_owned(), Scope::default(), part("Signature")?),
    };
    let token = field("x-oss-security-token").or(field("security-token")).map(str::to_owned);
    let (signature, stamp, time) = (signature.to_owned(), String::new(), Time::Near);
    let claim = Claim { scheme, id, signature, stamp, time, additional: Vec::new(), scope, token };
    let ring = keys.current();
    let key = find(&ring, &claim.id)?;
    key.admit(claim.token.as_deref(), clock::seconds(now))?;
    claim.check_region(region)?;
    let form = Form { string_to_sign: policy.as_bytes().to_vec(), canonical_request: None };
    if !fits(&claim, &form, key) {
        return Err(unlike(&claim).detail("StringToSign", policy));
    }
    Ok(Caller::Key { id: claim.id, reading: 0 })
}
