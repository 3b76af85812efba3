//! Credentials for requests: from the options, or those that `object_store` gets from roles, over
//! our own connections.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use object_store::StaticCredentialProvider;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};

use super::profile::Profile;
use crate::bucket::http::connector::{ObjectStoreConnector, few_retries, missing};
use crate::bucket::{BucketError, CredentialSource};
use crate::web::Transport;
use crate::words::read_text;

/// Where credentials come from.
#[derive(Clone)]
pub enum S3Credentials {
    /// Requests are not signed.
    Anonymous,
    /// Called before each request; it caches credentials while they are valid.
    Signing(AwsCredentialProvider),
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Provider")
    }
}

impl S3Credentials {
    /// The provider for the options.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if they cannot provide any.
    pub fn new(
        credentials: &CredentialSource,
        region: Option<&str>,
        transport: &Transport,
    ) -> Result<Self, BucketError> {
        match credentials {
            CredentialSource::Anonymous => Ok(Self::Anonymous),
            CredentialSource::Static { key_id, secret_key, session_token } => {
                Ok(fixed(AwsCredential {
                    key_id: key_id.clone(),
                    secret_key: secret_key.as_str().to_owned(),
                    token: session_token.as_ref().map(|token| token.as_str().to_owned()),
                }))
            }
            CredentialSource::Profile { file, name } => profile(file, name),
            CredentialSource::Variables(variables) => {
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name("any")
                    .with_http_connector(ObjectStoreConnector(transport.clone()))
                    .with_retry(few_retries());
                for (name, value) in variables {
                    if let Ok(key) = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()) {
                        builder = builder.with_config(key, value.as_str());
                    }
                }
                if let Some(region) = region {
                    builder = builder.with_region(region);
                }
                let store = builder.build().map_err(|error| missing(&error))?;
                Ok(Self::Signing(Arc::clone(store.credentials())))
            }
            _ => {
                let text = "those given are not for Amazon".to_owned();
                Err(BucketError::NoCredentials(text))
            }
        }
    }

    /// The credential for a request; `None` if it is sent unsigned.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if there is none.
    pub async fn credential(&self) -> Result<Option<Arc<AwsCredential>>, BucketError> {
        match self {
            Self::Anonymous => Ok(None),
            Self::Signing(provider) => {
                provider.get_credential().await.map(Some).map_err(|error| missing(&error))
            }
        }
    }
}

fn fixed(credential: AwsCredential) -> S3Credentials {
    S3Credentials::Signing(Arc::new(StaticCredentialProvider::new(credential)))
}

fn profile(file: &Path, name: &str) -> Result<S3Credentials, BucketError> {
    let text = read_text(file).map_err(|error| {
        BucketError::NoCredentials(format!("{} cannot be read: {error}", file.display()))
    })?;
    let profile = Profile::parse(&text, name).ok_or_else(|| {
        BucketError::NoCredentials(format!("{} has no profile {name:?}", file.display()))
    })?;
    profile.credential().map(fixed).map_err(|what| {
        BucketError::NoCredentials(format!("profile {name:?} of {} {what}", file.display()))
    })
}
