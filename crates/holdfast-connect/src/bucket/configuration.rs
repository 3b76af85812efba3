//! Creating a bucket, and restoring the configuration that `bucket.json` keeps.

use super::connection::Bucket;
use super::http::xml::Element;
use super::source::BucketDocument;
use super::store::{Setting, Settings};
use super::{BucketError, SettingMoment};

/// Which parts of a configuration are restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSelection {
    /// All that differ.
    Different,
    /// Those that the bucket lacks.
    Missing,
}

/// A setting that could not be restored.
#[derive(Debug)]
pub struct RefusedSetting {
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
        let Some(creation) = self.store().creation() else {
            let code = "more than a name is needed".to_owned();
            return Err(BucketError::Unsupported { action: "create the bucket", code });
        };
        self.runtime().block_on(creation.create(with_lock))
    }

    /// True if the service can create a bucket from its name alone.
    pub fn can_be_made(&self) -> bool {
        self.store().creation().is_some()
    }

    /// Names of the settings that [`Bucket::configure`] would set.
    pub fn unlike(&self, document: &BucketDocument, wanted: SettingSelection) -> Vec<&'static str> {
        let Some(settings) = self.store().settings() else { return Vec::new() };
        let differs = |it: &&Setting| self.differing(settings, it, document, wanted).is_some();
        settings.all().iter().filter(differs).map(|setting| setting.name).collect()
    }

    /// Restores the parts of the bucket's configuration that differ: those that must precede the
    /// objects, or those that must follow them. Returns what was set and what could not be.
    pub fn configure(
        &self,
        document: &BucketDocument,
        wanted: SettingSelection,
        when: SettingMoment,
    ) -> (Vec<&'static str>, Vec<RefusedSetting>) {
        let (mut set, mut refused) = (Vec::new(), Vec::new());
        let Some(settings) = self.store().settings() else { return (set, refused) };
        for setting in settings.all().iter().filter(|setting| setting.when == when) {
            let Some(text) = self.differing(settings, setting, document, wanted) else { continue };
            let sent = settings.put_setting(setting, text.to_owned());
            match self.runtime().block_on(sent) {
                Ok(()) => set.push(setting.name),
                Err(error) => refused.push(RefusedSetting { setting: setting.name, error }),
            }
        }
        (set, refused)
    }

    /// The document that a setting needs; `None` if it is already right.
    fn differing<'a>(
        &self,
        settings: &dyn Settings,
        setting: &Setting,
        document: &'a BucketDocument,
        wanted: SettingSelection,
    ) -> Option<&'a str> {
        let text = document.settings.get(setting.name).filter(|text| !says_nothing(text))?;
        let is_right = match self.runtime().block_on(settings.setting(setting)) {
            Ok(Some(standing)) => {
                wanted == SettingSelection::Missing && !says_nothing(&standing)
                    || settings.means_the_same(setting, &standing, text)
            }
            Ok(None) => false,
            // The credentials may be allowed to write it but not to read it.
            Err(_) => wanted == SettingSelection::Missing,
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
