//! XChaCha20-Poly1305 as everything here uses it: `nonce[24] || ciphertext || tag[16]`.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};

use crate::SealError;
use crate::keys::{Keys, SecretKey};
use crate::nonce::{NONCE_BYTES, Nonce};
use crate::random::Random;

/// Bytes of the tag.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes that sealing adds.
pub(crate) const OVERHEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// The parts of sealed bytes.
pub(crate) struct SealedParts<'a> {
    pub(crate) nonce: &'a [u8; NONCE_BYTES],
    pub(crate) ciphertext: &'a [u8],
    pub(crate) tag: &'a [u8; TAG_BYTES],
}

/// Splits sealed bytes into their parts.
pub(crate) fn split<'a>(
    sealed: &'a [u8],
    what: &'static str,
) -> Result<SealedParts<'a>, SealError> {
    let length = SealError::Length { what };
    let (nonce, rest) = sealed.split_first_chunk().ok_or(length.clone())?;
    let (ciphertext, tag) = rest.split_last_chunk().ok_or(length)?;
    Ok(SealedParts { nonce, ciphertext, tag })
}

/// Encrypts `buffer` in place and returns its tag. Consumes the nonce.
pub(crate) fn seal_in_place(
    key: &SecretKey,
    nonce: Nonce,
    associated_data: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG_BYTES], SealError> {
    let cipher = XChaCha20Poly1305::new(key.as_bytes().into());
    let nonce = XNonce::from(*nonce.as_bytes());
    let tag = cipher
        .encrypt_inout_detached(&nonce, associated_data, buffer.into())
        .map_err(|_| SealError::Length { what: "plaintext" })?;
    Ok(tag.into())
}

/// Authenticates and decrypts `buffer` in place.
pub(crate) fn open_in_place(
    key: &SecretKey,
    nonce: &[u8; NONCE_BYTES],
    associated_data: &[u8],
    buffer: InOutBuf<'_, '_, u8>,
    tag: &[u8; TAG_BYTES],
    what: &'static str,
) -> Result<(), SealError> {
    XChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt_inout_detached(nonce.into(), associated_data, buffer, tag.into())
        .map_err(|_| SealError::Tampered { what })
}

/// Authenticates and decrypts from `parts` into `out`, which must be as long as the ciphertext.
pub(crate) fn open_into(
    key: &SecretKey,
    parts: &SealedParts<'_>,
    associated_data: &[u8],
    out: &mut [u8],
    what: &'static str,
) -> Result<(), SealError> {
    let buffer = InOutBuf::new(parts.ciphertext, out).map_err(|_| SealError::Length { what })?;
    open_in_place(key, parts.nonce, associated_data, buffer, parts.tag, what)
}

/// Appends the sealed plaintext to `out`, then opens it again: an object that its key cannot open
/// must not be written.
pub(crate) fn seal_object(
    keys: &Keys,
    key: &SecretKey,
    associated_data: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
    what: &'static str,
    random: &mut dyn Random,
) -> Result<(), SealError> {
    let nonce = Nonce::for_object(keys, associated_data, plaintext, random)?;
    let start = out.len();
    out.reserve(plaintext.len() + OVERHEAD_BYTES);
    out.extend_from_slice(nonce.as_bytes());
    out.extend_from_slice(plaintext);
    let body = &mut out[start + NONCE_BYTES..];
    let tag = seal_in_place(key, nonce, associated_data, body)?;
    out.extend_from_slice(&tag);
    let opened = open_object(key, associated_data, &out[start..], what);
    if opened.is_ok_and(|opened| opened == plaintext) {
        Ok(())
    } else {
        Err(SealError::Verify { what })
    }
}

/// The plaintext of sealed bytes.
pub(crate) fn open_object(
    key: &SecretKey,
    associated_data: &[u8],
    sealed: &[u8],
    what: &'static str,
) -> Result<Vec<u8>, SealError> {
    let parts = split(sealed, what)?;
    let mut plaintext = vec![0; parts.ciphertext.len()];
    open_into(key, &parts, associated_data, &mut plaintext, what)?;
    Ok(plaintext)
}
