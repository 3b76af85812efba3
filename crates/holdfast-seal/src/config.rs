//! The config's MAC (`docs/format.md`, section 2; layout in `holdfast_format::config`).

use holdfast_format::config::{Config, StoredConfig};
use subtle::ConstantTimeEq;

use crate::{Keys, SealError};

const WHAT: &str = "config";

/// The config as it is stored, with its MAC.
pub fn seal_config(keys: &Keys, config: &Config) -> StoredConfig {
    let authenticated = config.encode_body();
    let mac = keys.config.hash(&[&authenticated]);
    StoredConfig { config: config.clone(), authenticated, mac }
}

/// Checks that a holder of the master key made this config, and made it for this repository.
///
/// # Errors
/// [`SealError::OtherRepository`], [`SealError::Tampered`].
pub fn check_config(keys: &Keys, stored: &StoredConfig) -> Result<(), SealError> {
    if stored.config.repository_id != keys.repository_id() {
        return Err(SealError::OtherRepository { what: WHAT });
    }
    let same: bool = keys.config.hash(&[&stored.authenticated]).ct_eq(&stored.mac).into();
    if same { Ok(()) } else { Err(SealError::Tampered { what: WHAT }) }
}
