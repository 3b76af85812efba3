//! What can be requested of S3, for messages.

use crate::bucket::http::action::{RequestAction, RequestKind, action};

pub const FIND_BUCKET: RequestAction =
    action("find the bucket", "s3:ListBucket", RequestKind::Bucket);
pub const MAKE_BUCKET: RequestAction =
    action("create the bucket", "s3:CreateBucket", RequestKind::Change);
pub const LIST: RequestAction = action("list the bucket", "s3:ListBucket", RequestKind::List);
pub const LIST_VERSIONS: RequestAction =
    action("list the versions in the bucket", "s3:ListBucketVersions", RequestKind::List);
pub const GET: RequestAction = action("read the object", "s3:GetObject", RequestKind::Get);
pub const GET_VERSION: RequestAction =
    action("read the version of the object", "s3:GetObjectVersion", RequestKind::Get);
pub const HEAD: RequestAction =
    action("read the object's metadata", "s3:GetObject", RequestKind::Look);
pub const GET_TAGS: RequestAction =
    action("read the object's tags", "s3:GetObjectTagging", RequestKind::Look);
pub const GET_VERSION_TAGS: RequestAction =
    action("read the object's tags", "s3:GetObjectVersionTagging", RequestKind::Look);
pub const GET_VERSION_ACL: RequestAction =
    action("read the object's ACL", "s3:GetObjectVersionAcl", RequestKind::Look);
pub const GET_ACL: RequestAction =
    action("read the object's ACL", "s3:GetObjectAcl", RequestKind::Look);
pub const PUT: RequestAction = action("write the object", "s3:PutObject", RequestKind::Change);
pub const COPY: RequestAction =
    action("change the object's metadata", "s3:PutObject", RequestKind::Change);
pub const PUT_TAGS: RequestAction =
    action("tag the object", "s3:PutObjectTagging", RequestKind::Change);
pub const DELETE_TAGS: RequestAction =
    action("remove the object's tags", "s3:DeleteObjectTagging", RequestKind::Change);
pub const PUT_ACL: RequestAction =
    action("set the object's ACL", "s3:PutObjectAcl", RequestKind::Change);
pub const ABORT: RequestAction =
    action("abort the unfinished upload", "s3:AbortMultipartUpload", RequestKind::Change);
pub const DELETE: RequestAction =
    action("delete the object", "s3:DeleteObject", RequestKind::Change);
