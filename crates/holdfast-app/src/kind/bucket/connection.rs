//! How a bucket is reached, what is kept of it, and where its objects are in the tree.
//!
//! # Keys and paths
//! The tree of a bucket (docs/decisions/0008-applications.md) has the object of a key at
//! `objects/NAME`, where NAME is the key with each slash as the bytes `2E FF`, in one flat
//! directory. The key is the whole key in the bucket: a prefix in the source's `url` selects
//! objects but is not removed from their keys, so rows must contain whole keys. [`path_of_key`] and
//! [`key_of_path`] translate between them, for objects only, not for `bucket.json` or `versions/`.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use holdfast_connect::bucket::{
    Bucket as Connection, BucketError, BucketOptions, BucketSource, BucketSourceOptions,
    BucketTargetOptions, ChecksumHeaders, CredentialSource, Retries, Service, Tags,
    VersionSelection,
};
use holdfast_connect::words::without_byte_order_mark;
use holdfast_format::bucket::{OBJECTS_NAME, key_of_name, name_of_key};
use zeroize::Zeroizing;

use super::capture::Sweep;
use super::{BucketChecksums, BucketCredentials, BucketSettings, StorageClass};
use crate::connections::BucketAccess;
use crate::settings::{self, AccessKeyId, BucketService};

/// Largest file that is read for a part of an access key, in bytes.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Opens the bucket of a source.
///
/// # Errors
/// If there are no credentials, or the settings are invalid.
pub(super) fn open(
    bucket: &BucketSettings,
    access: &BucketAccess,
) -> Result<Connection, BucketError> {
    Connection::open(options(bucket, access)?)
}

/// The bucket of a source as a source of entries: at one moment if it has versioning, otherwise as
/// it is listed.
///
/// # Errors
/// As [`open`]; also if versions are requested and the server does not say whether there are any.
pub(super) fn source(
    bucket: &BucketSettings,
    access: &BucketAccess,
    sweep: Option<Sweep>,
) -> Result<BucketSource, BucketError> {
    open(bucket, access)?.source(source_options(bucket, sweep))
}

/// The key of the object at a path of the source's tree, such as `/objects/NAME` (with or without
/// the leading slash); `None` for anything that is not an object.
pub fn key_of_path(path: &[u8]) -> Option<String> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let name = path.strip_prefix(OBJECTS_NAME.as_bytes())?.strip_prefix(b"/")?;
    key_of_name(name)
}

/// The path of an object in the source's tree, without a leading slash; `None` for a key that no
/// object can have.
pub fn path_of_key(key: &str) -> Option<Vec<u8>> {
    let name = name_of_key(key)?;
    Some([OBJECTS_NAME.as_bytes(), b"/", &name].concat())
}

/// What is kept of a bucket; callers may change more of it.
pub(super) fn source_options(bucket: &BucketSettings, sweep: Option<Sweep>) -> BucketSourceOptions {
    // Amazon reports the number of tags with the content; not every server does.
    let tags = match (bucket.tags, &bucket.endpoint) {
        _ if bucket.url.service != BucketService::S3 => Tags::LeaveOut,
        (false, _) => Tags::LeaveOut,
        (true, None) => Tags::WhereTold,
        (true, Some(_)) => Tags::AskAlways,
    };
    BucketSourceOptions {
        prefix: bucket.url.prefix.clone(),
        versions: if bucket.versions { VersionSelection::All } else { VersionSelection::Cut },
        tags,
        must_have_tags: bucket.must_have_tags,
        with_acl: bucket.acl,
        with_configuration: bucket.configuration,
        attributes_as_of: sweep.map(|sweep| sweep.at),
        look_ahead: sweep.is_some_and(|sweep| sweep.is_due),
        ..BucketSourceOptions::default()
    }
}

/// How a bucket is restored. In keys, the prefix of the `kept` source is replaced by that of
/// `bucket`. Content is spooled in a folder created in `spool`. Nothing is replaced without
/// `overwrite`.
pub(super) fn target_options(
    bucket: &BucketSettings,
    kept: &BucketSettings,
    spool: &Path,
    overwrite: bool,
) -> BucketTargetOptions {
    BucketTargetOptions {
        kept_prefix: kept.url.prefix.clone(),
        prefix: bucket.url.prefix.clone(),
        overwrite,
        with_tags: bucket.tags,
        with_acl: bucket.acl,
        with_encryption: bucket.restore.encryption,
        with_lock: bucket.restore.locks,
        with_storage_class: bucket.restore.storage_class == StorageClass::Kept,
        ..BucketTargetOptions::new(spool)
    }
}

