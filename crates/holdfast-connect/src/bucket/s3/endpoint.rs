//! Where a bucket is addressed: in the path, or in the host name.

use crate::bucket::http::address::ServiceAddress;
use crate::bucket::{BucketError, BucketOptions};

/// The address of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host and port.
    pub origin: String,
    /// The path of the endpoint's URL; empty or beginning with a slash.
    base: String,
    /// True if the bucket is named in the path.
    is_path_style: bool,
}

impl Endpoint {
    /// The address for the options.
    ///
    /// # Errors
    /// [`BucketError::Options`] if the endpoint is not a URL, or a name is impossible.
    pub fn new(options: &BucketOptions, region: &str) -> Result<Self, BucketError> {
        let is_plain = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        if !is_plain(&options.bucket) {
            return Err(BucketError::Options(format!(
                "{:?} is not a valid bucket name",
                options.bucket
            )));
        }
        if !is_plain(region) {
            return Err(BucketError::Options(format!("{region:?} is not a valid region name")));
        }
        let given = match &options.endpoint {
            Some(endpoint) => endpoint.clone(),
            None if region.starts_with("cn-") => format!("https://s3.{region}.amazonaws.com.cn"),
            None => format!("https://s3.{region}.amazonaws.com"),
        };
        // Certificates for `*.host` do not cover names with another dot.
        let is_simple = options.endpoint.is_some() || options.bucket.contains('.');
        let is_path_style = options.path_style.unwrap_or(is_simple);
        let ServiceAddress { scheme, host, base } = ServiceAddress::parse(&given)?;
        let bucket = if is_path_style { String::new() } else { format!("{}.", options.bucket) };
        Ok(Self { origin: format!("{scheme}://{bucket}{host}"), base, is_path_style })
    }

    /// True with TLS.
    pub fn is_encrypted(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// Host and port, as in the `Host` header.
    pub fn host(&self) -> &str {
        let host = self.origin.split_once("://").map_or("", |(_, host)| host);
        let default_port = if self.is_encrypted() { ":443" } else { ":80" };
        host.strip_suffix(default_port).unwrap_or(host)
    }

    /// The path of a percent-encoded key, or of the bucket if the key is empty.
    pub fn path(&self, bucket: &str, key: &str) -> String {
        let base = &self.base;
        match (self.is_path_style, key) {
            (true, "") => format!("{base}/{bucket}"),
            (true, key) => format!("{base}/{bucket}/{key}"),
            (false, key) => format!("{base}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::bucket::{CredentialSource, Service};

    fn options(bucket: &str, endpoint: Option<&str>, path_style: Option<bool>) -> BucketOptions {
        let clock = || Timestamp::UNIX_EPOCH;
        BucketOptions {
            endpoint: endpoint.map(str::to_owned),
            path_style,
            ..BucketOptions::new(Service::S3, bucket, CredentialSource::Anonymous, clock)
        }
    }

    #[test]
    fn buckets_have_addresses() {
        let address = |bucket, endpoint, path_style| {
            let endpoint =
                Endpoint::new(&options(bucket, endpoint, path_style), "eu-west-1").unwrap();
            format!("{}|{}|{}", endpoint.origin, endpoint.path(bucket, "k"), endpoint.host())
        };
        assert_eq!(
            address("b", None, None),
            "https://b.s3.eu-west-1.amazonaws.com|/k|b.s3.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            address("b.c", None, None),
            "https://s3.eu-west-1.amazonaws.com|/b.c/k|s3.eu-west-1.amazonaws.com"
        );
        let local = Some("http://127.0.0.1:9000/");
        assert_eq!(address("b", local, None), "http://127.0.0.1:9000|/b/k|127.0.0.1:9000");
        let based = Some("https://host:443/s3/");
        assert_eq!(address("b", based, Some(true)), "https://host:443|/s3/b/k|host");
        assert_eq!(address("b", based, Some(false)), "https://b.host:443|/s3/k|b.host");
    }

    #[test]
    fn impossible_addresses_are_refused() {
        let bad = [
            "host",
            "ftp://host",
            "https://",
            "https://a b",
            "https://user:secret@host",
            "http://h/?x",
        ];
        for endpoint in bad {
            let error = Endpoint::new(&options("b", Some(endpoint), None), "r").unwrap_err();
            assert!(matches!(error, BucketError::Options(_)), "{endpoint}");
        }
        assert!(Endpoint::new(&options("a/b", None, None), "r").is_err());
        assert!(Endpoint::new(&options("b", None, None), "r/s").is_err());
    }
}
