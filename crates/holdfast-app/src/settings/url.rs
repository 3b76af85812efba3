//! URLs of repositories, databases, buckets and web servers. None of them holds a password.
//!
//! A file without secrets can be shown, kept under version control and copied into a Kubernetes
//! ConfigMap, and its lines can be printed with their mistakes. So a password in a URL is refused:
//! it belongs in a file of its own.

use std::ffi::OsStr;
use std::fmt;

use holdfast_backend::{RepositoryUrl, RepositoryUrlError};
use holdfast_connect::postgres::{AddressError, PostgresAddress};
use holdfast_connect::web::is_loopback;
use serde_json::{Value as Json, json};
use url::Url;

use super::path::mentions_variable;
use super::value::{SettingField, SettingValue};

/// URL of a PostgreSQL server without a password, as libpq accepts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    text: String,
    address: PostgresAddress,
}

/// The service that hosts a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketService {
    /// Amazon S3 or a compatible server.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl BucketService {
    /// The scheme of its bucket URLs.
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "azure",
        }
    }

    fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" => Some(Self::S3),
            "gs" => Some(Self::Google),
            "azure" | "az" => Some(Self::Azure),
            _ => None,
        }
    }
}

impl fmt::Display for BucketService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "S3",
            Self::Google => "Google",
            Self::Azure => "Azure",
        })
    }
}

/// A bucket, or the part of it below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketUrl {
    /// The service.
    pub service: BucketService,
    /// Name of the bucket.
    pub bucket: String,
    /// The prefix of the keys; empty for the whole bucket.
    pub prefix: String,
}

/// An `http` or `https` URL.
#[derive(Clone, PartialEq, Eq)]
pub struct WebUrl(Url);

impl PostgresUrl {
    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The database that it names.
    pub fn database(&self) -> Option<&str> {
        self.address.named_database()
    }

    /// Its parts.
    pub fn address(&self) -> &PostgresAddress {
        &self.address
    }
}

impl WebUrl {
    /// The whole URL, which may grant access by itself.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL, if it is valid and holds no password.
    pub fn new(text: &str) -> Option<Self> {
        // The URL parser ignores line breaks, which would hide that there are two URLs.
        let url = Url::parse(text).ok().filter(|_| !text.contains(char::is_whitespace))?;
        let usable = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.password().is_none();
        usable.then_some(Self(url))
    }

    /// True if what is sent there can be read in transit: over http, to another machine.
    pub fn is_open(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        self.0.scheme() == "http" && !is_loopback(host)
    }

    /// The parsed URL.
    pub(crate) fn into_url(self) -> Url {
        self.0
    }
}

/// Shows only the server: the rest may be as good as a password.
impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebUrl({}://{}/...)", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.service.scheme(), self.bucket, self.prefix)
    }
}

impl SettingValue for RepositoryUrl {
    const EXPECTED: &'static str = "a path or a URL in quotes";
    const EXAMPLE: &'static str = "\"/srv/backup/documenso\"";

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        if !is_usable::<Self>(field, &text) {
            return None;
        }
        match Self::parse(OsStr::new(&text)) {
            Ok(Self::Local(path)) if path.starts_with("~") => {
                field.not_a::<Self>("must be a full path")
            }
            Ok(Self::Local(path)) => return Some(Self::Local(field.reader.absolute(path))),
            Ok(elsewhere) => return Some(elsewhere),
            Err(RepositoryUrlError::Empty) => field.not_a::<Self>("must be a full path"),
            Err(RepositoryUrlError::Scheme { .. }) => {
                field.not_a::<Self>("is neither a path nor a location such as s3:... or sftp:...");
            }
        }
        None
    }
}

impl SettingValue for PostgresUrl {
    const EXPECTED: &'static str = "the URL of a PostgreSQL server in quotes";
    const EXAMPLE: &'static str = "\"postgres://documenso@localhost/documenso\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^postgres(ql)?://" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        if !is_usable::<Self>(field, &text) {
            return None;
        }
        let reason = match PostgresAddress::parse(&text) {
            Ok(address) => return Some(Self { text, address }),
            Err(AddressError::Scheme) => "must begin with postgres://",
            Err(AddressError::PercentSign) => "has a percent sign without a valid code",
            Err(AddressError::Port) => "has a port that is not a number",
            Err(AddressError::Parameter(name)) => {
                field.not_a::<Self>(&format!("cannot have the parameter {name}"));
                return None;
            }
        };
        field.not_a::<Self>(reason);
        None
    }
}

impl SettingValue for BucketUrl {
    const EXPECTED: &'static str = "the URL of a bucket in quotes";
    const EXAMPLE: &'static str = "\"s3://documenso-documents\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(s3|gs|azure|az)://[^/]+" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        if !is_usable::<Self>(field, &text) {
            return None;
        }
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let service = BucketService::of_scheme(scheme);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let valid = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let Some(service) = service.filter(|_| !bucket.is_empty() && bucket.chars().all(valid))
        else {
            let text = "must be s3:// or gs:// with the name of a bucket, or azure:// with that \
                        of a container";
            field.not_a::<Self>(text);
            return None;
        };
        Some(Self { service, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl SettingValue for WebUrl {
    const EXPECTED: &'static str = "a URL in quotes";
    const EXAMPLE: &'static str = "\"https://example.com/...\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^https?://" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        if !is_usable::<Self>(field, &text) {
            return None;
        }
        let url = Self::new(&text);
        if url.is_none() {
            field.not_a::<Self>("must be a URL that begins with http:// or https://");
        }
        url
    }
}

/// Refuses variables, which are not expanded, and passwords.
fn is_usable<T: SettingValue>(field: &mut SettingField<'_, '_>, text: &str) -> bool {
    let key = field.key;
    if text.trim().is_empty() {
        field.not_a::<T>("is empty");
    } else if mentions_variable(text) {
        field.not_a::<T>("contains a variable, and variables are not expanded");
    } else if has_password(text) {
        field.refuse(
            format!("`{key}` contains a password, and others may read this file"),
            "remove the password, and put it into a file named by `password-file`",
        );
    } else {
        return true;
    }
    false
}

fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let parameter = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        matches!(name, "password" | "sslpassword") && !value.is_empty()
    };
    query.split('&').any(parameter) || user_has_password(address)
}

fn user_has_password(address: &str) -> bool {
    let server = address.split('/').next().unwrap_or_default();
    // A password may itself contain a slash, so that the server seems to end within it.
    let user = server.rsplit_once('@').or_else(|| address.rsplit_once('@'));
    let password = user.and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    let is_port = || password.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let in_path = !server.contains('@') && is_port();
    password.is_some_and(|password| !password.is_empty()) && !in_path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_seen() {
        for text in [
            "postgres://a:b@h/d",
            "postgres://a:b@c@h/d",
            "postgres://a:b/c@h/d",
            "postgres://h/d?user=a&password=b",
            "rest:https://a:b@h/",
        ] {
            assert!(has_password(text), "{text}");
        }
        for text in [
            "postgres://a@h:5432/d",
            "postgres://h:5432,i:5433/d?sslmode=require",
            "postgres:///d?host=/run/postgresql&passfile=/x",
            "sftp:a@h:/p",
            "https://h:1/a@b",
            "postgres://a:@h/d",
        ] {
            assert!(!has_password(text), "{text}");
        }
    }
}