/// How to reach a bucket.
fn options(bucket: &BucketSettings, access: &BucketAccess) -> Result<BucketOptions, BucketError> {
    let service = match bucket.url.service {
        BucketService::S3 => Service::S3,
        BucketService::Google => Service::Google,
        BucketService::Azure => {
            Service::Azure { account: bucket.account.clone().unwrap_or_default() }
        }
    };
    let credentials = match (&bucket.credentials, bucket.url.service) {
        (Some(credentials), _) => named(credentials, access)?,
        (None, BucketService::S3) => surrounding(access),
        (None, BucketService::Google) => access.with_prefix("GOOGLE_"),
        (None, BucketService::Azure) => access.with_prefix("AZURE_"),
    };
    let region = bucket.region.clone().or_else(|| access.variable("AWS_REGION"));
    let mut retries = Retries::default();
    retries.patience = bucket.patience.unwrap_or(retries.patience);
    retries.patience = access.patience_max.unwrap_or(Duration::MAX).min(retries.patience);
    Ok(BucketOptions {
        endpoint: bucket.endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()),
        region: region.or_else(|| access.variable("AWS_DEFAULT_REGION")),
        certificates: access.certificates.clone(),
        proxies: access.proxies.clone(),
        path_style: bucket.path_style,
        checksums: match bucket.checksums {
            BucketChecksums::Auto => ChecksumHeaders::WhereTaken,
            BucketChecksums::Never => ChecksumHeaders::Never,
        },
        requester_pays: bucket.requester_pays,
        retries,
        on_wait: access.on_wait.clone(),
        stop: Arc::clone(&access.stop),
        with_tags: bucket.tags,
        ..BucketOptions::new(service, &bucket.url.bucket, credentials, access.clock)
    })
}

/// The credentials that the app file names.
fn named(
    credentials: &BucketCredentials,
    access: &BucketAccess,
) -> Result<CredentialSource, BucketError> {
    Ok(match credentials {
        BucketCredentials::Amazon(credentials) => return named_of_amazon(credentials, access),
        BucketCredentials::KeyFile(file) => CredentialSource::KeyFile(file.clone()),
        BucketCredentials::AccountKey(file) => CredentialSource::AccountKey(read(file)?),
        BucketCredentials::Signature(file) => CredentialSource::Signature(read(file)?),
        BucketCredentials::Client { tenant_id, client_id, secret_file } => {
            CredentialSource::ClientSecret {
                tenant_id: tenant_id.clone(),
                client_id: client_id.clone(),
                secret: read(secret_file)?,
            }
        }
    })
}

fn named_of_amazon(
    credentials: &settings::Credentials,
    access: &BucketAccess,
) -> Result<CredentialSource, BucketError> {
    match credentials {
        settings::Credentials::Profile(name) => {
            Ok(CredentialSource::Profile { file: access.profiles.clone(), name: name.clone() })
        }
        settings::Credentials::AccessKey { id, secret_file, session_token_file } => {
            let key_id = match id {
                AccessKeyId::Value(id) => id.clone(),
                AccessKeyId::File(file) => read(file)?.to_string(),
            };
            Ok(CredentialSource::Static {
                key_id,
                secret_key: read(secret_file)?,
                session_token: session_token_file.as_deref().map(read).transpose()?,
            })
        }
    }
}

/// As Amazon's own tools do: variables, then a profile, then the role of this machine.
fn surrounding(access: &BucketAccess) -> CredentialSource {
    let profile = access.variable("AWS_PROFILE");
    let tells = ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    let has_key = tells.iter().any(|name| access.variable(name).is_some());
    let is_container = access.variables.iter().any(|(name, _)| name.starts_with("AWS_CONTAINER_"));
    let is_there = || profile.is_some() || access.profiles.is_file();
    if !has_key && !is_container && is_there() {
        let name = profile.unwrap_or_else(|| "default".to_owned());
        return CredentialSource::Profile { file: access.profiles.clone(), name };
    }
    access.with_prefix("AWS_")
}

