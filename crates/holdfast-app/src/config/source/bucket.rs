//! A source of type `bucket`.

use crate::config::repository::Credentials;
use crate::config::section::{Section, Table};
use crate::config::url::{BucketUrl, WebUrl};

/// Objects of a bucket of an S3 server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket, or a part of it.
    pub url: BucketUrl,
    /// The server, if it is not AWS.
    pub endpoint: Option<WebUrl>,
    /// Its region.
    pub region: Option<String>,
    /// Who holdfast is for the server; without, what the surroundings give.
    pub credentials: Option<Credentials>,
    /// True if older versions and delete markers are kept too.
    pub versions: bool,
    /// True if tags are kept, which takes one request for each object that is new.
    pub tags: bool,
    /// True if access control lists are kept, which takes one request for each object that is new.
    pub acl: bool,
}

impl Table for Bucket {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let url = section.required("url", "The bucket, as in s3://name or s3://name/prefix.");
        let endpoint = section.optional("endpoint", "Address of the server, if it is not AWS.");
        let region = section.optional("region", "Region of the bucket.");
        let credentials = section.table(
            "credentials",
            "What identifies holdfast to the server. Default: what the surroundings give \
             (variables, instance role).",
        );
        let versions = section.optional(
            "versions",
            "true keeps older versions and delete markers too. Default: false.",
        );
        let tags = section.optional(
            "tags",
            "false leaves out the tags of objects, which take a request each. Default: true.",
        );
        let acl = section.optional(
            "acl",
            "true keeps the access control lists of objects, which take a request each. Default: \
             false.",
        );
        Some(Self {
            url: url?,
            endpoint,
            region,
            credentials,
            versions: versions.unwrap_or(false),
            tags: tags.unwrap_or(true),
            acl: acl.unwrap_or(false),
        })
    }
}
