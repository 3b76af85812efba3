//! A bucket of one's own: making it, and giving it the configuration that `bucket.json` keeps.

use super::connection::Bucket;
use super::http::xml::Element;
use super::source::BucketDocument;
use super::store::Setting;
use super::{BucketError, When};

/// What is given back of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All that differs.
    Different,
    /// What the bucket has nothing of.
    Missing,
}

/// A setting that could not be given back.
#[derive(Debug)]
pub struct Refusal {
    /// Its name.
    pub setting: &'static str,
    /// Why.
    pub error: BucketError,
}

impl Bucket {
    /// Makes the bucket, if it is not there. If the bucket that `document` is of locked its
    /// objects, those of this one can be locked: most servers allow that only now.
    ///
    /// # Errors
    /// As the server gives them; [`BucketError::Unsupported`] if [`Bucket::can_be_made`] is false.
    pub fn make(&self, document: Option<&BucketDocument>) -> Result<(), BucketError> {
        let with_lock = document.is_some_and(|it| it.settings.contains_key("object-lock"));
        self.runtime().block_on(self.store().make(with_lock))
    }

    /// True if the service makes a bucket of its name alone.
    pub fn can_be_made(&self) -> bool {
        self.store().abilities().makes_buckets
    }

    /// Names of the settings that [`Bucket::configure`] would set.
    pub fn unlike(&self, document: &BucketDocument, wanted: Wanted) -> Vec<&'static str> {
        let settings = self.store().settings().iter();
        let unlike = settings.filter(|setting| self.document(setting, document, wanted).is_some());
        unlike.map(|setting| setting.name).collect()
    }

    /// Gives the bucket its configuration, as far as it is not so already: what belongs before the
    /// objects, or what belongs after them. The result is what was set, and what could not be.
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

    /// The document that a setting is to get; `None` if it is right as it is.
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
            // It may be allowed to be written and not to be read.
            Err(_) => wanted == Wanted::Missing,
        };
        (!is_right).then_some(text.as_str())
    }
}

/// True for a document that a server gives where nothing is set, and does not take. Of
/// notifications it takes that, and sends none from then on.
fn says_nothing(document: &str) -> bool {
    Element::parse(document.as_bytes())
        .is_ok_and(|root| root.children.is_empty() && root.name != "NotificationConfiguration")
}
