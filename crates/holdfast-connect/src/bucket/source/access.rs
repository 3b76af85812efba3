//! What the credentials may not read: tried once, reported once, and then left out.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::object::{AttributeQuery, ListPosition, ObjectRef, Tags};
use super::super::store::{BucketStore, Denied, ObjectVersions, Versioning};
use super::super::{BucketError, OptionalPart};
use super::VersionSelection;

/// Number of permissions named in one sentence.
const NAMED_MAX: usize = 4;

/// What to report about a source besides its contents; shared with the source.
#[derive(Debug, Clone, Default)]
pub struct Remarks(Arc<Mutex<RemarkList>>);

#[derive(Debug, Default)]
struct RemarkList {
    sentences: Vec<String>,
    lacks_attributes: bool,
}

impl Remarks {
    /// What deserves attention but does not make the source incomplete, one sentence each.
    pub fn sentences(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sentences.clone()
    }

    /// True if tags or access control lists that were requested could not be read.
    pub fn lacks_attributes(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lacks_attributes
    }

    fn say(&self, sentence: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sentences.push(sentence);
    }

    fn note_lack(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lacks_attributes = true;
    }
}

/// True if the versions of the bucket are to be read: it has some, they are requested, and they may
/// be read. A cut is optional; older versions are not.
pub async fn has_versions(
    store: &dyn BucketStore,
    versions: VersionSelection,
    prefix: &str,
    remarks: &Remarks,
) -> Result<bool, BucketError> {
    let Some(object_versions) = store.versions().filter(|_| versions != VersionSelection::Newest)
    else {
        return Ok(false);
    };
    let outcome = match object_versions.versioning().await {
        Ok(Versioning::Never) => return Ok(false),
        Ok(_) => try_versions(store, object_versions, prefix).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(BucketError::Denied { permission, .. }) if versions == VersionSelection::Cut => {
            remarks.say(format!(
                "objects are captured as listed, not as of a single moment: the credentials do not \
                 allow {permission}"
            ));
            Ok(false)
        }
        // Not every server that supports versioning can list versions.
        Err(BucketError::Unsupported { .. }) if versions == VersionSelection::Cut => Ok(false),
        Err(error) => Err(error),
    }
}

/// Lists versions, and starts reading one: that takes other permissions than listing objects.
async fn try_versions(
    store: &dyn BucketStore,
    versions: &dyn ObjectVersions,
    prefix: &str,
) -> Result<(), BucketError> {
    let page = versions.list_versions(prefix, &ListPosition::default()).await?;
    let Some(first) = page.objects.iter().find(|version| !version.is_delete_marker) else {
        return Ok(());
    };
    match store.get(first.which(), Some((0, 0))).await {
        // If it still exists, it is read later; an empty one has no first byte.
        Err(BucketError::Vanished | BucketError::Changed | BucketError::Archived) => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// Which attributes of objects to request, as far as one object shows that they may be read; and
/// which may not.
pub async fn allowed(
    store: &dyn BucketStore,
    which: ObjectRef<'_>,
    query: AttributeQuery,
    must_have_tags: bool,
    remarks: &Remarks,
) -> Result<(AttributeQuery, Vec<BucketError>), BucketError> {
    let denied = match store.try_attributes(which, query).await {
        // Reported when the object is read.
        Err(BucketError::Vanished | BucketError::Changed | BucketError::Archived) => Vec::new(),
        outcome => outcome?,
    };
    let (mut allowed, mut errors) = (query, Vec::new());
    for denial in denied {
        remarks.note_lack();
        let (permission, part) = match denial {
            Denied::Tags(permission) => {
                allowed.tags = Tags::LeaveOut;
                (permission, OptionalPart::Tags)
            }
            Denied::Acl(permission) => {
                allowed.with_acl = false;
                (permission, OptionalPart::Acl)
            }
        };
        let error = BucketError::PartDenied { permissions: permission.to_owned(), part };
        match part {
            OptionalPart::Tags if !must_have_tags => remarks.say(error.to_string()),
            _ => errors.push(error),
        }
    }
    Ok((allowed, errors))
}

/// The error for settings of a bucket that may not be read; `None` if all may.
pub fn of_settings(permissions: &[&'static str]) -> Option<BucketError> {
    let named = permissions.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let permissions = match permissions.len().saturating_sub(NAMED_MAX) {
        0 if permissions.is_empty() => return None,
        0 => named,
        more => format!("{named} and {more} more"),
    };
    Some(BucketError::PartDenied { permissions, part: OptionalPart::Configuration })
}
