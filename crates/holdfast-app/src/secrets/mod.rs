//! Scanner for private keys, tokens and passwords in files of ordinary data.
//!
//! A backup of data should contain neither the keys to that data nor those to other systems. The
//! scanner examines small files as they are captured, and reports the file, line and kind of a
//! finding, never the secret itself. It would rather miss something than raise false alarms: a
//! secret without an unmistakable form must also look random.

mod assignment;
mod forms;
mod random;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeSet;
use std::fmt;

use holdfast_connect::fs::filter::{Filter, PatternError};
use regex::bytes::RegexSet;

use crate::config::SecretRules;
use forms::{FORMS, Form};
pub use watch::{SecretWatch, StoredSecret};
pub(crate) use watch::{TOKEN, from_token, to_token};

/// Largest file that is scanned. Secrets are small, and so are the files that people put them in.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// Most findings reported for one file.
const FINDINGS_MAX: usize = 100;
/// A zero byte among this many at the start marks a file as binary.
const TEXT_PROBE_BYTES: usize = 8192;

/// Something in a file that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretFinding {
    /// Path of the file.
    pub path: Vec<u8>,
    /// Line, from 1.
    pub line: u64,
    /// The kind of secret it looks like.
    pub kind: SecretKind,
}

/// Kinds of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKind {
    /// A private key in PEM: of TLS, SSH or PGP.
    PrivateKey,
    /// A PKCS#12 file, which holds a certificate with its key.
    Pkcs12,
    /// An age secret key.
    AgeKey,
    /// A generated holdfast repository key.
    HoldfastKey,
    /// An AWS access key with its secret.
    AwsKey,
    /// A GitHub token.
    GithubToken,
    /// A GitLab token.
    GitlabToken,
    /// A Slack token or webhook.
    SlackToken,
    /// A Stripe live key.
    StripeKey,
    /// A signed JSON Web Token.
    JsonWebToken,
    /// A variable whose name and value look like a secret.
    Assignment,
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrivateKey => "private key",
            Self::Pkcs12 => "PKCS#12 key store",
            Self::AgeKey => "age secret key",
            Self::HoldfastKey => "holdfast repository key",
            Self::AwsKey => "AWS access key with its secret",
            Self::GithubToken => "GitHub token",
            Self::GitlabToken => "GitLab token",
            Self::SlackToken => "Slack token",
            Self::StripeKey => "Stripe live key",
            Self::JsonWebToken => "JSON Web Token",
            Self::Assignment => "password or key in a variable",
        })
    }
}

/// Looks for secrets.
#[derive(Debug)]
pub struct Scanner {
    set: RegexSet,
    forms: Vec<Form>,
    allowed_paths: Filter,
    allowed_text: Vec<String>,
}

impl Scanner {
    /// Creates a scanner with the rules of an app file.
    ///
    /// # Errors
    /// [`PatternError`] if a pattern of paths is malformed, which reading the file refuses.
    pub fn new(rules: &SecretRules) -> Result<Self, PatternError> {
        let allowed_paths = Filter::new::<String>(&rules.allow_paths, &[])?;
        let forms: Vec<Form> =
            FORMS.iter().filter_map(|(kind, text, check)| Form::new(*kind, text, *check)).collect();
        let set = RegexSet::new(forms.iter().map(Form::pattern)).unwrap_or_default();
        Ok(Self { set, forms, allowed_paths, allowed_text: rules.allow_text.clone() })
    }

    /// True if a file of this path and size should be scanned.
    pub fn wants(&self, path: &[u8], bytes: u64) -> bool {
        bytes > 0 && bytes <= FILE_BYTES_MAX && !self.allowed_paths.excludes(path)
    }

    /// Findings in the content of a file, in the order of its lines.
    pub fn scan(&self, path: &[u8], content: &[u8]) -> Vec<SecretFinding> {
        if !self.wants(path, content.len() as u64) {
            return Vec::new();
        }
        let mut found = BTreeSet::new();
        if forms::is_pkcs12(path, content) {
            found.insert((1, SecretKind::Pkcs12));
        }
        let is_text = !content[..content.len().min(TEXT_PROBE_BYTES)].contains(&0);
        if is_text {
            self.scan_forms(content, &mut found);
            self.scan_assignments(path, content, &mut found);
        }
        let finding = |(line, kind)| SecretFinding { path: path.to_owned(), line, kind };
        found.into_iter().take(FINDINGS_MAX).map(finding).collect()
    }

    fn scan_forms(&self, content: &[u8], found: &mut BTreeSet<(u64, SecretKind)>) {
        for index in self.set.matches(content) {
            let form = &self.forms[index];
            let mut lines = Lines::new(content);
            for at in form.find(content).take(FINDINGS_MAX) {
                let (number, line) = lines.at(at);
                if !self.allows(line) {
                    found.insert((number, form.kind));
                }
            }
        }
    }

    fn scan_assignments(
        &self,
        path: &[u8],
        content: &[u8],
        found: &mut BTreeSet<(u64, SecretKind)>,
    ) {
        let Some(place) = assignment::AssignmentPlace::of(path) else { return };
        for (line, number) in content.split(|byte| *byte == b'\n').zip(1..) {
            if assignment::is_secret(line, place) && !self.allows(line) {
                found.insert((number, SecretKind::Assignment));
            }
        }
    }

    fn allows(&self, line: &[u8]) -> bool {
        let holds = |text: &String| line.windows(text.len()).any(|part| part == text.as_bytes());
        self.allowed_text.iter().filter(|text| !text.is_empty()).any(holds)
    }
}

/// Finds the lines of ascending offsets.
struct Lines<'c> {
    content: &'c [u8],
    start: usize,
    number: u64,
}

impl<'c> Lines<'c> {
    fn new(content: &'c [u8]) -> Self {
        Self { content, start: 0, number: 1 }
    }

    /// Number and content of the line that contains the byte at `place`.
    fn at(&mut self, place: usize) -> (u64, &'c [u8]) {
        while let Some(length) = self.content[self.start..].iter().position(|byte| *byte == b'\n') {
            if self.start + length >= place {
                break;
            }
            self.start += length + 1;
            self.number += 1;
        }
        let rest = &self.content[self.start..];
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        (self.number, &rest[..length])
    }
}