impl BucketAccess {
    /// The variables of one service.
    fn with_prefix(&self, prefix: &str) -> CredentialSource {
        let variables = self.variables.iter().filter(|(name, _)| name.starts_with(prefix));
        CredentialSource::Variables(variables.cloned().collect())
    }

    fn variable(&self, name: &str) -> Option<String> {
        let found = self.variables.iter().find(|(variable, _)| variable == name);
        found.map(|(_, value)| value.to_string()).filter(|value| !value.is_empty())
    }
}

/// The content of a file without surrounding white space.
fn read(path: &Path) -> Result<Zeroizing<String>, BucketError> {
    let missing = |cause: String| {
        BucketError::NoCredentials(format!("{} cannot be read: {cause}", path.display()))
    };
    let bytes = fs::metadata(path).map_err(|error| missing(error.to_string()))?.len();
    if bytes > SECRET_BYTES_MAX {
        return Err(missing("it is too long for a key".to_owned()));
    }
    let content = fs::read(path).map(Zeroizing::new).map_err(|error| missing(error.to_string()))?;
    let text = Zeroizing::new(without_byte_order_mark(&content).into_owned());
    let text = std::str::from_utf8(&text).map_err(|error| missing(error.to_string()))?;
    match text.trim() {
        "" => Err(missing("it is empty".to_owned())),
        trimmed => Ok(Zeroizing::new(trimmed.to_owned())),
    }
}

#[cfg(test)]
mod tests {

    use holdfast_connect::web::Proxies;
    use holdfast_format::entry::FileTime;
    use jiff::Timestamp;

    use super::super::BucketRestore;
    use super::*;
    use crate::settings::{BucketUrl, WebUrl};

    fn bucket(prefix: &str, endpoint: Option<&str>) -> BucketSettings {
        BucketSettings {
            url: BucketUrl {
                service: BucketService::S3,
                bucket: "documents".to_owned(),
                prefix: prefix.to_owned(),
            },
            account: None,
            endpoint: endpoint.and_then(WebUrl::new),
            region: None,
            credentials: None,
            versions: false,
            tags: true,
            must_have_tags: false,
            acl: false,
            configuration: true,
            path_style: None,
            checksums: BucketChecksums::Auto,
            requester_pays: false,
            patience: None,
            restore: BucketRestore::default(),
        }
    }

    fn access(variables: &[(&str, &str)], profiles: &Path) -> BucketAccess {
        let pair =
            |(name, value): &(&str, &str)| (name.to_string(), Zeroizing::new(value.to_string()));
        BucketAccess {
            variables: variables.iter().map(pair).collect(),
            profiles: profiles.to_owned(),
            certificates: Vec::new(),
            proxies: Proxies::default(),
            patience_max: None,
            on_wait: None,
            clock: || Timestamp::UNIX_EPOCH,
            stop: Arc::default(),
        }
    }

    #[test]
    fn keys_and_paths_name_each_other() {
        for key in ["a", "a/b", "a//b/", ".", "..", "../../etc", "\u{e9} +"] {
            let path = path_of_key(key).unwrap();
            assert_eq!(path.iter().filter(|byte| **byte == b'/').count(), 1, "{path:?}");
            assert_eq!(key_of_path(&path).as_deref(), Some(key));
            assert_eq!(key_of_path(&[b"/", &path[..]].concat()).as_deref(), Some(key));
        }
        for path in [&b"bucket.json"[..], b"objects", b"objects/", b"versions/a/1", b"objects/a/b"]
        {
            assert_eq!(key_of_path(path), None, "{path:?}");
        }
        assert_eq!(path_of_key(""), None);
    }

