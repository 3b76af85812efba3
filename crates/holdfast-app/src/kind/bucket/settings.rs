//! A source of type `bucket`.

use std::path::PathBuf;
use std::time::Duration;

use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::Choice;
use crate::settings::{BucketService, BucketUrl, Credentials, WebUrl};

/// Objects of a bucket, or blobs of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// The bucket, or a part of it.
    pub url: BucketUrl,
    /// The server, if not the service's own.
    pub endpoint: Option<WebUrl>,
    /// Its region (S3 only).
    pub region: Option<String>,
    /// The storage account; always set for Azure, never otherwise.
    pub account: Option<String>,
    /// How to authenticate to the server; if absent, from the environment.
    pub credentials: Option<BucketCredentials>,
    /// True if older versions and delete markers are kept too.
    pub versions: bool,
    /// True if tags are kept: on S3 this takes one request for each new object, on Azure a
    /// permission of its own.
    pub tags: bool,
    /// True if the file asks for tags, so that a snapshot without them is incomplete.
    pub must_have_tags: bool,
    /// True if access control lists are kept, which takes one request for each new object.
    pub acl: bool,
    /// True if the bucket's own configuration is kept: versioning, lifecycle, policy and so on (S3
    /// only).
    pub configuration: bool,
    /// True for URLs with the bucket in the path, false for those with it in the host name; if
    /// absent, true with an endpoint and false with Amazon (S3 only).
    pub path_style: Option<bool>,
    /// Whether requests carry checksums (S3 only).
    pub checksums: BucketChecksums,
    /// True if the requester pays for requests (S3 only).
    pub requester_pays: bool,
    /// How long to keep trying a server that is unreachable.
    pub patience: Option<Duration>,
    /// What a restore sets besides objects.
    pub restore: BucketRestore,
}

/// What a restore sets besides objects and their metadata (S3 only).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BucketRestore {
    /// True if the bucket's own configuration is restored; if absent, only to the bucket that was
    /// captured.
    pub configuration: Option<bool>,
    /// True if objects are encrypted as they were; otherwise the bucket's default applies.
    pub encryption: bool,
    /// True if objects that were locked are locked again, until the same time.
    pub locks: bool,
    /// The storage class of restored objects.
    pub storage_class: StorageClass,
}

/// The storage class of restored objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageClass {
    /// The one they had.
    #[default]
    Kept,
    /// The server's default, which can be read at once.
    Standard,
}

impl Choice for StorageClass {
    const WORDS: &'static [(&'static str, Self)] =
        &[("kept", Self::Kept), ("standard", Self::Standard)];
}

/// Whether requests to S3 carry checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BucketChecksums {
    /// Yes, unless the server rejects them.
    #[default]
    Auto,
    /// Never.
    Never,
}

impl Choice for BucketChecksums {
    const WORDS: &'static [(&'static str, Self)] = &[("auto", Self::Auto), ("never", Self::Never)];
}

impl SettingTable for BucketRestore {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let configuration = section.optional(
            "configuration",
            "true restores the bucket's own configuration: versioning, lifecycle, policy and so \
             on; false leaves it alone. Default: true if the target is the bucket that was \
             captured.",
        );
        let encryption = section.optional(
            "encryption",
            "true encrypts objects with the keys they had, which must exist. Default: false, \
             which applies the bucket's default.",
        );
        let locks = section.optional(
            "locks",
            "true restores object locks with their original dates, which may be impossible to \
             undo. Default: false.",
        );
        let storage_class = section.optional(
            "storage-class",
            "kept restores objects to the storage class they had, even an archive; standard uses \
             the server's default, which can be read at once. Default: kept.",
        );
        Some(Self {
            configuration,
            encryption: encryption.unwrap_or(false),
            locks: locks.unwrap_or(false),
            storage_class: storage_class.unwrap_or_default(),
        })
    }
}

/// How to authenticate to the server of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketCredentials {
    /// An access key or a profile, for S3.
    Amazon(Credentials),
    /// The key file of a Google service account.
    KeyFile(PathBuf),
    /// The file with a key of an Azure storage account.
    AccountKey(PathBuf),
    /// The file with an Azure shared access signature.
    Signature(PathBuf),
    /// An application registered with Microsoft Entra.
    Client {
        /// ID of the directory (tenant).
        tenant_id: String,
        /// ID of the application.
        client_id: String,
        /// The file with its secret.
        secret_file: PathBuf,
    },
}

