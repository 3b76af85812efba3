//! `bucket.json` on its way back: the bucket's configuration is set, if that is wanted.

use std::sync::{Arc, Mutex, PoisonError};

use holdfast_format::entry::Metadata;

use super::super::BucketError;
use super::super::source::BucketDocument;
use super::{Shared, refused};
use crate::{FileSlot, TargetError};

/// Longest document.
const DOCUMENT_BYTES_MAX: u64 = 16 << 20;

/// `bucket.json` being restored.
pub struct DocumentSlot {
    shared: Arc<Shared>,
    content: Mutex<Vec<u8>>,
}

impl DocumentSlot {
    /// Room for a document of so many bytes.
    ///
    /// # Errors
    /// If it is too long to be one.
    pub fn new(shared: &Arc<Shared>, bytes: u64) -> Result<Self, TargetError> {
        if bytes > DOCUMENT_BYTES_MAX {
            let error = BucketError::Limit("it is too long for a configuration".to_owned());
            return Err(refused("read the bucket's configuration")(error));
        }
        Ok(Self { shared: Arc::clone(shared), content: Mutex::new(vec![0; bytes as usize]) })
    }
}

impl FileSlot for DocumentSlot {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let end = offset.saturating_add(bytes.len() as u64);
        let room = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
        match room.and_then(|(start, end)| content.get_mut(start..end)) {
            Some(room) => room.copy_from_slice(bytes),
            None => {
                let error = BucketError::Limit("it is longer than it should be".to_owned());
                return Err(refused("read the bucket's configuration")(error));
            }
        }
        Ok(())
    }

    fn keep(&self, _: u64, _: u64) -> Result<(), TargetError> {
        Err(refused("keep a part of it")(BucketError::Vanished))
    }

    fn finish(self: Box<Self>, _: &Metadata) -> Result<(), TargetError> {
        if !self.shared.options.with_configuration {
            return Ok(());
        }
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let document = BucketDocument::decode(&content).map_err(|detail| {
            let error = BucketError::Limit(format!("bucket.json is not readable: {detail}"));
            refused("set the bucket's configuration")(error)
        })?;
        self.shared.runtime.block_on(give_settings(&self.shared, &document))
    }
}

/// Sets everything that differs; the first failure is told when all was tried.
async fn give_settings(shared: &Shared, document: &BucketDocument) -> Result<(), TargetError> {
    let mut first = None;
    for setting in shared.store.settings() {
        let Some(wanted) = document.settings.get(setting.name) else { continue };
        let is_set = match shared.store.setting(setting).await {
            Ok(standing) => standing.as_ref() == Some(wanted),
            // It may be allowed to be written and not to be read.
            Err(_) => false,
        };
        if is_set || says_nothing(wanted) {
            continue;
        }
        if let Err(error) = shared.store.put_setting(setting, wanted.clone()).await {
            first.get_or_insert(error);
        }
    }
    match first {
        None => Ok(()),
        Some(error) => {
            let (action, source) = ("set all of the bucket's configuration", error.into());
            Err(TargetError::Incomplete { action, source })
        }
    }
}

/// True for a document that a server gives where nothing is set, and does not take.
fn says_nothing(document: &str) -> bool {
    super::super::http::xml::Element::parse(document.as_bytes())
        .is_ok_and(|root| root.children.is_empty() && root.name != "NotificationConfiguration")
}
