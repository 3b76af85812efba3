//! What can be requested of Azure, for messages. Permissions are named by the roles that include
//! them.

use crate::bucket::http::action::{RequestAction, RequestKind, action};

const READER: &str = "Storage Blob Data Reader";
const CONTRIBUTOR: &str = "Storage Blob Data Contributor";
const OWNER: &str = "Storage Blob Data Owner";

pub const LOOK_AT_ACCOUNT: RequestAction =
    action("read the account's properties", READER, RequestKind::Bucket);
pub const MAKE: RequestAction = action("create the container", CONTRIBUTOR, RequestKind::Change);
pub const LIST: RequestAction = action("list the container", READER, RequestKind::List);
pub const LIST_WITH_TAGS: RequestAction =
    action("list the container with the tags of its blobs", OWNER, RequestKind::List);
pub const GET: RequestAction = action("read the blob", READER, RequestKind::Get);
pub const HEAD: RequestAction = action("read the blob's metadata", READER, RequestKind::Look);
pub const PUT: RequestAction = action("write the blob", CONTRIBUTOR, RequestKind::Change);
pub const UPDATE: RequestAction =
    action("change the blob's metadata", CONTRIBUTOR, RequestKind::Change);
pub const PUT_TAGS: RequestAction = action("tag the blob", OWNER, RequestKind::Change);
pub const DELETE: RequestAction = action("delete the blob", CONTRIBUTOR, RequestKind::Change);
