//! What can be requested of Google, for messages.

use crate::bucket::http::action::{Action, Kind, action};

pub const LIST: Action = action("list the bucket", "storage.objects.list", Kind::List);
pub const GET: Action = action("read the object", "storage.objects.get", Kind::Get);
pub const LOOK: Action = action("read the object's metadata", "storage.objects.get", Kind::Look);
pub const PUT: Action = action("write the object", "storage.objects.create", Kind::Change);
pub const REPLACE: Action =
    action("replace the object", "storage.objects.create and storage.objects.delete", Kind::Change);
pub const UPDATE: Action =
    action("change the object's metadata", "storage.objects.update", Kind::Change);
pub const DELETE: Action = action("delete the object", "storage.objects.delete", Kind::Change);
