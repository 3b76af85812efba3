//! The bucket's own configuration: documents that are kept and given back as they are.

use http::Method;
use http::header::CONTENT_TYPE;

use super::client::S3;
use crate::bucket::BucketError;
use crate::bucket::http::action::{Action, Kind};
use crate::bucket::http::client::{Request, nonsense};
use crate::bucket::http::payload::Payload;
use crate::bucket::http::xml::Element;
use crate::bucket::store::Setting;

const fn setting(
    name: &'static str,
    read: (&'static str, &'static str),
    write: (&'static str, &'static str),
) -> Setting {
    Setting {
        name,
        read: Action { what: read.0, permission: read.1, kind: Kind::Bucket },
        write: Action { what: write.0, permission: write.1, kind: Kind::Change },
    }
}

/// Everything that is kept, in the order in which it is given back: what others need comes first,
/// what may lock out last.
pub const SETTINGS: [Setting; 13] = [
    setting(
        "versioning",
        ("read the bucket's versioning", "s3:GetBucketVersioning"),
        ("set the bucket's versioning", "s3:PutBucketVersioning"),
    ),
    setting(
        "ownershipControls",
        ("read the bucket's ownership controls", "s3:GetBucketOwnershipControls"),
        ("set the bucket's ownership controls", "s3:PutBucketOwnershipControls"),
    ),
    setting(
        "acl",
        ("read the bucket's ACL", "s3:GetBucketAcl"),
        ("set the bucket's ACL", "s3:PutBucketAcl"),
    ),
    setting(
        "encryption",
        ("read the bucket's encryption", "s3:GetEncryptionConfiguration"),
        ("set the bucket's encryption", "s3:PutEncryptionConfiguration"),
    ),
    setting(
        "object-lock",
        ("read the bucket's object lock", "s3:GetBucketObjectLockConfiguration"),
        ("set the bucket's object lock", "s3:PutBucketObjectLockConfiguration"),
    ),
    setting(
        "lifecycle",
        ("read the bucket's lifecycle", "s3:GetLifecycleConfiguration"),
        ("set the bucket's lifecycle", "s3:PutLifecycleConfiguration"),
    ),
    setting(
        "cors",
        ("read the bucket's CORS rules", "s3:GetBucketCORS"),
        ("set the bucket's CORS rules", "s3:PutBucketCORS"),
    ),
    setting(
        "website",
        ("read the bucket's website", "s3:GetBucketWebsite"),
        ("set the bucket's website", "s3:PutBucketWebsite"),
    ),
    setting(
        "notification",
        ("read the bucket's notifications", "s3:GetBucketNotification"),
        ("set the bucket's notifications", "s3:PutBucketNotification"),
    ),
    setting(
        "logging",
        ("read the bucket's logging", "s3:GetBucketLogging"),
        ("set the bucket's logging", "s3:PutBucketLogging"),
    ),
    setting(
        "tagging",
        ("read the bucket's tags", "s3:GetBucketTagging"),
        ("set the bucket's tags", "s3:PutBucketTagging"),
    ),
    setting(
        "policy",
        ("read the bucket's policy", "s3:GetBucketPolicy"),
        ("set the bucket's policy", "s3:PutBucketPolicy"),
    ),
    setting(
        "publicAccessBlock",
        ("read the bucket's public access block", "s3:GetBucketPublicAccessBlock"),
        ("set the bucket's public access block", "s3:PutBucketPublicAccessBlock"),
    ),
];

/// True for the answer of a server that does not know a setting and passes over the question.
fn is_listing(body: &[u8]) -> bool {
    let is = |root: Element| root.name == "ListBucketResult" || root.name == "ListVersionsResult";
    body.starts_with(b"<") && Element::parse(body).is_ok_and(is)
}

impl S3 {
    /// The document of a setting; `None` if the bucket has none, or the server does not know such a
    /// thing.
    ///
    /// # Errors
    /// As the server gives them; a document that is no text.
    pub async fn setting(&self, setting: &Setting) -> Result<Option<String>, BucketError> {
        let mut request = Request::new(setting.read, Method::GET, None).query(setting.name, "");
        match self.http.body(&mut request).await {
            Ok(body) if body.is_empty() || is_listing(&body) => Ok(None),
            Ok(body) => String::from_utf8(body.to_vec())
                .map(Some)
                .map_err(|_| nonsense(setting.read.what, "it is not UTF-8".to_owned())),
            Err(BucketError::Refused { status: 404, .. } | BucketError::Unsupported { .. }) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// As the server gives them.
    pub async fn put_setting(
        &self,
        setting: &Setting,
        document: String,
    ) -> Result<(), BucketError> {
        let is_json = document.trim_start().starts_with('{');
        let content_type = if is_json { "application/json" } else { "application/xml" };
        let request = Request::new(setting.write, Method::PUT, None)
            .query(setting.name, "")
            .header(CONTENT_TYPE, content_type)
            .payload(Payload::Bytes(document.into()));
        self.http.send(&mut { request }).await.map(drop)
    }
}
