//! Positive and negative cases. Secrets are generated while the tests run: none is in this source.

mod alarms;
mod silence;

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD};

use super::*;

pub(super) fn scanner() -> Scanner {
    Scanner::new(&SecretRules::default()).unwrap()
}

pub(super) fn kinds(path: &str, content: &str) -> Vec<(u64, SecretKind)> {
    let found = scanner().scan(path.as_bytes(), content.as_bytes());
    found.into_iter().map(|finding| (finding.line, finding.kind)).collect()
}

/// Bytes that look random and are the same in every run.
pub(super) fn noise(seed: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Characters of an alphabet that look random.
pub(super) fn chars(seed: &str, alphabet: &str, length: usize) -> String {
    let alphabet = alphabet.as_bytes();
    let noise = noise(seed, length);
    noise.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

pub(super) const ALPHANUMERIC: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A key in PEM, without a line break at its end.
pub(super) fn pem(kind: &str, line_break: &str) -> String {
    let body = BASE64.encode(&noise(kind, 200));
    let lines: Vec<_> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let dashes = "-----";
    format!(
        "{dashes}BEGIN {kind}{dashes}{line_break}{}{line_break}{dashes}END {kind}{dashes}",
        lines.join(line_break)
    )
}

pub(super) fn token(header: &str, claims: &str) -> String {
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let signature = BASE64URL_NOPAD.encode(&noise("signature", 32));
    format!("{}.{}.{signature}", part(header), part(claims))
}

pub(super) fn holdfast_key(bytes: &[u8]) -> String {
    let with_check = [bytes, &blake3::hash(bytes).as_bytes()[..3]].concat();
    format!("{}-KEY-1-{}", "HOLDFAST", BASE32_NOPAD.encode(&with_check))
}
