//! The one error type, and the one table of codes with their HTTP status.
//!
//! A code is chosen by meaning; its OSS name and status follow from the table. `message` is for
//! the caller: what was wrong, the value as given. `source` is for the log, which writes it once,
//! where the response is made. Whoever passes an error up does not log it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

macro_rules! codes {
    (@name $name:ident) => { stringify!($name) };
    (@name $name:ident $wire:literal) => { $wire };
    ($($(#[$doc:meta])* $name:ident $(as $wire:literal)? $status:literal,)*) => {
        /// What went wrong, by meaning. The variant's name is the OSS code on the wire, but for those
        /// that no variant can be called by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in table order.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The `<Code>` text of the error document.
            pub fn name(self) -> &'static str {
                match self { $(Code::$name => codes!(@name $name $($wire)?),)* }
            }

            /// The HTTP status of the answer.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }
        }
    };
}

codes! {
    /// The upload is stored, but the server that was to be told of it did not take it.
    CallbackFailed 203,
    /// A bad value, or an unknown action.
    InvalidArgument 400,
    /// A required value is absent.
    MissingArgument 400,
    /// The cases the OSS documentation names: crop start outside, unsupported source, not Base64.
    BadRequest 400,
    /// Source or target over a limit of sides, bytes or pixels.
    ImageTooLarge 400,
    /// More pipe segments than the limit.
    TooManyPipe 400,
    /// A watermark picture is missing, cannot be decoded, or has a format that watermarks cannot have.
    WatermarkError 400,
    /// A broken WebP, or an animated one where these are not enabled.
    BadWebPImage 400,
    /// Over the pixel budget, or a side over the source limit.
    MemLimitExceeded 400,
    /// The Content-MD5 of an upload does not match its body.
    InvalidDigest 400,
    /// A request that makes no sense as a whole.
    InvalidRequest 400,
    /// A bucket name outside the rules.
    InvalidBucketName 400,
    /// An object key outside the rules.
    InvalidObjectName 400,
    /// An upload over the limit.
    EntityTooLarge 400,
    /// The request was cut short while its body was read.
    IncompleteBody 400,
    /// A document that cannot be read, or holds what it must not.
    MalformedXML 400,
    /// A form's file below the least size that its policy allows.
    EntityTooSmall 400,
    /// A form that cannot be read.
    MalformedPOSTRequest 400,
    /// The policy of a form cannot be read.
    InvalidPolicyDocument 400,
    /// A part that completes an upload is not there, or has another ETag.
    InvalidPart 400,
    /// The parts that complete an upload are not in ascending order.
    InvalidPartOrder 400,
    /// The source cannot be decoded.
    ImageDamage 403,
    /// The caller has no right to do this.
    AccessDenied 403,
    /// No rule allows what a page of another origin wants to do.
    AccessForbidden 403,
    /// No access key has this id, or a temporary one came without its token.
    InvalidAccessKeyId 403,
    /// The signature is not that of the request with the key's secret.
    SignatureDoesNotMatch 403,
    /// The request's date is too far from the server's.
    RequestTimeTooSkewed 403,
    /// Not the token that the temporary access key was issued with.
    InvalidSecurityToken 403,
    /// The temporary access key is past its time.
    SecurityTokenExpired 403,
    /// The object does not exist.
    NoSuchKey 404,
    /// The style does not exist in the bucket.
    NoSuchStyle 404,
    /// The bucket does not exist.
    NoSuchBucket 404,
    /// The bucket has no rules for other origins.
    NoSuchCORSConfiguration 404,
    /// The bucket has no website.
    NoSuchWebsiteConfiguration 404,
    /// The bucket has no lifecycle.
    NoSuchLifecycle 404,
    /// The bucket has no policy.
    NoSuchBucketPolicy 404,
    /// The add-on that processes later is not there.
    ImmClient as "Imm Client" 404,
    /// The upload does not exist, or has ended.
    NoSuchUpload 404,
    /// The verb does not apply to the resource.
    MethodNotAllowed 405,
    /// The bucket exists and is another than the one that was to be made.
    BucketAlreadyExists 409,
    /// `x-oss-forbid-overwrite: true` and the object exists.
    FileAlreadyExists 409,
    /// The bucket that is to go holds objects.
    BucketNotEmpty 409,
    /// Content is to be appended elsewhere than at the object's end.
    PositionNotEqualToLength 409,
    /// Content is to be appended to an object that was not begun by appending.
    ObjectNotAppendable 409,
    /// A conditional header does not hold.
    PreconditionFailed 412,
    /// A range outside the object, where the caller asked to be told.
    InvalidRange 416,
    /// A defect of the server.
    InternalError 500,
    /// Recognised, but not built.
    NotImplemented 501,
    /// Over capacity, or past the deadline.
    ServiceUnavailable 503,
}

