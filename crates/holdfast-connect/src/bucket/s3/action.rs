//! What can be requested of S3, for messages.

use crate::bucket::http::action::{Action, Kind, action};

pub const FIND_BUCKET: Action = action("find the bucket", "s3:ListBucket", Kind::Bucket);
pub const MAKE_BUCKET: Action = action("create the bucket", "s3:CreateBucket", Kind::Change);
pub const LIST: Action = action("list the bucket", "s3:ListBucket", Kind::List);
pub const LIST_VERSIONS: Action =
    action("list the versions in the bucket", "s3:ListBucketVersions", Kind::List);
pub const GET: Action = action("read the object", "s3:GetObject", Kind::Get);
pub const GET_VERSION: Action =
    action("read the version of the object", "s3:GetObjectVersion", Kind::Get);
pub const HEAD: Action = action("read the object's metadata", "s3:GetObject", Kind::Look);
pub const GET_TAGS: Action = action("read the object's tags", "s3:GetObjectTagging", Kind::Look);
pub const GET_VERSION_TAGS: Action =
    action("read the object's tags", "s3:GetObjectVersionTagging", Kind::Look);
pub const GET_VERSION_ACL: Action =
    action("read the object's ACL", "s3:GetObjectVersionAcl", Kind::Look);
pub const GET_ACL: Action = action("read the object's ACL", "s3:GetObjectAcl", Kind::Look);
pub const PUT: Action = action("write the object", "s3:PutObject", Kind::Change);
pub const COPY: Action = action("change the object's metadata", "s3:PutObject", Kind::Change);
pub const PUT_TAGS: Action = action("tag the object", "s3:PutObjectTagging", Kind::Change);
pub const DELETE_TAGS: Action =
    action("remove the object's tags", "s3:DeleteObjectTagging", Kind::Change);
pub const PUT_ACL: Action = action("set the object's ACL", "s3:PutObjectAcl", Kind::Change);
pub const ABORT: Action =
    action("abort the unfinished upload", "s3:AbortMultipartUpload", Kind::Change);
pub const DELETE: Action = action("delete the object", "s3:DeleteObject", Kind::Change);
