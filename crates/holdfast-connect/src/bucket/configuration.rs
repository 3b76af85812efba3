//! Creating a bucket, and restoring the configuration that `bucket.json` keeps.

use super::connection::Bucket;
use super::http::xml::Element;
use super::source::BucketDocument;
use super::store::Setting;
use super::{BucketError, When};

/// Which parts of a configuration are restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All that differ.
    Different,
    /// Those that the bucket lacks.
    Missing,
}

/// A setting that could not be restored.
#[derive(Debug)]
pub struct Refusal {
    /// Its name.
    pub setting: &'static str,
    /// Why.
    pub error: BucketError,
}

impl Bucket {
    /// Creates the bucket if it does not exist. If the bucket that `document` describes had object
    /// lock, this one gets it too: most servers only allow that at creation.
    ///
    /// # Errors
    /// Errors of the server; [`BucketError::Unsupported`] if [`Bucket::can_be_made`] is false.
    pub fn make(&self, document: Option<&BucketDocument>) -> Result<(), BucketError> {
        let with_lock = document.is_some_and(|it| it.settings.contains_key("object-lock"));
        self.runtime().block_on(self.store().make(with_lock))
    }

    /// True if the service can create a bucket from its name alone.
    pub fn can_be_made(&self) -> bool {
        self.store().abilities().makes_buckets
    }

    /// Names of the settings that [`Bucket::configure`] would set.
    pub fn unlike(&self, document: &BucketDocument, wanted: Wanted) -> Vec<&'static str> {
        let settings = self.store().settings().iter();
        let unlike = settings.filter(|setting| self.document(setting, document, wanted).is_some());
        unlike.map(|setting| setting.name).collect()
    }

    /// Restores the parts of the bucket's configuration that differ: those that must precede the
    /// objects, or those that must follow them. Returns what was set and what could not be.
    pub fn configure(
        &self,
        document: &BucketDocument,
        wanted: Wanted,
        when: When,
    ) -> (Vec<&'static str>, Vec<Refusal>) {
        let (mut set, mut refused) = (Vec::new(), Vec::new());
        for setting in self.store().settings().iter().filter(|setting| setting.when == when) {
            let Some(text) = self.document(setting, document, wanted) else { continue };
            let sent = self.store().put_setting(setting, text.to_owned());
            match self.runtime().block_on(sent) {
                Ok(()) => set.push(setting.name),
                Err(error) => refused.push(Refusal { setting: setting.name, error }),
            }
        }
        (set, refused)
    }

    /// The document that a setting needs; `None` if it is already right.
    fn document<'a>(
        &self,
        setting: &Setting,
        document: &'a BucketDocument,
        wanted: Wanted,
    ) -> Option<&'a str> {
        let text = document.settings.get(setting.name).filter(|text| !says_nothing(text))?;
        let is_right = match self.runtime().block_on(self.store().setting(setting)) {
            Ok(Some(standing)) => {
                wanted == Wanted::Missing && !says_nothing(&standing)
                    || self.store().means_the_same(setting, &standing, text)
            }
            Ok(None) => false,
            // The credentials may be allowed to write it but not to read it.
            Err(_) => wanted == Wanted::Missing,
        };
        (!is_right).then_some(text.as_str())
    }
}

/// True for a document that a server returns where nothing is set, but does not accept. An empty
/// notification document is accepted, and turns notifications off.
fn says_nothing(document: &str) -> bool {
    Element::parse(document.as_bytes())
        .is_ok_and(|root| root.children.is_empty() && root.name != "NotificationConfiguration")
}