impl Code {
    /// Whether it is about the picture or what is to be done to it, and so may be ignored at the caller's
    /// wish; not about rights, existence, load or the server. Source: the specification, section 2.6.
    pub fn is_ignorable(self) -> bool {
        use Code::*;
        matches!(
            self,
            InvalidArgument
                | MissingArgument
                | BadRequest
                | ImageTooLarge
                | TooManyPipe
                | WatermarkError
                | BadWebPImage
                | MemLimitExceeded
                | ImageDamage
                | NotImplemented
        )
    }

    /// Whether the server, not the caller, is at fault: such errors are logged as errors.
    pub fn is_server_fault(self) -> bool {
        matches!(self, Code::InternalError)
    }
}

/// An EC, the fine-grained error number of OSS: `0040-00000312` is `Ec(40, 312)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ec(pub u16, pub u32);

impl Ec {
    /// An EC of the image processor, whose prefix is `0040`.
    pub const fn image(number: u32) -> Ec {
        Ec(40, number)
    }
}

impl fmt::Display for Ec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:08}", self.0, self.1)
    }
}

/// An error on its way to the caller.
#[derive(Debug)]
pub struct Error {
    /// Meaning, OSS name and status.
    pub code: Code,
    /// For the caller. No paths, no secrets, nothing of the machine.
    pub message: Cow<'static, str>,
    /// The EC, where one is known.
    pub ec: Option<Ec>,
    /// Bytes of the process string that are wrong, where the error is about it.
    pub span: Option<Range<usize>>,
    /// Further elements of the error document, such as `Key`.
    pub details: Vec<(&'static str, String)>,
    /// For the log.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a code and a message for the caller.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Error {
        Error { code, message: message.into(), ec: None, span: None, details: Vec::new(), source: None }
    }

    /// A defect: the caller learns only that there was one, the log learns `source`.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::new(Code::InternalError, "We encountered an internal error. Please try again.").because(source)
    }

    /// Over capacity or past the deadline; the caller may come back.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::ServiceUnavailable, message).ec(Ec(4, 801))
    }

    /// The pattern of OSS for a bad value: `The value: {value} of parameter: {name} is invalid.`
    pub fn invalid_value(name: &str, value: &str) -> Error {
        let message = format!("The value: {value} of parameter: {name} is invalid.");
        Error::new(Code::InvalidArgument, message)
    }

    /// A source over 250 megapixels or 30,000 pixels a side, or a plan over the memory budget.
    pub fn memory_limit() -> Error {
        Error::new(Code::MemLimitExceeded, "The image needs more memory than is allowed.").ec(Ec::image(12))
    }

    /// A source file of more bytes than are processed.
    pub fn source_too_large(limit_bytes: u64) -> Error {
        let message = format!("The source image is larger than {limit_bytes} bytes.");
        Error::new(Code::ImageTooLarge, message).ec(Ec::image(1))
    }

    /// A source whose pixels cannot be decoded.
    pub fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::new(Code::ImageDamage, "The image file may be damaged.").because(source)
    }

    /// Adds the EC.
    pub fn ec(mut self, ec: Ec) -> Error {
        self.ec = Some(ec);
        self
    }

    /// Adds the span of the wrong piece in the process string.
    pub fn at(mut self, span: Range<usize>) -> Error {
        self.span = Some(span);
        self
    }

    /// Adds an element to the error document.
    pub fn detail(mut self, element: &'static str, text: impl Into<String>) -> Error {
        self.details.push((element, text.into()));
        self
    }

    /// Adds the cause, for the log.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)?;
        match self.ec {
            Some(ec) => write!(f, " ({ec})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecs_print_as_oss_prints_them() {
        assert_eq!(Ec::image(312).to_string(), "0040-00000312");
        assert_eq!(Ec(4, 801).to_string(), "0004-00000801");
    }

    #[test]
    fn every_code_has_an_error_status() {
        for code in Code::ALL {
            let done = *code == Code::CallbackFailed;
            assert!(if done { code.status() == 203 } else { (400..=599).contains(&code.status()) }, "{code:?}");
        }
    }
}
