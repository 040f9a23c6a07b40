//! What a request claims: who signed it, when, over what, and with which signature.

use super::canonical::Parsed;
use super::{clock, v1, v2, v4};
use crate::error::{Code, Ec, Error};

/// The three schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    V1,
    V2,
    V4,
}

/// What ends a claim's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// A header: the date must be near the present.
    Near,
    /// A URL of V1 or V2: until then, in seconds since 1970.
    Until,
    /// A URL of V4: this many seconds from its date.
    For(i64),
}

/// A signature and what it says of itself. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub scheme: Scheme,
    /// The access key.
    pub id: String,
    /// As it came.
    pub signature: String,
    /// The text of the date, as it is signed; empty without one.
    pub stamp: String,
    pub time: Time,
    /// Further headers that are signed: lower case, sorted, each once.
    pub additional: Vec<String>,
    /// V4 only.
    pub scope: Scope,
    /// The token of temporary credentials.
    pub token: Option<String>,
}

/// `DATE/REGION/PRODUCT/aliyun_v4_request`, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    pub day: String,
    pub region: String,
    pub product: String,
}

/// How one canonical form is made, where clients differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Which reading of the path.
    pub reading: usize,
    /// Whether a bucket alone is `/BUCKET/` and not `/BUCKET`.
    pub slash: bool,
    /// Whether an empty value that was sent as `name=` is signed as such.
    pub equals: bool,
}

/// What the documentation says.
impl Default for Attempt {
    fn default() -> Attempt {
        Attempt { reading: 0, slash: true, equals: false }
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub string_to_sign: Vec<u8>,
    /// V4 only.
    pub canonical_request: Option<Vec<u8>>,
}

impl Claim {
    /// The claim of a request, or `None` for one without.
    ///
    /// # Errors
    /// `InvalidArgument` and `AccessDenied` for a claim that lacks parts or has wrong ones.
    pub fn read(request: &Parsed) -> Result<Option<Claim>, Error> {
        let version = request.parameter("x-oss-signature-version");
        let has = |name| request.parameter(name).is_some();
        let (of_v4, of_v2) = (version.as_deref() == Some(v4::NAME), version.as_deref() == Some(v2::NAME));
        let of_v1 = has("OSSAccessKeyId") || has("Signature");
        match request.header("authorization") {
            Some(_) if of_v1 || of_v2 || of_v4 || has("x-oss-signature") => {
                let message = "A request is signed in the Authorization header or in the query string, not in both.";
                Err(Error::new(Code::InvalidArgument, message))
            }
            Some(text) => match text.split_once(' ') {
                Some((v4::NAME, rest)) => v4::read_header(request, rest).map(Some),
                Some((v2::NAME, rest)) => v2::read_header(request, rest).map(Some),
                Some((v1::NAME, rest)) => v1::read_header(request, rest).map(Some),
                _ => Err(invalid_header()),
            },
            None if of_v4 => v4::read_url(request).map(Some),
            None if of_v2 => v2::read_url(request).map(Some),
            None if of_v1 => v1::read_url(request).map(Some),
            None => Ok(None),
        }
    }

    /// The canonical forms that clients may mean, the likeliest first.
    pub fn attempts(&self, request: &Parsed) -> Vec<Attempt> {
        let keeps = self.scheme == Scheme::V4 && request.parameters.iter().any(|it| it.value.is_empty() && it.equals);
        let mut attempts = Vec::with_capacity(2);
        for (reading, name) in request.subject.readings.iter().enumerate() {
            let alone = name.bucket.is_some() && name.key.is_empty();
            for slash in [true, false] {
                for equals in [false, true] {
                    if (slash || alone) && (!equals || keeps) {
                        attempts.push(Attempt { reading, slash, equals });
                    }
                }
            }
        }
        attempts
    }

    /// What is signed. The service itself is meant where there is no such reading.
    pub fn form(&self, request: &Parsed, attempt: Attempt) -> Form {
        match self.scheme {
            Scheme::V1 => v1::form(self, request, attempt),
            Scheme::V2 => v2::form(self, request, attempt),
            Scheme::V4 => v4::form(self, request, attempt),
        }
    }

