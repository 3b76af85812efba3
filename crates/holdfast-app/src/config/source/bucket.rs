//! A source of type `bucket`.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::repository::Credentials;
use crate::config::section::{Section, Table};
use crate::config::url::{BucketService, BucketUrl, WebUrl};
use crate::config::value::Choice;

/// Objects of a bucket, or blobs of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket, or a part of it.
    pub url: BucketUrl,
    /// The server, if it is not the service's own.
    pub endpoint: Option<WebUrl>,
    /// Its region; of S3 only.
    pub region: Option<String>,
    /// The storage account; of Azure, and there always.
    pub account: Option<String>,
    /// Who holdfast is for the server; without, what the surroundings give.
    pub credentials: Option<BucketCredentials>,
    /// True if older versions and delete markers are kept too.
    pub versions: bool,
    /// True if tags are kept: of S3 that takes one request for each object that is new, of Azure a
    /// permission of its own.
    pub tags: bool,
    /// True if the file asks for tags, so that a snapshot without them is incomplete.
    pub must_have_tags: bool,
    /// True if access control lists are kept, which takes one request for each object that is new.
    pub acl: bool,
    /// True if the bucket's own configuration is kept: versioning, lifecycle, policy and so on; of
    /// S3 only.
    pub configuration: bool,
    /// True for addresses with the bucket in the path, false for those with it in the host's name;
    /// without, the first with an endpoint and the second with Amazon. Of S3 only.
    pub path_style: Option<bool>,
    /// Whether requests carry checksums; of S3 only.
    pub checksums: Checksums,
    /// True if whoever asks pays for requests; of S3 only.
    pub requester_pays: bool,
    /// How long a server that is away is waited for.
    pub patience: Option<Duration>,
    /// What a restore gives back besides objects.
    pub restore: BucketRestore,
}

/// What a restore gives back besides objects with what is kept of them; of S3 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BucketRestore {
    /// True if the bucket gets its own configuration; without, that happens if it is the bucket
    /// that was captured, and not if it is another one.
    pub configuration: Option<bool>,
    /// True if objects are encrypted as they were; else as the bucket wants it.
    pub encryption: bool,
    /// True if objects that were locked are locked again, as long as they were to be.
    pub locks: bool,
    /// Which storage class objects get.
    pub storage_class: StorageClass,
}

/// Which storage class objects get that are restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageClass {
    /// The one that they had.
    #[default]
    Kept,
    /// The server's usual one, in which they can be read at once.
    Standard,
}

impl Choice for StorageClass {
    const WORDS: &'static [(&'static str, Self)] =
        &[("kept", Self::Kept), ("standard", Self::Standard)];
}

/// Whether requests to S3 carry checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksums {
    /// They do, unless the server refuses them.
    #[default]
    Auto,
    /// They never do.
    Never,
}

impl Choice for Checksums {
    const WORDS: &'static [(&'static str, Self)] = &[("auto", Self::Auto), ("never", Self::Never)];
}

impl Table for BucketRestore {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let configuration = section.optional(
            "configuration",
            "true gives the bucket its own configuration back: versioning, lifecycle, policy and \
             so on; false leaves it. Default: true if it goes back to where it was captured.",
        );
        let encryption = section.optional(
            "encryption",
            "true encrypts objects with the keys they had, which must exist. Default: false, as \
             the bucket wants it.",
        );
        let locks = section.optional(
            "locks",
            "true locks objects again as long as they were to be locked, which nobody may be able \
             to undo. Default: false.",
        );
        let storage_class = section.optional(
            "storage-class",
            "kept gives objects the storage class that they had, archives among them; standard \
             gives them the server's usual one, in which they can be read at once. Default: kept.",
        );
        Some(Self {
            configuration,
            encryption: encryption.unwrap_or(false),
            locks: locks.unwrap_or(false),
            storage_class: storage_class.unwrap_or_default(),
        })
    }
}

/// What identifies holdfast to the server of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketCredentials {
    /// An access key or a profile, for S3.
    Amazon(Credentials),
    /// The key file of a service account of Google.
    KeyFile(PathBuf),
    /// The file with a key of a storage account of Azure.
    AccountKey(PathBuf),
    /// The file with a shared access signature of Azure.
    Signature(PathBuf),
    /// An application that is registered with Microsoft Entra.
    Client {
        /// Id of the directory.
        tenant_id: String,
        /// Id of the application.
        client_id: String,
        /// The file with its secret.
        secret_file: PathBuf,
    },
}

