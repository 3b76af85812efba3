//! Credentials for requests: from the options, or those that `object_store` gets from Entra and
//! from machines, over our own connections.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use object_store::StaticCredentialProvider;
use object_store::azure::{
    AzureAccessKey, AzureConfigKey, AzureCredential, MicrosoftAzureBuilder, split_sas,
};

use crate::bucket::http::connector::{ObjectStoreConnector, few_retries, missing};
use crate::bucket::{BucketError, BucketOptions, CredentialSource};
use crate::web::Transport;

/// Called before each request; it caches credentials while they are valid.
type TokenProvider = Arc<dyn object_store::CredentialProvider<Credential = AzureCredential>>;

/// Where credentials come from.
#[derive(Clone)]
pub enum AzureCredentials {
    /// Requests are not signed.
    Anonymous,
    /// Requests are signed, with credentials from here.
    Signing(TokenProvider),
}

impl fmt::Debug for AzureCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Provider")
    }
}

impl AzureCredentials {
    /// The provider for the options.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if they cannot provide any.
    pub fn new(
        options: &BucketOptions,
        account: &str,
        transport: &Transport,
    ) -> Result<Self, BucketError> {
        let unreadable = |what: &str| BucketError::NoCredentials(what.to_owned());
        match &options.credentials {
            CredentialSource::Anonymous => Ok(Self::Anonymous),
            CredentialSource::AccountKey(key) => {
                let key = AzureAccessKey::try_new(key)
                    .map_err(|_| unreadable("the account's key is not base64"))?;
                Ok(fixed(AzureCredential::AccessKey(key)))
            }
            CredentialSource::Signature(signature) => {
                let pairs = split_sas(signature)
                    .map_err(|_| unreadable("the shared access signature is not a URL query"))?;
                Ok(fixed(AzureCredential::SASToken(pairs)))
            }
            CredentialSource::ClientSecret { tenant_id, client_id, secret } => {
                built(builder(account, transport).with_client_secret_authorization(
                    client_id.as_str(),
                    secret.as_str(),
                    tenant_id.as_str(),
                ))
            }
            CredentialSource::Variables(variables) => {
                let mut builder = builder(account, transport);
                for (name, value) in variables {
                    if let Some(key) = config_key(name) {
                        builder = builder.with_config(key, value.as_str());
                    }
                }
                built(builder)
            }
            _ => Err(unreadable("those given are not for Azure")),
        }
    }

    /// The credential for a request; `None` if it is sent unsigned.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if there is none.
    pub async fn credential(&self) -> Result<Option<Arc<AzureCredential>>, BucketError> {
        match self {
            Self::Anonymous => Ok(None),
            Self::Signing(provider) => {
                provider.get_credential().await.map(Some).map_err(|error| missing(&error))
            }
        }
    }
}

fn builder(account: &str, transport: &Transport) -> MicrosoftAzureBuilder {
    MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name("any")
        .with_http_connector(ObjectStoreConnector(transport.clone()))
        .with_retry(few_retries())
}

fn built(builder: MicrosoftAzureBuilder) -> Result<AzureCredentials, BucketError> {
    let store = builder.build().map_err(|error| missing(&error))?;
    Ok(AzureCredentials::Signing(Arc::clone(store.credentials())))
}

/// The setting that a variable stands for: only those that identify a user, not those for
/// addresses.
fn config_key(name: &str) -> Option<AzureConfigKey> {
    let key = AzureConfigKey::from_str(&name.to_ascii_lowercase()).ok()?;
    matches!(
        key,
        AzureConfigKey::AccessKey
            | AzureConfigKey::ClientId
            | AzureConfigKey::ClientSecret
            | AzureConfigKey::AuthorityId
            | AzureConfigKey::AuthorityHost
            | AzureConfigKey::SasKey
            | AzureConfigKey::Token
            | AzureConfigKey::MsiEndpoint
            | AzureConfigKey::ObjectId
            | AzureConfigKey::MsiResourceId
            | AzureConfigKey::FederatedTokenFile
            | AzureConfigKey::UseAzureCli
    )
    .then_some(key)
}

fn fixed(credential: AzureCredential) -> AzureCredentials {
    AzureCredentials::Signing(Arc::new(StaticCredentialProvider::new(credential)))
}
