//! The bucket's own configuration: documents that are kept and restored unchanged.

use http::Method;
use http::header::{CONTENT_TYPE, HeaderName};

use super::action;
use super::client::{DEFAULT_REGION, S3};
use super::grants::Grants;
use crate::bucket::BucketError;
use crate::bucket::http::action::{RequestAction, RequestKind};
use crate::bucket::http::client::malformed_response;
use crate::bucket::http::payload::Payload;
use crate::bucket::http::request::ServiceRequest;
use crate::bucket::http::xml::{Element, escaped};
use crate::bucket::store::Setting;
use crate::bucket::store::SettingMoment::{self, AfterObjects, BeforeObjects};

/// Requests a bucket whose objects can be locked.
const LOCK_ENABLED: HeaderName = HeaderName::from_static("x-amz-bucket-object-lock-enabled");

const fn setting(
    name: &'static str,
    read: (&'static str, &'static str),
    write: (&'static str, &'static str),
    when: SettingMoment,
) -> Setting {
    Setting {
        name,
        when,
        read: RequestAction { what: read.0, permission: read.1, kind: RequestKind::Bucket },
        write: RequestAction { what: write.0, permission: write.1, kind: RequestKind::Change },
    }
}

/// Everything that is kept, in the order in which it is restored: what others depend on comes
/// first, what may lock out comes last.
pub const SETTINGS: [Setting; 13] = [
    setting(
        "versioning",
        ("read the bucket's versioning", "s3:GetBucketVersioning"),
        ("set the bucket's versioning", "s3:PutBucketVersioning"),
        BeforeObjects,
    ),
    setting(
        "ownershipControls",
        ("read the bucket's ownership controls", "s3:GetBucketOwnershipControls"),
        ("set the bucket's ownership controls", "s3:PutBucketOwnershipControls"),
        BeforeObjects,
    ),
    setting(
        "acl",
        ("read the bucket's ACL", "s3:GetBucketAcl"),
        ("set the bucket's ACL", "s3:PutBucketAcl"),
        BeforeObjects,
    ),
    setting(
        "encryption",
        ("read the bucket's encryption", "s3:GetEncryptionConfiguration"),
        ("set the bucket's encryption", "s3:PutEncryptionConfiguration"),
        BeforeObjects,
    ),
    setting(
        "object-lock",
        ("read the bucket's object lock", "s3:GetBucketObjectLockConfiguration"),
        ("set the bucket's object lock", "s3:PutBucketObjectLockConfiguration"),
        BeforeObjects,
    ),
    setting(
        "lifecycle",
        ("read the bucket's lifecycle", "s3:GetLifecycleConfiguration"),
        ("set the bucket's lifecycle", "s3:PutLifecycleConfiguration"),
        AfterObjects,
    ),
    setting(
        "cors",
        ("read the bucket's CORS rules", "s3:GetBucketCORS"),
        ("set the bucket's CORS rules", "s3:PutBucketCORS"),
        AfterObjects,
    ),
    setting(
        "website",
        ("read the bucket's website", "s3:GetBucketWebsite"),
        ("set the bucket's website", "s3:PutBucketWebsite"),
        AfterObjects,
    ),
    setting(
        "notification",
        ("read the bucket's notifications", "s3:GetBucketNotification"),
        ("set the bucket's notifications", "s3:PutBucketNotification"),
        AfterObjects,
    ),
    setting(
        "logging",
        ("read the bucket's logging", "s3:GetBucketLogging"),
        ("set the bucket's logging", "s3:PutBucketLogging"),
        AfterObjects,
    ),
    setting(
        "tagging",
        ("read the bucket's tags", "s3:GetBucketTagging"),
        ("set the bucket's tags", "s3:PutBucketTagging"),
        AfterObjects,
    ),
    setting(
        "policy",
        ("read the bucket's policy", "s3:GetBucketPolicy"),
        ("set the bucket's policy", "s3:PutBucketPolicy"),
        AfterObjects,
    ),
    setting(
        "publicAccessBlock",
        ("read the bucket's public access block", "s3:GetBucketPublicAccessBlock"),
        ("set the bucket's public access block", "s3:PutBucketPublicAccessBlock"),
        AfterObjects,
    ),
];

/// True for the response of a server that does not know a setting and ignores the request for it.
fn is_listing(body: &[u8]) -> bool {
    let is = |root: Element| root.name == "ListBucketResult" || root.name == "ListVersionsResult";
    body.starts_with(b"<") && Element::parse(body).is_ok_and(is)
}

/// True if two documents say the same, however they are written. The owner of a private bucket
/// makes no difference: it is the user who created it.
pub fn mean_the_same(one: &str, other: &str) -> bool {
    let private =
        |document: &str| Grants::parse(document.as_bytes()).is_ok_and(|grants| grants.is_private());
    let json = |document| serde_json::from_str::<serde_json::Value>(document).ok();
    let xml = |document: &str| Element::parse(document.as_bytes()).ok().map(without_spaces);
    let is_acl = |root: &Element| root.name == "AccessControlPolicy";
    match (xml(one), xml(other)) {
        (Some(first), Some(second)) if is_acl(&first) && is_acl(&second) => {
            first == second || private(one) && private(other)
        }
        (Some(first), Some(second)) => first == second,
        _ => one == other || json(one).is_some_and(|it| Some(it) == json(other)),
    }
}

/// An element without the spaces between its children.
fn without_spaces(mut element: Element) -> Element {
    if !element.children.is_empty() {
        element.text.clear();
    }
    element.children = element.children.into_iter().map(without_spaces).collect();
    element
}

impl S3 {
    /// Creates the bucket in its region; with `with_lock`, its objects can be locked.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn create(&self, with_lock: bool) -> Result<(), BucketError> {
        let mut request = ServiceRequest::new(action::MAKE_BUCKET, Method::PUT, None);
        if self.region != DEFAULT_REGION {
            let region = escaped(&self.region);
            let document = format!(
                "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint>\
                 </CreateBucketConfiguration>"
            );
            let document = Payload::Bytes(document.into());
            request = request.header(CONTENT_TYPE, "application/xml").payload(document);
        }
        if with_lock {
            request = request.header(LOCK_ENABLED, "true");
        }
        match self.http.send(&mut request).await {
            // An earlier attempt whose response was lost may have created it.
            Err(BucketError::Refused { code, .. }) if code == "BucketAlreadyOwnedByYou" => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// The document of a setting; `None` if the bucket has none, or if the server does not know the
    /// setting.
    ///
    /// # Errors
    /// Errors of the server; a document that is not text.
    pub async fn setting(&self, setting: &Setting) -> Result<Option<String>, BucketError> {
        let mut request =
            ServiceRequest::new(setting.read, Method::GET, None).query(setting.name, "");
        match self.http.body(&mut request).await {
            Ok(body) if body.is_empty() || is_listing(&body) => Ok(None),
            Ok(body) => String::from_utf8(body.to_vec())
                .map(Some)
                .map_err(|_| malformed_response(setting.read.what, "it is not UTF-8".to_owned())),
            Err(BucketError::Refused { status: 404, .. } | BucketError::Unsupported { .. }) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn put_setting(
        &self,
        setting: &Setting,
        document: String,
    ) -> Result<(), BucketError> {
        let is_json = document.trim_start().starts_with('{');
        let content_type = if is_json { "application/json" } else { "application/xml" };
        let request = ServiceRequest::new(setting.write, Method::PUT, None)
            .query(setting.name, "")
            .header(CONTENT_TYPE, content_type)
            .payload(Payload::Bytes(document.into()));
        self.http.send(&mut { request }).await.map(drop)
    }
}
