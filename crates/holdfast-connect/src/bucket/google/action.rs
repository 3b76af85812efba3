//! What can be requested of Google, for messages.

use crate::bucket::http::action::{RequestAction, RequestKind, action};

pub const LIST: RequestAction =
    action("list the bucket", "storage.objects.list", RequestKind::List);
pub const GET: RequestAction = action("read the object", "storage.objects.get", RequestKind::Get);
pub const LOOK: RequestAction =
    action("read the object's metadata", "storage.objects.get", RequestKind::Look);
pub const PUT: RequestAction =
    action("write the object", "storage.objects.create", RequestKind::Change);
pub const REPLACE: RequestAction = action(
    "replace the object",
    "storage.objects.create and storage.objects.delete",
    RequestKind::Change,
);
pub const UPDATE: RequestAction =
    action("change the object's metadata", "storage.objects.update", RequestKind::Change);
pub const DELETE: RequestAction =
    action("delete the object", "storage.objects.delete", RequestKind::Change);
