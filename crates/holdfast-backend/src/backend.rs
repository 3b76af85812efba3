//! The seam between the store and any kind of storage.

use bytes::Bytes;

use crate::{BackendError, ObjectName, StorageLocation};

/// Storage for immutable objects by name.
///
/// An object is created whole by [`put`](Backend::put), never changed, and removed by
/// [`delete`](Backend::delete) or moved aside by [`quarantine`](Backend::quarantine). All methods
/// may be called from many threads and from many hosts at once.
///
/// Durable means: survives a crash of the process, a crash of the machine and a power cut, provided
/// that the medium keeps what it acknowledged.
///
/// A name must not also be the folder of another name (`a` and `a/b`): file systems cannot hold
/// both.
///
/// Any method may fail with `PermissionDenied` or `Io`, and under fault injection with `Crashed`;
/// the other errors are listed with each method.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// Creates `name` with the concatenation of `parts`, only if it does not exist.
    ///
    /// Of any number of concurrent calls for one name exactly one succeeds. A reader sees the whole
    /// object or none. When this returns `Ok`, the object and its name are durable.
    ///
    /// Errors: `AlreadyExists` if the name is taken; that object is durable too, so a caller whose
    /// earlier acknowledgement was lost may compare bytes and treat the object as its own.
    /// `NoSpace` if the storage is full. After any error except `AlreadyExists` the object is not
    /// acknowledged: it may exist, whole, or not.
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError>;

    /// Returns all bytes of an object of at most `bytes_max`. Changes nothing and promises nothing
    /// about durability: an object can become visible shortly before the `put` that creates it
    /// returns.
    ///
    /// The bytes are as the medium returned them and may be damaged; the caller verifies them.
    ///
    /// Errors: `NotFound` if there is no such object now; `TooLarge` if it has more than
    /// `bytes_max`, and then nothing of it is read and nothing is allocated for it; `ShortRead` if
    /// the storage delivers fewer bytes than the object has.
    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError>;

    /// Returns exactly `length` bytes of an object from byte `offset` on, owned, so that the caller
    /// can decrypt them in place. Durability as with [`get`](Backend::get).
    ///
    /// An empty range at or before the end is fine.
    ///
    /// Errors: `NotFound` if there is no such object now; `ShortRead` if the object ends before the
    /// range does, and then nothing is allocated for the missing part, however long it is.
    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError>;

    /// Returns the length of an object in bytes. Durability as with [`get`](Backend::get).
    ///
    /// Errors: `NotFound` if there is no such object now.
    fn size(&self, name: &ObjectName) -> Result<u64, BackendError>;

    /// Returns the objects whose name starts with `prefix` followed by `/`, or all of them if
    /// `prefix` is empty, ascending by name (byte order). Objects in `quarantine/` are listed like
    /// others. A prefix that no name can start with, such as one that ends in `/`, matches nothing.
    ///
    /// This is a hint, never proof: an object that is missing here may exist, and a listed one may
    /// be gone or not yet durable.
    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError>;

    /// Removes an object. Removing an absent one succeeds, so a caller can repeat it.
    ///
    /// When this returns `Ok`, the removal is durable. After an error the object may exist or not.
    fn delete(&self, name: &ObjectName) -> Result<(), BackendError>;

    /// Moves a damaged object to `quarantine/<name>`, so that nothing reads it under its name any
    /// more and its bytes remain available. If that name is taken by an earlier one, a number is
    /// appended: `quarantine/<name>.1`. An object that is already in `quarantine/` is left there.
    ///
    /// When this returns `Ok`, the move is durable. After an error, or a crash on the way, the
    /// object is at one of the two names, or at both; never at none.
    ///
    /// Errors: `NotFound` if there is no such object now; `NoSpace` if there is no room even for
    /// the new name.
    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError>;

    /// Returns the location of the storage. Local state about the storage belongs to this location;
    /// all storages that return an empty one share it.
    fn place(&self) -> StorageLocation {
        StorageLocation::default()
    }
}

/// One object of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedObject {
    /// Name of the object.
    pub name: ObjectName,
    /// Its length in bytes.
    pub bytes: u64,
}
