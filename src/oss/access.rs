//! Who may do what: the caller, the call's right and the ACLs of bucket and object.
//!
//! Source: the specification of the HTTP surface, section 8.3. All keys of a server are its one
//! owner's, so that a signature allows everything.

use super::calls::Right;
use super::sign::Caller;
use crate::error::{Code, Ec, Error};
use crate::store::Acl;

/// What anonymous requests may do in buckets without an ACL of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rights {
    None,
    #[default]
    Read,
    Write,
}

impl Rights {
    /// Every setting with its name.
    pub const NAMES: [(&'static str, Rights); 3] =
        [("none", Rights::None), ("read", Rights::Read), ("write", Rights::Write)];

    pub fn parse(name: &str) -> Option<Rights> {
        Rights::NAMES.iter().find(|(known, _)| *known == name).map(|(_, rights)| *rights)
    }

    pub fn name(self) -> &'static str {
        Rights::NAMES[self as usize].0
    }

    /// The ACL that says the same.
    pub fn acl(self) -> Acl {
        match self {
            Rights::None => Acl::Private,
            Rights::Read => Acl::PublicRead,
            Rights::Write => Acl::PublicReadWrite,
        }
    }
}

/// Holds a caller against the ACL in force: the object's own, or the bucket's.
///
/// # Errors
/// `AccessDenied`.
pub fn check(caller: &Caller, right: Right, acl: Acl) -> Result<(), Error> {
    let allowed = match (caller, right) {
        (Caller::Key { .. }, _) | (_, Right::Authorized) => true,
        (Caller::Anonymous, Right::Own) => false,
        (Caller::Anonymous, Right::Read | Right::List) => acl != Acl::Private,
        (Caller::Anonymous, Right::Write) => acl == Acl::PublicReadWrite,
    };
    if allowed { Ok(()) } else { Err(denied()) }
}

/// The refusal that ACLs give.
pub fn denied() -> Error {
    Error::new(Code::AccessDenied, "You have no right to access this object because of bucket acl.").ec(Ec(3, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anonymous_callers_may() {
        use Acl::{Private, PublicRead, PublicReadWrite};
        for (right, acl, allowed) in [
            (Right::Read, Private, false),
            (Right::Read, PublicRead, true),
            (Right::List, PublicRead, true),
            (Right::List, Private, false),
            (Right::Write, PublicRead, false),
            (Right::Write, PublicReadWrite, true),
            (Right::Own, PublicReadWrite, false),
        ] {
            assert_eq!(check(&Caller::Anonymous, right, acl).is_ok(), allowed, "{right:?} {acl:?}");
            let signed = Caller::Key { id: "id".to_owned(), reading: 0 };
            assert!(check(&signed, right, acl).is_ok());
        }
        assert_eq!(denied().ec, Some(Ec(3, 1)));
    }
}