    /// The signature of a form by a secret.
    pub fn sign(&self, string_to_sign: &[u8], secret: &str) -> String {
        match self.scheme {
            Scheme::V1 => v1::sign(string_to_sign, secret),
            Scheme::V2 => v2::sign(string_to_sign, secret),
            Scheme::V4 => v4::sign(string_to_sign, secret, &self.scope),
        }
    }

    /// Whether a claim of V4 is for `region`, where the server insists on one.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn check_region(&self, region: Option<&str>) -> Result<(), Error> {
        match region {
            Some(region) if self.scheme == Scheme::V4 && self.scope.region != region => {
                let message = "Invalid signing region in Authorization header.";
                Err(Error::new(Code::InvalidArgument, message).ec(Ec(2, 226)).detail("Region", region))
            }
            _ => Ok(()),
        }
    }

    /// Whether every additional header that is signed came with the request.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn check_additional(&self, request: &Parsed) -> Result<(), Error> {
        match self.additional.iter().find(|name| request.header(name).is_none()) {
            Some(name) => {
                let message = format!("The header {name} is signed, but the request does not have it.");
                let error = Error::new(Code::InvalidArgument, message).detail("ArgumentName", "AdditionalHeaders");
                Err(error.detail("ArgumentValue", name))
            }
            None => Ok(()),
        }
    }

    /// Whether the date can be read and is one that a request may carry at `now`.
    ///
    /// # Errors
    /// `AccessDenied` and `RequestTimeTooSkewed`.
    pub fn check_clock(&self, now: i64) -> Result<(), Error> {
        if self.time == Time::Until {
            let message = || format!("Invalid date (should be seconds since epoch): {}", self.stamp);
            return self.stamp.parse::<i64>().map(drop).map_err(|_| Error::new(Code::AccessDenied, message()));
        }
        if self.stamp.is_empty() {
            let message = "OSS authentication requires a valid Date: the request has none.";
            return Err(Error::new(Code::AccessDenied, message).ec(Ec(2, 503)));
        }
        let Some(date) = clock::parse(&self.stamp) else {
            let message = format!("OSS authentication requires a valid Date: '{}' is none.", self.stamp);
            return Err(Error::new(Code::AccessDenied, message).ec(Ec(2, 502)));
        };
        if self.scheme == Scheme::V4 && self.scope.day != clock::day(date) {
            let message = "Invalid signing date in the credential: it must be the UTC day of the request's date.";
            return Err(Error::new(Code::InvalidArgument, message).detail("ArgumentValue", &self.scope.day));
        }
        match self.time {
            Time::For(_) if now < date - clock::SKEW_S => {
                Err(Error::new(Code::AccessDenied, "Request is not valid yet.").ec(Ec(2, 235)))
            }
            Time::Near if now.abs_diff(date) > clock::SKEW_S.unsigned_abs() => {
                let message = "The difference between the request time and the current time is too large.";
                let error = Error::new(Code::RequestTimeTooSkewed, message).ec(Ec(2, 504));
                Err(error
                    .detail("MaxAllowedSkewMilliseconds", (clock::SKEW_S * 1000).to_string())
                    .detail("RequestTime", clock::document(date))
                    .detail("ServerTime", clock::document(now)))
            }
            _ => Ok(()),
        }
    }

    /// Whether a URL is still good at `now`.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub fn check_expiry(&self, now: i64) -> Result<(), Error> {
        let end = match self.time {
            Time::Near => None,
            Time::Until => self.stamp.parse::<i64>().ok(),
            Time::For(seconds) => clock::parse(&self.stamp).map(|date| date.saturating_add(seconds)),
        };
        match end {
            Some(end) if now > end => {
                let error = Error::new(Code::AccessDenied, "Request has expired.").ec(Ec(2, 69));
                Err(error.detail("Expires", clock::document(end)).detail("ServerTime", clock::document(now)))
            }
            _ => Ok(()),
        }
    }
}

/// The names in a list of additional headers: lower case, sorted, each once, without those that
/// `signed_anyway`.
pub(super) fn additional(list: &str, signed_anyway: impl Fn(&str) -> bool) -> Vec<String> {
    let names = list.split(';').map(|name| name.trim_ascii().to_ascii_lowercase());
    let mut names: Vec<_> = names.filter(|name| !name.is_empty() && !signed_anyway(name)).collect();
    names.sort();
    names.dedup();
    names
}

pub(super) fn invalid_header() -> Error {
    Error::new(Code::InvalidArgument, "Authorization header is invalid.")
}