/// Credentials have exactly one of these.
const CREDENTIALS: [&str; 7] = [
    "profile",
    "access-key-id",
    "access-key-id-file",
    "key-file",
    "account-key-file",
    "shared-access-signature-file",
    "client-id",
];

impl BucketCredentials {
    /// The service that they are for.
    fn service(&self) -> BucketService {
        match self {
            Self::Amazon(_) => BucketService::S3,
            Self::KeyFile(_) => BucketService::Google,
            Self::AccountKey(_) | Self::Signature(_) | Self::Client { .. } => BucketService::Azure,
        }
    }
}

impl SettingTable for BucketCredentials {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let amazon = Credentials::read_one_of(section, &CREDENTIALS);
        let key_file = section.optional("key-file", "Google: key file of a service account.");
        let account_key =
            section.optional("account-key-file", "Azure: file with a key of the storage account.");
        let signature = section.optional(
            "shared-access-signature-file",
            "Azure: file with a shared access signature, as in sv=...&sig=...",
        );
        let client_id =
            section.optional("client-id", "Azure: ID of an application registered with Entra.");
        let tenant_id = section.optional("tenant-id", "Azure: ID of the application's directory.");
        let secret_file =
            section.optional("client-secret-file", "Azure: file with the application's secret.");
        for key in ["tenant-id", "client-secret-file"] {
            match (section.has("client-id"), section.has(key)) {
                (true, false) => {
                    let message = format!("`client-id` needs `{key}`");
                    section.refuse("client-id", message, format!("{key} = \"...\""));
                }
                (false, true) => {
                    let message = format!("`{key}` needs `client-id`");
                    section.refuse(key, message, "client-id = \"...\"");
                }
                _ => {}
            }
        }
        let client = match (tenant_id, client_id, secret_file) {
            (Some(tenant_id), Some(client_id), Some(secret_file)) => {
                Some(Self::Client { tenant_id, client_id, secret_file })
            }
            _ => None,
        };
        amazon
            .map(Self::Amazon)
            .or(key_file.map(Self::KeyFile))
            .or(account_key.map(Self::AccountKey))
            .or(signature.map(Self::Signature))
            .or(client)
    }
}

impl SettingTable for BucketSettings {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let url: Option<BucketUrl> = section.required(
            "url",
            "The bucket, as in s3://name, gs://name or azure://container, optionally with a \
             prefix of keys: s3://name/prefix.",
        );
        let endpoint: Option<WebUrl> = section.optional(
            "endpoint",
            "URL of the server, if it is not AWS, Google or Azure. For Azure it is that of the \
             account, as in https://name.blob.core.chinacloudapi.cn.",
        );
        let allow_http = section.optional(
            "allow-http",
            "true allows an http:// endpoint on another machine. Anyone on the network path can \
             then read the objects and the authentication tokens. Default: false.",
        );
        let region = section.optional("region", "Region of the bucket (S3 only).");
        let account = section.optional("account", "Name of the storage account (Azure only).");
        let credentials: Option<BucketCredentials> = section.table(
            "credentials",
            "How to authenticate to the server. Default: from the environment (variables, \
             instance role).",
        );
        let kept = KeptExtras::read(section);
        let connection = ConnectionKeys::read(section);
        let restore = section.table("restore", "What a restore sets besides objects (S3 only).");
        if endpoint.as_ref().is_some_and(WebUrl::is_open) && allow_http != Some(true) {
            let message = "the endpoint uses http, so objects and tokens can be read in transit";
            section.refuse("endpoint", message, "https://..., or allow-http = true");
        }
        let service = url.as_ref()?.service;
        refuse_foreign(section, service);
        if let Some(credentials) = &credentials
            && credentials.service() != service
        {
            let other = credentials.service();
            let message =
                format!("the bucket is on {service}, but the credentials are for {other}");
            section.refuse("credentials", message, suggestion(service));
        }
        Some(Self {
            url: url?,
            endpoint,
            region,
            account,
            credentials,
            versions: kept.versions,
            must_have_tags: kept.tags == Some(true),
            tags: kept.tags.unwrap_or(service == BucketService::S3),
            acl: kept.acl,
            configuration: kept.configuration,
            path_style: connection.path_style,
            checksums: connection.checksums,
            requester_pays: connection.requester_pays,
            patience: connection.patience,
            restore: restore.unwrap_or_default(),
        })
    }
}

