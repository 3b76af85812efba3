//! Credentials for requests: tokens that `object_store` gets with a key file or from the machine,
//! over our own connections.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use object_store::gcp::{GcpCredential, GcpCredentialProvider, GoogleCloudStorageBuilder};

use crate::bucket::http::connector::{ObjectStoreConnector, few_retries, missing};
use crate::bucket::{BucketError, CredentialSource};
use crate::web::Transport;
use crate::words::read_text;

/// Where credentials come from.
#[derive(Clone)]
pub enum GoogleCredentials {
    /// Requests carry no token.
    Anonymous,
    /// Called before each request; it caches tokens while they are valid.
    Tokens(GcpCredentialProvider),
}

impl fmt::Debug for GoogleCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Provider")
    }
}

impl GoogleCredentials {
    /// The provider for the options.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if they cannot provide any.
    pub fn new(credentials: &CredentialSource, transport: &Transport) -> Result<Self, BucketError> {
        let value = |variables: &[(String, zeroize::Zeroizing<String>)], wanted: &[&str]| {
            let found = variables
                .iter()
                .find(|(name, value)| wanted.contains(&name.as_str()) && !value.is_empty());
            found.map(|(_, value)| value.to_string())
        };
        let builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name("any")
            .with_http_connector(ObjectStoreConnector(transport.clone()))
            .with_retry(few_retries());
        let builder = match credentials {
            CredentialSource::Anonymous => return Ok(Self::Anonymous),
            CredentialSource::KeyFile(file) => with_file(builder, file)?,
            CredentialSource::Variables(variables) => {
                let file = ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT"];
                match (value(variables, &["GOOGLE_SERVICE_ACCOUNT_KEY"]), value(variables, &file)) {
                    (Some(key), _) => builder.with_service_account_key(key),
                    (None, Some(file)) => with_file(builder, Path::new(&file))?,
                    // A file that Google's own tools wrote, or else the machine's service account.
                    (None, None) => builder,
                }
            }
            _ => {
                let text = "those given are not for Google".to_owned();
                return Err(BucketError::NoCredentials(text));
            }
        };
        let store = builder.build().map_err(|error| missing(&error))?;
        Ok(Self::Tokens(Arc::clone(store.credentials())))
    }

    /// The credential for a request; `None` if it carries none.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if there is none.
    pub async fn credential(&self) -> Result<Option<Arc<GcpCredential>>, BucketError> {
        let Self::Tokens(provider) = self else { return Ok(None) };
        let credential = provider.get_credential().await.map_err(|error| missing(&error))?;
        // A key file for an emulator yields an empty one.
        Ok(Some(credential).filter(|credential| !credential.bearer.is_empty()))
    }
}

/// Examines the file first: the library's error for a missing file does not name it.
fn with_file(
    builder: GoogleCloudStorageBuilder,
    file: &Path,
) -> Result<GoogleCloudStorageBuilder, BucketError> {
    let wrong = |cause: String| {
        let text = format!("{} is not a Google key file: {cause}", file.display());
        BucketError::NoCredentials(text)
    };
    let text = read_text(file).map_err(|error| {
        BucketError::NoCredentials(format!("{} cannot be read: {error}", file.display()))
    })?;
    let document: serde_json::Value =
        serde_json::from_str(&text).map_err(|_| wrong("it is not JSON".to_owned()))?;
    match document.get("type").and_then(|kind| kind.as_str()) {
        // For this type the library also accepts `"disable_oauth": true`, for emulators.
        Some("service_account") => Ok(builder.with_service_account_key(text)),
        Some("authorized_user") => {
            let path = file.to_str().ok_or_else(|| wrong("its path is not UTF-8".to_owned()))?;
            Ok(builder.with_application_credentials(path))
        }
        Some(kind) => Err(wrong(format!("its type is {kind:?}"))),
        None => Err(wrong("it has no type".to_owned())),
    }
}
