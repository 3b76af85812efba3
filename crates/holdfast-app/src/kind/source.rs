//! `[[source]]`: what an application consists of, in the order in which it is captured.

use holdfast_engine::completeness::ShrinkLimit;
use serde_json::{Value as Json, json};

use super::SourceKind;
use crate::settings::SourceName;
use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::{Choice, SettingField, SettingValue};

/// One part of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSource {
    /// Its name, also the name of its tree in the snapshot.
    pub name: SourceName,
    /// Which repository stores it.
    pub class: Class,
    /// The share of its former size below which it counts as shrunk.
    pub shrink_limit: ShrinkLimit,
    /// What it is.
    pub kind: SourceKind,
}

/// Which repository stores a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// The main one.
    #[default]
    Data,
    /// The one of keys.
    Keys,
}

impl Choice for Class {
    const WORDS: &'static [(&'static str, Self)] = &[("data", Self::Data), ("keys", Self::Keys)];
}

impl SettingTable for AppSource {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let name = section
            .required("name", "Name of the source, also the name of its tree in the snapshot.");
        let class = section.optional(
            "class",
            "keys stores the source in [repository.keys], apart from the data it opens. Default: \
             data.",
        );
        let shrink_limit = section.optional(
            "shrink-limit",
            "A source with less than this share of the entries or bytes of its last complete \
             capture counts as shrunk, and no old snapshot is removed. Entry counts below 10 and \
             sizes below 1 MiB in that capture are not compared. 0% turns this off. Default: 50%.",
        );
        let kind = section.variant("type", "Type of the source.", SourceKind::VARIANTS);
        let (class, shrink_limit) = (class.unwrap_or_default(), shrink_limit.unwrap_or_default());
        Some(Self { name: name?, class, shrink_limit, kind: kind? })
    }
}

impl SettingValue for ShrinkLimit {
    const EXPECTED: &'static str = "a percentage in quotes";
    const EXAMPLE: &'static str = "\"50%\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(100|[0-9]{1,2})%$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        match field.text::<Self>()?.parse::<Self>() {
            Ok(limit) => Some(limit),
            Err(error) => {
                field.refuse(error.to_string(), format!("{} = \"50%\"", field.key));
                None
            }
        }
    }
}
