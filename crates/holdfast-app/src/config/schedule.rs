//! `[schedule]`: when runs start. `holdfast schedule` generates units, a crontab or a CronJob from
//! it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Time;
use serde_json::{Value as Json, json};

use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::{Choice, SettingField, SettingValue};

/// When a daily run starts if the file does not say.
const DAILY: Time = Time::constant(2, 0, 0, 0);

/// `[schedule]`: when runs start, and what they may do on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRules {
    /// How often.
    pub every: Every,
    /// Longest delay of the start, so that machines do not all start at once.
    pub spread: Duration,
    /// User that runs the service; root if absent.
    pub user: Option<String>,
    /// Folders that a run may write to, in addition to those that the file names.
    pub writable: Vec<PathBuf>,
}

/// How often runs start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// Once an hour, at this minute.
    Hour {
        /// 0 to 59.
        minute: i8,
    },
    /// Once a day, at this time.
    Day {
        /// Hours and minutes.
        at: Time,
    },
}

impl Default for ScheduleRules {
    fn default() -> Self {
        Self {
            every: Every::Hour { minute: 0 },
            spread: Duration::from_secs(300),
            user: None,
            writable: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum SchedulePeriod {
    Hour,
    Day,
}

impl Choice for SchedulePeriod {
    const WORDS: &'static [(&'static str, Self)] = &[("hour", Self::Hour), ("day", Self::Day)];
}

impl SettingTable for ScheduleRules {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let every = section.optional("every", "How often to run: hour (the default) or day.");
        let at: Option<Clock> = section.optional(
            "at",
            "When a run starts: 02:30 if daily (default: 02:00), :30 if hourly (default: :00).",
        );
        let spread: Option<Duration> = section.optional(
            "spread",
            "Longest delay of a start, so that machines do not all start at once. Default: 5min.",
        );
        let user = section.optional(
            "user",
            "User that runs the service; it is allowed to read all files. Default: root.",
        );
        let writable = section.optional(
            "writable",
            "Folders, in addition to the repositories, that the systemd unit may write to; hooks \
             may need some.",
        );
        let every = match (every.unwrap_or(SchedulePeriod::Hour), at) {
            (SchedulePeriod::Hour, None) => Every::Hour { minute: 0 },
            (SchedulePeriod::Hour, Some(Clock { hour: None, minute })) => Every::Hour { minute },
            (SchedulePeriod::Day, None) => Every::Day { at: DAILY },
            (SchedulePeriod::Day, Some(Clock { hour: Some(hour), minute })) => {
                Every::Day { at: Time::new(hour, minute, 0, 0).ok()? }
            }
            (SchedulePeriod::Hour, Some(_)) => {
                section.refuse("at", "an hourly run has a minute but no hour", "at = \":30\"");
                return None;
            }
            (SchedulePeriod::Day, Some(_)) => {
                section.refuse("at", "a daily run needs an hour", "at = \"02:30\"");
                return None;
            }
        };
        let spread = spread.unwrap_or(Self::default().spread);
        Some(Self { every, spread, user, writable: writable.unwrap_or_default() })
    }
}

/// A time of day, or a minute of every hour.
struct Clock {
    hour: Option<i8>,
    minute: i8,
}

impl SettingValue for Clock {
    const EXPECTED: &'static str = "a time in quotes";
    const EXAMPLE: &'static str = "\"02:30\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3])?:[0-5][0-9]$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let number = |digits: &str, above: i8| {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<i8>().ok().filter(|number| plain && *number < above)
        };
        let clock = text.split_once(':').and_then(|(hour, minute)| {
            let minute = number(minute, 60)?;
            if hour.is_empty() {
                return Some(Self { hour: None, minute });
            }
            Some(Self { hour: Some(number(hour, 24)?), minute })
        });
        if clock.is_none() {
            field.not_a::<Self>("must be a time such as 02:30, or :30 for every hour");
        }
        clock
    }
}
