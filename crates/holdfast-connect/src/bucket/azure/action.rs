//! What can be requested of Azure, for messages. Permissions are named by the roles that include
//! them.

use crate::bucket::http::action::{Action, Kind, action};

const READER: &str = "Storage Blob Data Reader";
const CONTRIBUTOR: &str = "Storage Blob Data Contributor";
const OWNER: &str = "Storage Blob Data Owner";

pub const LOOK_AT_ACCOUNT: Action = action("read the account's properties", READER, Kind::Bucket);
pub const MAKE: Action = action("create the container", CONTRIBUTOR, Kind::Change);
pub const LIST: Action = action("list the container", READER, Kind::List);
pub const LIST_WITH_TAGS: Action =
    action("list the container with the tags of its blobs", OWNER, Kind::List);
pub const GET: Action = action("read the blob", READER, Kind::Get);
pub const HEAD: Action = action("read the blob's metadata", READER, Kind::Look);
pub const PUT: Action = action("write the blob", CONTRIBUTOR, Kind::Change);
pub const UPDATE: Action = action("change the blob's metadata", CONTRIBUTOR, Kind::Change);
pub const PUT_TAGS: Action = action("tag the blob", OWNER, Kind::Change);
pub const DELETE: Action = action("delete the blob", CONTRIBUTOR, Kind::Change);
