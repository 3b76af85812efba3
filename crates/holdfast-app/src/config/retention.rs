//! `[retention]`: which snapshots to keep.

use holdfast_engine::retention::{Count, Policy, SPAN_PATTERN, Span, TagList};
use serde_json::{Value as Json, json};

use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::{Choice, SettingField, SettingValue};

/// `[retention]`: which snapshots to keep after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// The rules.
    pub policy: Policy,
    /// True if each run prunes what was removed.
    pub prune: bool,
    /// What a run does with old snapshots if the new one is in doubt.
    pub in_doubt: InDoubt,
}

/// What a run does with old snapshots if a check failed or a source shrank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InDoubt {
    /// Keep all of them.
    #[default]
    Keep,
    /// Apply the rules.
    Remove,
}

impl Choice for InDoubt {
    const WORDS: &'static [(&'static str, Self)] =
        &[("keep", Self::Keep), ("remove", Self::Remove)];
}

impl SettingTable for Retention {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let mut policy = Policy {
            last: section.optional("last", "Number of newest snapshots to keep, or \"unlimited\"."),
            hourly: section
                .optional("hourly", "Number of hourly snapshots to keep: the last of each hour."),
            daily: section
                .optional("daily", "Number of daily snapshots to keep: the last of each day."),
            weekly: section
                .optional("weekly", "Number of weekly snapshots to keep: the last of each week."),
            monthly: section.optional(
                "monthly",
                "Number of monthly snapshots to keep: the last of each month.",
            ),
            yearly: section
                .optional("yearly", "Number of yearly snapshots to keep: the last of each year."),
            within: section.optional("within", "Keep all snapshots younger than this, as in 2d."),
            within_hourly: section.optional(
                "within-hourly",
                "Of snapshots younger than this, keep the last of each hour.",
            ),
            within_daily: section.optional(
                "within-daily",
                "Of snapshots younger than this, keep the last of each day.",
            ),
            within_weekly: section.optional(
                "within-weekly",
                "Of snapshots younger than this, keep the last of each week.",
            ),
            within_monthly: section.optional(
                "within-monthly",
                "Of snapshots younger than this, keep the last of each month, as in 2y6m.",
            ),
            within_yearly: section.optional(
                "within-yearly",
                "Of snapshots younger than this, keep the last of each year.",
            ),
            ..Policy::default()
        };
        let tags: Option<Vec<String>> =
            section.optional("tags", "Keep snapshots that have any of these tags.");
        policy.tags = tags.into_iter().flatten().map(|tag| TagList(vec![tag])).collect();
        let prune = section.optional(
            "prune",
            "false leaves freeing the space of removed snapshots to a later prune. \
             Default: true.",
        );
        let in_doubt = section.optional(
            "in-doubt",
            "What a run does with old snapshots if a check failed or a source shrank: keep (the \
             default) removes none, remove applies the rules as usual. Either way the last \
             complete snapshot is kept.",
        );
        if policy.is_empty() && section.is_sound() {
            section.refuse("", "[retention] has no rule that keeps a snapshot", "daily = 7");
        }
        let in_doubt = in_doubt.unwrap_or_default();
        Some(Self { policy, prune: prune.unwrap_or(true), in_doubt })
    }
}

impl SettingValue for Count {
    const EXPECTED: &'static str = "a whole number, or \"unlimited\"";
    const EXAMPLE: &'static str = "7";

    fn schema() -> Json {
        json!({ "oneOf": [
            { "type": "integer", "minimum": 1, "maximum": u32::MAX },
            { "const": "unlimited" },
        ] })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        match field.node.get_ref().as_str() {
            Some("unlimited") => Some(Self::Unlimited),
            Some(_) => {
                field.not_a::<Self>("must be a whole number, or \"unlimited\"");
                None
            }
            None => u32::read(field).map(Self::Number),
        }
    }
}

impl SettingValue for Span {
    const EXPECTED: &'static str = "a duration in quotes";
    const EXAMPLE: &'static str = "\"2y6m7d3h\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": SPAN_PATTERN })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        match field.text::<Self>()?.parse::<Self>() {
            Ok(span) => Some(span),
            Err(error) => {
                field.refuse(error.to_string(), format!("{} = \"30d\"", field.key));
                None
            }
        }
    }
}