/// What is kept of a bucket besides its objects.
struct KeptExtras {
    versions: bool,
    tags: Option<bool>,
    acl: bool,
    configuration: bool,
}

impl KeptExtras {
    fn read(section: &mut SettingSection<'_, '_>) -> Self {
        let versions = section.optional(
            "versions",
            "true keeps older versions and delete markers too (S3 only). Default: false.",
        );
        let tags = section.optional(
            "tags",
            "false leaves out the tags of objects, which take one request each on S3; with true, \
             a snapshot without them is incomplete. Default: on S3, tags are kept if they can be \
             read; on Azure false, because they need a permission of their own.",
        );
        let acl = section.optional(
            "acl",
            "true keeps the access control lists of objects, which take one request each (S3 \
             only). Default: false.",
        );
        let configuration = section.optional(
            "configuration",
            "false leaves out the bucket's own configuration (versioning, lifecycle, policy and \
             so on), which needs a permission for each part (S3 only). Default: true.",
        );
        Self {
            versions: versions.unwrap_or(false),
            tags,
            acl: acl.unwrap_or(false),
            configuration: configuration.unwrap_or(true),
        }
    }
}

/// How to talk to a bucket's server.
struct ConnectionKeys {
    path_style: Option<bool>,
    checksums: BucketChecksums,
    requester_pays: bool,
    patience: Option<Duration>,
}

impl ConnectionKeys {
    fn read(section: &mut SettingSection<'_, '_>) -> Self {
        let path_style = section.optional(
            "path-style",
            "true requests https://endpoint/bucket, false https://bucket.endpoint (S3 only). \
             Default: true with an endpoint, false with AWS.",
        );
        let checksums = section.optional(
            "checksums",
            "Whether requests carry checksums (x-amz-checksum-...; S3 only): auto, unless the \
             server rejects them, or never. Uploads are verified by their MD5 in any case. \
             Default: auto.",
        );
        let requester_pays = section.optional(
            "requester-pays",
            "true agrees to pay for requests to a bucket whose owner does not (S3 only). \
             Default: false.",
        );
        let patience = section.optional(
            "patience",
            "How long to keep trying a server that is unreachable or too busy. Default: 10min.",
        );
        Self {
            path_style,
            checksums: checksums.unwrap_or_default(),
            requester_pays: requester_pays.unwrap_or(false),
            patience,
        }
    }
}

/// Refuses keys that do not apply to the service, and requires those it needs.
fn refuse_foreign(section: &mut SettingSection<'_, '_>, service: BucketService) {
    let foreign: &[&str] = match service {
        BucketService::S3 => &["account"],
        BucketService::Google => &["account", "region", "versions", "tags", "acl", "restore"],
        BucketService::Azure => &["region", "versions", "acl", "restore"],
    };
    let of_s3: &[&str] = match service {
        BucketService::S3 => &[],
        _ => &["configuration", "path-style", "checksums", "requester-pays"],
    };
    for key in foreign.iter().chain(of_s3).filter(|key| section.has(key)).collect::<Vec<_>>() {
        let message = format!("`{key}` does not apply to a bucket on {service}");
        section.refuse(key, message, "leave it out");
    }
    if service == BucketService::Azure && !section.has("account") {
        let message = "the url names a container, but its storage account is not set";
        section.refuse("url", message, "add account = \"name\"");
    }
}

/// The credentials that a service takes.
fn suggestion(service: BucketService) -> &'static str {
    match service {
        BucketService::S3 => "access-key-id and secret-access-key-file, or profile",
        BucketService::Google => "key-file = \"/path/to/the/service/account.json\"",
        BucketService::Azure => {
            "account-key-file, shared-access-signature-file, or client-id with tenant-id and \
             client-secret-file"
        }
    }
}