    #[test]
    fn the_file_s_key_is_read_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let secret_file = folder.path().join("secret");
        let id = AccessKeyId::Value("AKIA".to_owned());
        let session_token_file = None;
        let credentials = Some(BucketCredentials::Amazon(settings::Credentials::AccessKey {
            id,
            secret_file: secret_file.clone(),
            session_token_file,
        }));
        let bucket = BucketSettings { credentials, ..bucket("", Some("http://127.0.0.1:9")) };
        let access = access(&[("AWS_REGION", "eu-1")], folder.path());
        let error = options(&bucket, &access).unwrap_err().to_string();
        assert!(error.contains("secret cannot be read"), "{error}");
        fs::write(&secret_file, " \n").unwrap();
        assert!(options(&bucket, &access).unwrap_err().to_string().contains("is empty"));
        fs::write(&secret_file, "hunter2\n").unwrap();
        let options = options(&bucket, &access).unwrap();
        assert!(!format!("{options:?}").contains("hunter2"), "{options:?}");
        let CredentialSource::Static { secret_key, .. } = options.credentials else {
            panic!("no key")
        };
        assert_eq!(secret_key.as_str(), "hunter2");
        assert_eq!(options.region.as_deref(), Some("eu-1"));
    }

    #[test]
    fn other_services_get_their_own_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        fs::write(&key, "hunter2\n").unwrap();
        let variables = [("AWS_PROFILE", "p"), ("GOOGLE_X", "g"), ("AZURE_CLIENT_ID", "a")];
        let access = access(&variables, folder.path());
        let of = |service, credentials| {
            let mut bucket = bucket("", None);
            bucket.url.service = service;
            bucket.account = Some("acc".to_owned());
            options(&BucketSettings { credentials, ..bucket }, &access).unwrap()
        };
        let google = of(BucketService::Google, None);
        assert_eq!(google.service, Service::Google);
        let shown = format!("{:?}", google.credentials);
        assert_eq!(shown, "Variables [\"GOOGLE_X\"]");
        let azure = of(BucketService::Azure, Some(BucketCredentials::AccountKey(key)));
        assert_eq!(azure.service, Service::Azure { account: "acc".to_owned() });
        let CredentialSource::AccountKey(key) = azure.credentials else { panic!("no key") };
        assert_eq!(key.as_str(), "hunter2");
        let shown = format!("{:?}", of(BucketService::Azure, None).credentials);
        assert_eq!(shown, "Variables [\"AZURE_CLIENT_ID\"]");
        let kept = bucket("", None);
        let google = BucketSettings {
            url: BucketUrl { service: BucketService::Google, ..kept.url.clone() },
            ..kept
        };
        assert_eq!(source_options(&google, None).tags, Tags::LeaveOut);
    }

    #[test]
    fn surroundings_are_asked_as_amazon_s_tools_do() {
        let folder = tempfile::tempdir().unwrap();
        let profiles = folder.path().join("credentials");
        let kind = |variables: &[(&str, &str)]| match surrounding(&access(variables, &profiles)) {
            CredentialSource::Profile { name, .. } => name,
            CredentialSource::Variables(_) => "variables".to_owned(),
            _ => "other".to_owned(),
        };
        assert_eq!(kind(&[]), "variables", "the role of the machine");
        fs::write(&profiles, "[default]\n").unwrap();
        assert_eq!(kind(&[]), "default");
        assert_eq!(kind(&[("AWS_PROFILE", "p")]), "p");
        assert_eq!(kind(&[("AWS_ACCESS_KEY_ID", "a"), ("AWS_PROFILE", "p")]), "variables");
        assert_eq!(kind(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "u")]), "variables");
    }

    #[test]
    fn settings_become_options() {
        let kept = bucket("live/", None);
        let sweep = Sweep { at: FileTime { seconds: 1, nanoseconds: 0 }, is_due: true };
        let options =
            source_options(&BucketSettings { versions: true, ..kept.clone() }, Some(sweep));
        assert_eq!((options.versions, options.tags), (VersionSelection::All, Tags::WhereTold));
        assert!(options.look_ahead && options.attributes_as_of == Some(sweep.at));
        assert_eq!(options.prefix, "live/");
        let options = source_options(&bucket("", Some("http://127.0.0.1:9")), None);
        assert_eq!((options.versions, options.tags), (VersionSelection::Cut, Tags::AskAlways));
        let options = target_options(&bucket("drill/", None), &kept, Path::new("/spool"), false);
        assert_eq!((options.kept_prefix.as_str(), options.prefix.as_str()), ("live/", "drill/"));
        assert!(!options.overwrite && options.with_tags && !options.with_acl);
        assert!(!options.with_lock && !options.with_encryption);
        let restore = BucketRestore {
            locks: true,
            encryption: true,
            configuration: None,
            storage_class: StorageClass::default(),
        };
        let with = BucketSettings { restore, ..bucket("", None) };
        let options = target_options(&with, &kept, Path::new("/spool"), false);
        assert!(options.with_lock && options.with_encryption);
    }
}
