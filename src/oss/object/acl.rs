//! PutObjectAcl and GetObjectAcl.

use super::describe::object_acl;
use crate::error::{Code, Error};
use crate::oss::route::Target;
use crate::oss::wire::Reply;
use crate::oss::xml::Xml;
use crate::oss::{Order, Service};
use crate::store::Acl;

/// `PutObjectAcl`.
pub async fn put_acl(service: &Service, target: Target, order: Order) -> Result<Reply, Error> {
    let name = order.request.headers.get("x-oss-object-acl");
    if name.is_none() {
        let error = Error::new(Code::MissingArgument, "Missing Some Required Arguments.");
        return Err(error.detail("ArgumentName", "x-oss-object-acl"));
    }
    let acl = object_acl(name)?;
    service.store.set_acl(&target.bucket, &target.key, acl).await?;
    Ok(Reply::empty(200))
}

/// `GetObjectAcl`.
pub async fn get_acl(service: &Service, target: Target) -> Result<Reply, Error> {
    let meta = service.store.head(&target.bucket, &target.key).await?;
    Ok(Reply::xml(policy(meta.description.acl.map_or("default", Acl::name))))
}

/// The document that tells an ACL.
pub fn policy(grant: &str) -> String {
    Xml::document("AccessControlPolicy", |xml| {
        xml.owner();
        xml.parent("AccessControlList", |xml| xml.text("Grant", grant));
    })
}
