//! Sealing and opening pack directories, index objects and records (`docs/format.md`, sections 6, 7
//! and 9).

use holdfast_format::limits::{
    DIRECTORY_BYTES_MAX, INDEX_BYTES_MAX, PACK_BYTES_MAX, RECORD_BYTES_MAX,
};
use holdfast_format::name::Chain;
use holdfast_format::pack::{TRAILER_BYTES, directory_associated_data, encode_trailer};
use holdfast_format::padding::padme_capped;
use holdfast_format::{index, record};

use crate::aead::{OVERHEAD_BYTES, open_object, seal_object};
use crate::random::{Random, SystemRandom};
use crate::{Keys, SealError};

const DIRECTORY: &str = "pack directory";
const INDEX: &str = "index object";
const RECORD: &str = "record";

/// The end of a pack: the sealed directory, padded so that the whole pack has a common length, and
/// the trailer.
///
/// `header` is the encoded header, `pack_bytes` how many bytes the pack has so far (header and
/// frames), `entries` the encoded directory.
///
/// # Errors
/// [`SealError::Length`] if the directory or the pack exceeds its limit, [`SealError::Verify`],
/// [`SealError::Random`].
pub fn seal_directory(
    keys: &Keys,
    header: &[u8],
    pack_bytes: u64,
    entries: &[u8],
) -> Result<Vec<u8>, SealError> {
    seal_directory_from(keys, header, pack_bytes, entries, &mut SystemRandom)
}

pub(crate) fn seal_directory_from(
    keys: &Keys,
    header: &[u8],
    pack_bytes: u64,
    entries: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, SealError> {
    let unpadded = pack_bytes + (entries.len() + OVERHEAD_BYTES + TRAILER_BYTES) as u64;
    let padded = padme_capped(unpadded);
    let plaintext_bytes = entries.len() + (padded - unpadded) as usize;
    let sealed_bytes = plaintext_bytes + OVERHEAD_BYTES;
    if padded > PACK_BYTES_MAX || sealed_bytes > DIRECTORY_BYTES_MAX {
        return Err(SealError::Length { what: DIRECTORY });
    }
    let mut plaintext = entries.to_vec();
    plaintext.resize(plaintext_bytes, 0);
    let data = directory_associated_data(&keys.repository_id(), header);
    let mut out = Vec::with_capacity(sealed_bytes + TRAILER_BYTES);
    seal_object(keys, &keys.directory, &data, &plaintext, &mut out, DIRECTORY, random)?;
    out.extend_from_slice(&encode_trailer(sealed_bytes as u32));
    Ok(out)
}

/// The entries of a sealed directory (without the trailer), including their zero padding. `header`
/// is the pack's, encoded.
///
/// # Errors
/// [`SealError::Tampered`], [`SealError::Length`].
pub fn open_directory(keys: &Keys, header: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    check_length(sealed, DIRECTORY_BYTES_MAX as u64, DIRECTORY)?;
    let data = directory_associated_data(&keys.repository_id(), header);
    open_object(&keys.directory, &data, sealed, DIRECTORY)
}

/// A whole index object with this encoded body.
///
/// # Errors
/// [`SealError::Length`] if it exceeds the limit, [`SealError::Verify`], [`SealError::Random`].
pub fn seal_index(keys: &Keys, body: &[u8]) -> Result<Vec<u8>, SealError> {
    seal_index_from(keys, body, &mut SystemRandom)
}

pub(crate) fn seal_index_from(
    keys: &Keys,
    body: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, SealError> {
    let mut out = index::prefix().to_vec();
    let data = index::associated_data(&keys.repository_id());
    seal_object(keys, &keys.directory, &data, body, &mut out, INDEX, random)?;
    check_length(&out, INDEX_BYTES_MAX, INDEX)?;
    Ok(out)
}

/// The encoded body of an index object.
///
/// # Errors
/// [`SealError::Format`] if it is not an index object or a newer one, [`SealError::Tampered`],
/// [`SealError::Length`].
pub fn open_index(keys: &Keys, object: &[u8]) -> Result<Vec<u8>, SealError> {
    check_length(object, INDEX_BYTES_MAX, INDEX)?;
    let sealed = index::split(object)?;
    let data = index::associated_data(&keys.repository_id());
    open_object(&keys.directory, &data, sealed, INDEX)
}

/// A whole record with this padded JSON, for one slot of one chain.
///
/// # Errors
/// [`SealError::Length`] if it exceeds the limit, [`SealError::Verify`], [`SealError::Random`].
pub fn seal_record(
    keys: &Keys,
    chain: &Chain,
    sequence: u64,
    json: &[u8],
) -> Result<Vec<u8>, SealError> {
    seal_record_from(keys, chain, sequence, json, &mut SystemRandom)
}

pub(crate) fn seal_record_from(
    keys: &Keys,
    chain: &Chain,
    sequence: u64,
    json: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, SealError> {
    let mut out = record::prefix().to_vec();
    let data = record::associated_data(&keys.repository_id(), chain, sequence);
    seal_object(keys, &keys.record, &data, json, &mut out, RECORD, random)?;
    check_length(&out, RECORD_BYTES_MAX, RECORD)?;
    Ok(out)
}

/// The JSON of the record in this slot of this chain.
///
/// # Errors
/// [`SealError::Format`] if it is not a record or a newer one, [`SealError::Tampered`] also if it
/// belongs elsewhere, [`SealError::Length`].
pub fn open_record(
    keys: &Keys,
    chain: &Chain,
    sequence: u64,
    object: &[u8],
) -> Result<Vec<u8>, SealError> {
    check_length(object, RECORD_BYTES_MAX, RECORD)?;
    let sealed = record::split(object)?;
    let data = record::associated_data(&keys.repository_id(), chain, sequence);
    open_object(&keys.record, &data, sealed, RECORD)
}

fn check_length(bytes: &[u8], limit: u64, what: &'static str) -> Result<(), SealError> {
    if bytes.len() as u64 > limit { Err(SealError::Length { what }) } else { Ok(()) }
}
