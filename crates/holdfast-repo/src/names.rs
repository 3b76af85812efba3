//! From format names to backend names.

use holdfast_backend::ObjectName;

use crate::RepoError;

/// The backend's name for an object of the format.
///
/// # Errors
/// [`RepoError::Damaged`] if the text is not an object name, which only a damaged record could
/// cause.
pub fn object_name(text: impl Into<String>) -> Result<ObjectName, RepoError> {
    let text = text.into();
    ObjectName::new(text.clone()).map_err(|error| RepoError::damaged(text, error))
}