/// Of these, credentials have exactly one.
const KINDS: [&str; 7] = [
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

impl Table for BucketCredentials {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let amazon = Credentials::read_one_of(section, &KINDS);
        let key_file = section.optional("key-file", "Google: key file of a service account.");
        let account_key =
            section.optional("account-key-file", "Azure: file with a key of the storage account.");
        let signature = section.optional(
            "shared-access-signature-file",
            "Azure: file with a shared access signature, as in sv=...&sig=...",
        );
        let client_id =
            section.optional("client-id", "Azure: id of an application registered with Entra.");
        let tenant_id = section.optional("tenant-id", "Azure: id of the application's directory.");
        let secret_file =
            section.optional("client-secret-file", "Azure: file with the application's secret.");
        for key in ["tenant-id", "client-secret-file"] {
            match (section.has("client-id"), section.has(key)) {
                (true, false) => {
                    let message = format!("`client-id` stands without `{key}`");
                    section.refuse("client-id", message, format!("{key} = \"...\""));
                }
                (false, true) => {
                    let message = format!("`{key}` stands without `client-id`");
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

impl Table for Bucket {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let url: Option<BucketUrl> = section.required(
            "url",
            "The bucket, as in s3://name, gs://name or azure://container, all of it or what is \
             behind a prefix: s3://name/prefix.",
        );
        let endpoint: Option<WebUrl> = section.optional(
            "endpoint",
            "Address of the server, if it is not AWS, Google or Azure. Of Azure it is that of the \
             account, as in https://name.blob.core.chinacloudapi.cn.",
        );
        let allow_http = section.optional(
            "allow-http",
            "true allows an endpoint of another machine that begins with http://. Whoever is on \
             the way then reads the objects, and tokens that identify holdfast. Default: false.",
        );
        let region = section.optional("region", "Region of the bucket, of S3 only.");
        let account = section.optional("account", "Name of the storage account, of Azure only.");
        let credentials: Option<BucketCredentials> = section.table(
            "credentials",
            "What identifies holdfast to the server. Default: what the surroundings give \
             (variables, instance role).",
        );
        let kept = Kept::read(section);
        let connection = Connection::read(section);
        let restore =
            section.table("restore", "What a restore gives back besides objects, of S3 only.");
        if endpoint.as_ref().is_some_and(WebUrl::is_open) && allow_http != Some(true) {
            let message = "the endpoint is reached by http, so that objects and tokens can be \
                           read on the way";
            section.refuse("endpoint", message, "https://..., or allow-http = true");
        }
        let service = url.as_ref()?.service;
        refuse_foreign(section, service);
        if let Some(credentials) = &credentials
            && credentials.service() != service
        {
            let other = credentials.service();
            let message =
                format!("the bucket is one of {service}, the credentials are for {other}");
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
struct Kept {
    versions: bool,
    tags: Option<bool>,
    acl: bool,
    configuration: bool,
}

impl Kept {
    fn read(section: &mut Section<'_, '_>) -> Self {
        let versions = section.optional(
            "versions",
            "true keeps older versions and delete markers too, of S3 only. Default: false.",
        );
        let tags = section.optional(
            "tags",
            "false leaves out the tags of objects, which take a request each of S3; with true a \
             snapshot without them is incomplete. Default: of S3 they are kept if they may be \
             read; false of Azure, where they take a permission of their own.",
        );
        let acl = section.optional(
            "acl",
            "true keeps the access control lists of objects, which take a request each, of S3 \
             only. Default: false.",
        );
        let configuration = section.optional(
            "configuration",
            "false leaves out the bucket's own configuration (versioning, lifecycle, policy and so \
             on), which takes a permission for each of its parts, of S3 only. Default: true.",
        );
        Self {
            versions: versions.unwrap_or(false),
            tags,
            acl: acl.unwrap_or(false),
            configuration: configuration.unwrap_or(true),
        }
    }
}

/// How a bucket's server wants to be spoken with.
struct Connection {
    path_style: Option<bool>,
    checksums: Checksums,
    requester_pays: bool,
    patience: Option<Duration>,
}

impl Connection {
    fn read(section: &mut Section<'_, '_>) -> Self {
        let path_style = section.optional(
            "path-style",
            "true asks https://endpoint/bucket, false asks https://bucket.endpoint, of S3 only. \
             Default: true with an endpoint, false with AWS.",
        );
        let checksums = section.optional(
            "checksums",
            "Whether requests carry checksums (x-amz-checksum-...), of S3 only: auto, as long as \
             the server takes them, or never. What is sent is compared with its MD5 in any case. \
             Default: auto.",
        );
        let requester_pays = section.optional(
            "requester-pays",
            "true agrees to pay for requests to a bucket whose owner does not, of S3 only. \
             Default: false.",
        );
        let patience = section.optional(
            "patience",
            "How long a server is waited for that cannot be reached or is too busy. Default: 10m.",
        );
        Self {
            path_style,
            checksums: checksums.unwrap_or_default(),
            requester_pays: requester_pays.unwrap_or(false),
            patience,
        }
    }
}

/// Refuses what the service does not have, and asks for what it must have.
fn refuse_foreign(section: &mut Section<'_, '_>, service: BucketService) {
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
        let message = format!("`{key}` means nothing for a bucket of {service}");
        section.refuse(key, message, "nothing: leave it out");
    }
    if service == BucketService::Azure && !section.has("account") {
        let message = "the url names a container, and nothing names its storage account";
        section.refuse("url", message, "account = \"name\" besides it");
    }
}

/// What credentials of a service look like.
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
