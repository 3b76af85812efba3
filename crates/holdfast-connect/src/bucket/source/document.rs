//! `bucket.json`: the identity of a bucket and its configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The identity and configuration of a bucket. The same bucket always yields the same document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketDocument {
    /// Version of this document: 1.
    pub format: u32,
    /// `s3`, `google` or `azure`.
    pub service: String,
    /// Name of the bucket.
    pub bucket: String,
    /// Region of the bucket; empty if the service has none.
    #[serde(default)]
    pub region: String,
    /// Only keys with this prefix were read.
    #[serde(default)]
    pub prefix: String,
    /// Parts of the configuration by their S3 names (`lifecycle`, `policy`, ...): the server's
    /// documents, XML or JSON, unchanged.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

impl BucketDocument {
    /// The document as it is stored: JSON with line breaks, so that it can be read and compared.
    pub fn encode(&self) -> Vec<u8> {
        // Text and maps of text can always be serialized.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Reads what [`BucketDocument::encode`] wrote; fields of later versions are ignored.
    ///
    /// # Errors
    /// A description of what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }
}
