//! The cryptography of a holdfast repository: keys, ids, sealed frames and objects, key slots.
//!
//! `docs/format.md` is the specification; `holdfast-format` has the layouts. This crate does no I/O
//! except for random bytes. Callers cannot choose nonces, keys are wiped when they are dropped, and
//! nothing here prints a secret.

#![forbid(unsafe_code)]

mod aead;
mod codec;
mod compressible;
mod config;
mod error;
mod frame;
mod keys;
mod nonce;
mod object;
mod open;
mod random;
mod secret;
mod session;
mod slot;
#[cfg(test)]
mod tests;

pub use compressible::looks_compressible;
pub use config::{check_config, seal_config};
pub use error::SealError;
pub use frame::{BlobInput, FrameCompression, FrameSealer, SealedFrame};
pub use keys::{Keys, MasterKey};
pub use object::{
    open_directory, open_index, open_record, seal_directory, seal_index, seal_record,
};
pub use open::FrameOpener;
pub use random::new_pack_salt;
pub use secret::Secret;
pub use session::Session;
pub use slot::{SlotLabel, create_slot, open_label, open_slot};
