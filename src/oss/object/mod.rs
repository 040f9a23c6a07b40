//! What the calls on objects do.

mod acl;
mod copy;
mod describe;
mod processed;
mod read;
mod saveas;
mod uploads;
mod write;

pub(super) use acl::{get_acl, policy, put_acl};
pub(super) use copy::{copy, copy_part};
pub(super) use describe::{UNTYPED, object_acl, stored_headers, user_metadata};
pub(super) use read::{meta, read};
pub(super) use saveas::{process, process_later};
pub(super) use uploads::{abort, begin, complete, list_parts, put_part};
pub(super) use write::{append, checked_body, delete, document_body, expected_md5_of_deletion, put};
