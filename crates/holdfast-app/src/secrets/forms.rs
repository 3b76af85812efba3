//! Secrets with an unmistakable form.

use data_encoding::BASE64URL_NOPAD;
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value as Json;

use super::SecretKind;
use super::random::{is_mixed, is_placeholder};

/// Examines a match closely: takes the whole content, and the position of the match in it.
type FormCheck = fn(&[u8], usize, usize) -> bool;

/// Patterns of secrets, and what must also hold.
pub(super) const FORMS: [(SecretKind, &str, FormCheck); 14] = [
    (SecretKind::PrivateKey, r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", has_key),
    (SecretKind::AgeKey, r"\bAGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}\b", looks_random),
    (SecretKind::HoldfastKey, r"\bHOLDFAST-KEY-1-[A-Z2-7]{56}\b", is_unordered),
    (SecretKind::AwsKey, r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", has_aws_secret),
    (SecretKind::GithubToken, r"\bgh[pousr]_[A-Za-z0-9]{36}\b", looks_random),
    (SecretKind::GithubToken, r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b", looks_random),
    (
        SecretKind::GitlabToken,
        r"\bgl(?:pat|rt|dt|ptt|cbt|ft|soat|agent|imt)-[A-Za-z0-9_-]{20,}",
        looks_random,
    ),
    (SecretKind::SlackToken, r"\bxox[abeprs]-[0-9]{8,}-[0-9A-Za-z-]{20,}", looks_random),
    (SecretKind::SlackToken, r"\bxapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-f0-9]{32,}", looks_random),
    (
        SecretKind::SlackToken,
        r"https://hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}",
        looks_random,
    ),
    (SecretKind::StripeKey, r"\b[sr]k_live_[A-Za-z0-9]{20,}", looks_random),
    (SecretKind::StripeKey, r"\bwhsec_[A-Za-z0-9+/]{32,}", looks_random),
    (
        SecretKind::JsonWebToken,
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{20,}",
        is_token,
    ),
    (SecretKind::PrivateKey, r"\bLS0tLS1CRUdJTi[A-Za-z0-9+/]{80,}", is_encoded_key),
];

/// A compiled form.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) kind: SecretKind,
    regex: Regex,
    check: FormCheck,
}

impl Form {
    pub(super) fn new(kind: SecretKind, pattern: &str, check: FormCheck) -> Option<Self> {
        let regex = RegexBuilder::new(&ascii(pattern)).build().ok()?;
        Some(Self { kind, regex, check })
    }

    pub(super) fn pattern(&self) -> &str {
        self.regex.as_str()
    }

    /// Offsets at which such secrets begin.
    pub(super) fn find<'c>(&'c self, content: &'c [u8]) -> impl Iterator<Item = usize> {
        let found = self.regex.find_iter(content);
        found.filter(|it| (self.check)(content, it.start(), it.end())).map(|it| it.start())
    }
}

/// The pattern for bytes, with ASCII character classes.
fn ascii(pattern: &str) -> String {
    format!("(?-u){pattern}")
}

fn looks_random(content: &[u8], start: usize, end: usize) -> bool {
    is_mixed(&content[start..end], 3.5)
}

/// Keys in tests count up; generated ones do not.
fn is_unordered(content: &[u8], start: usize, end: usize) -> bool {
    let digits = content[start..end].rsplit(|byte| *byte == b'-').next().unwrap_or_default();
    let Ok(bytes) = data_encoding::BASE32_NOPAD.decode(digits) else { return false };
    let steps = bytes.windows(2).take(31).filter(|pair| pair[1].wrapping_sub(pair[0]) == 1).count();
    steps < 16 && looks_random(content, start, end)
}

/// True if lines of base64 follow the heading, possibly indented, escaped or quoted.
fn has_key(content: &[u8], _start: usize, end: usize) -> bool {
    const FOLLOWS_WITHIN_BYTES: usize = 512;
    const RUN_BYTES_MIN: usize = 40;
    let rest = &content[end..content.len().min(end + FOLLOWS_WITHIN_BYTES)];
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    // In JSON the two bytes \n end a line; the n is not part of the next one.
    let mut rest: Vec<u8> = rest.to_vec();
    for at in 1..rest.len() {
        if rest[at - 1] == b'\\' && matches!(rest[at], b'n' | b'r') {
            rest[at] = b'\n';
        }
    }
    let end = rest.windows(5).position(|part| part == b"-----").unwrap_or(rest.len());
    let mut runs = rest[..end].split(|byte| !is_digit(byte));
    runs.any(|run| run.len() >= RUN_BYTES_MIN && is_mixed(run, 3.5))
}

/// True if the base64 encodes the heading of a private key, as in a variable or a Kubernetes
/// Secret.
fn is_encoded_key(content: &[u8], start: usize, end: usize) -> bool {
    const HEADING_DIGITS: usize = 64;
    let digits = &content[start..end.min(start + HEADING_DIGITS)];
    let heading = data_encoding::BASE64.decode(digits).unwrap_or_default();
    heading.windows(11).any(|part| part == b"PRIVATE KEY") && looks_random(content, start, end)
}

/// True if the secret of an access key is near: forty mixed letters and digits.
fn has_aws_secret(content: &[u8], start: usize, end: usize) -> bool {
    const NEAR_BYTES: usize = 400;
    const SECRET_BYTES: usize = 40;
    if is_placeholder(&content[start..end]) {
        return false;
    }
    let near = &content[start.saturating_sub(NEAR_BYTES)..content.len().min(end + NEAR_BYTES)];
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let mut runs = near.split(|byte| !is_digit(byte)).filter(|run| run.len() == SECRET_BYTES);
    runs.any(|run| {
        let sorts: [fn(&u8) -> bool; 3] =
            [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
        sorts.iter().all(|sort| run.iter().any(sort)) && is_mixed(run, 4.0)
    })
}

/// True if the three parts are those of a signed token: a header with an algorithm, claims, and a
/// signature.
fn is_token(content: &[u8], start: usize, end: usize) -> bool {
    let mut parts = content[start..end].split(|byte| *byte == b'.');
    let mut object = || -> Option<Json> {
        let json = BASE64URL_NOPAD.decode(parts.next()?).ok()?;
        serde_json::from_slice(&json).ok().filter(Json::is_object)
    };
    let (Some(header), Some(claims)) = (object(), object()) else { return false };
    let algorithm = header.get("alg").and_then(Json::as_str).unwrap_or("none");
    // The example token in manuals.
    let is_sample = claims.get("sub").and_then(Json::as_str) == Some("1234567890");
    !algorithm.eq_ignore_ascii_case("none") && !is_sample
}

/// True for a file whose name and beginning are those of a PKCS#12 store.
pub(super) fn is_pkcs12(path: &[u8], content: &[u8]) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_called_so = lower.ends_with(b".p12") || lower.ends_with(b".pfx");
    // A sequence of any length, then the integer 3, the version.
    let begins_so = content.first() == Some(&0x30)
        && content.get(1..8).is_some_and(|head| head.windows(3).any(|part| part == [2, 1, 3]));
    is_called_so && begins_so
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_sound() {
        for (kind, pattern, check) in FORMS {
            assert!(Form::new(kind, pattern, check).is_some(), "{pattern}");
        }
    }
}
