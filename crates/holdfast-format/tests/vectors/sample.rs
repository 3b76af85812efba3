//! One value with its bytes.

use std::fmt::Debug;

use holdfast_format::{BlobId, FormatError, ObjectId, SessionId, WriterId};

/// Fails if bytes do not decode to the value.
type VectorCheck = Box<dyn Fn(&[u8])>;

/// A value, encoded, and the check that bytes decode to it.
pub struct VectorSample {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub check: VectorCheck,
}

/// A sample of a value and its two functions.
pub fn sample<T: Debug + PartialEq + 'static>(
    name: &'static str,
    value: T,
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> Result<T, FormatError> + 'static,
) -> VectorSample {
    let bytes = encode(&value);
    let check = move |bytes: &[u8]| assert_eq!(decode(bytes).as_ref(), Ok(&value), "{name}");
    VectorSample { name, bytes, check: Box::new(check) }
}

pub fn blob_id(byte: u8) -> BlobId {
    BlobId::from_bytes([byte; 32])
}

pub fn object_id(byte: u8) -> ObjectId {
    ObjectId::from_bytes([byte; 32])
}

pub fn session_id(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 32])
}

pub fn writer_id(byte: u8) -> WriterId {
    WriterId::from_bytes([byte; 16])
}
