//! What opens a key slot: a passphrase, or a generated key (`docs/format.md`, section 3.1).

use std::fmt;

use data_encoding::BASE32_NOPAD;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::SealError;
use crate::random::{Random, SystemRandom, array};

/// Prefix of every generated key, whatever its version.
const MARKER: &str = "HOLDFAST-KEY-";
/// Version of the keys made here.
const VERSION: &str = "1-";
/// Bytes of a generated key.
const KEY_BYTES: usize = 32;
/// Bytes of its hash that follow it, to detect typing errors.
const CHECK_BYTES: usize = 3;

/// A passphrase or a generated key. Wiped when dropped.
pub struct Secret(pub(crate) SecretForm);

pub(crate) enum SecretForm {
    /// In Unicode normalisation form C: keyboards differ in how they compose letters.
    Passphrase(Zeroizing<String>),
    Generated(Zeroizing<[u8; KEY_BYTES]>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            SecretForm::Passphrase(_) => "Secret(passphrase)",
            SecretForm::Generated(_) => "Secret(generated key)",
        })
    }
}

impl Secret {
    /// True for a passphrase: trying it on a slot has the cost that the slot sets.
    pub fn is_passphrase(&self) -> bool {
        matches!(self.0, SecretForm::Passphrase(_))
    }

    /// Parses text typed by a person or read from a file. One line break at the end is ignored.
    /// Text that starts like a generated key is one: in it, case, spaces and dashes do not matter.
    ///
    /// # Errors
    /// [`SealError::MistypedKey`] if a generated key has a typing error,
    /// [`SealError::EmptySecret`].
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(SealError::EmptySecret);
        }
        let compact: Zeroizing<String> = Zeroizing::new(line.trim().to_ascii_uppercase());
        match compact.strip_prefix(MARKER) {
            Some(rest) => parse_key(rest),
            None => Ok(Self(SecretForm::Passphrase(normalize(line)))),
        }
    }

    /// A new generated key, and the text to print for it.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn generate_key() -> Result<(Self, Zeroizing<String>), SealError> {
        Self::generate_key_from(&mut SystemRandom)
    }

    pub(crate) fn generate_key_from(
        random: &mut dyn Random,
    ) -> Result<(Self, Zeroizing<String>), SealError> {
        let key = Zeroizing::new(array::<KEY_BYTES>(random)?);
        let mut bytes = Zeroizing::new([0; KEY_BYTES + CHECK_BYTES]);
        bytes[..KEY_BYTES].copy_from_slice(&*key);
        bytes[KEY_BYTES..].copy_from_slice(&check_of(&key));
        let digits = Zeroizing::new(BASE32_NOPAD.encode(&*bytes));
        let text = Zeroizing::new([MARKER, VERSION, &digits].concat());
        Ok((Self(SecretForm::Generated(key)), text))
    }
}

/// A generated key after its marker, in upper case.
fn parse_key(rest: &str) -> Result<Secret, SealError> {
    let rest = rest.strip_prefix(VERSION).ok_or(SealError::MistypedKey)?;
    let mut digits = Zeroizing::new(String::with_capacity(rest.len()));
    digits.extend(rest.chars().filter(|letter| !letter.is_whitespace() && *letter != '-'));
    let bytes =
        Zeroizing::new(BASE32_NOPAD.decode(digits.as_bytes()).map_err(|_| SealError::MistypedKey)?);
    let (key, check) = bytes.split_first_chunk::<KEY_BYTES>().ok_or(SealError::MistypedKey)?;
    if check != check_of(key) {
        return Err(SealError::MistypedKey);
    }
    Ok(Secret(SecretForm::Generated(Zeroizing::new(*key))))
}

fn check_of(key: &[u8; KEY_BYTES]) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&blake3::hash(key).as_bytes()[..CHECK_BYTES]);
    check
}

fn normalize(text: &str) -> Zeroizing<String> {
    // Normalisation form C is at most three times as long in UTF-8: no reallocation leaves a copy
    // behind.
    let mut normalized = Zeroizing::new(String::with_capacity(text.len() * 3));
    normalized.extend(text.nfc());
    normalized
}
