//! Values of flags: sizes, percentages, parts, durations, lists. Errors state the expected form.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use holdfast_backend::STORAGE_KINDS;
use holdfast_connect::fs::filter::Filter;
use holdfast_engine::retention::{Span, SpanError};
use holdfast_format::entry::is_valid_name;

const SIZE_HELP: &str = "expected a number of bytes, or one with K, M, G or T, as in 500M";

/// A number of bytes. The suffixes b, k, m, g and t, small or capital, are powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let (digits, shift) = match text.char_indices().last() {
            Some((at, 'b' | 'B')) => (&text[..at], 0),
            Some((at, 'k' | 'K')) => (&text[..at], 10),
            Some((at, 'm' | 'M')) => (&text[..at], 20),
            Some((at, 'g' | 'G')) => (&text[..at], 30),
            Some((at, 't' | 'T')) => (&text[..at], 40),
            _ => (text, 0),
        };
        let number = whole(digits).ok_or(SIZE_HELP)?;
        let bytes = number.checked_mul(1 << shift).ok_or("more than 16 EiB")?;
        Ok(Size(bytes))
    }
}

/// Digits only: `+5`, ` 5` and the empty text are refused.
fn whole(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The number before `%`, 0 to 100; `None` if it is not a percentage at all.
fn percent(text: &str) -> Option<Result<f64, String>> {
    let number = text.strip_suffix('%')?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = number.parse::<f64>().ok().filter(|value| plain && (0.0..=100.0).contains(value));
    Some(value.ok_or_else(|| "expected a percentage from 0% to 100%, as in 2.5%".to_owned()))
}

/// How much unused space is tolerated in the repository.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxUnusedArgument {
    /// A percentage of the repository.
    Percent(f64),
    /// A number of bytes.
    Bytes(u64),
    /// Any amount: no pack is rewritten.
    Unlimited,
}

impl FromStr for MaxUnusedArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<MaxUnusedArgument, String> {
        if text == "unlimited" {
            return Ok(MaxUnusedArgument::Unlimited);
        }
        match percent(text) {
            Some(percent) => percent.map(MaxUnusedArgument::Percent),
            None => match text.parse() {
                Ok(Size(bytes)) => Ok(MaxUnusedArgument::Bytes(bytes)),
                Err(_) => Err("expected a percentage (5%), a size (200M) or unlimited".to_owned()),
            },
        }
    }
}

/// The part of the data to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReadDataSubset {
    /// The n-th of t parts, both from 1; together the parts are everything.
    Part {
        /// Which part.
        number: u64,
        /// The number of parts.
        total: u64,
    },
    /// A percentage, chosen at random.
    Percent(f64),
    /// A number of bytes, chosen at random.
    Bytes(u64),
}

impl FromStr for ReadDataSubset {
    type Err = String;

    fn from_str(text: &str) -> Result<ReadDataSubset, String> {
        if let Some((number, total)) = text.split_once('/') {
            return match (whole(number), whole(total)) {
                (Some(number), Some(total)) if (1..=total).contains(&number) => {
                    Ok(ReadDataSubset::Part { number, total })
                }
                _ => Err("expected n/t with n from 1 to t, as in 1/7".to_owned()),
            };
        }
        match percent(text) {
            Some(Ok(percent)) if percent > 0.0 => Ok(ReadDataSubset::Percent(percent)),
            Some(_) => Err("expected a percentage above 0% and up to 100%, as in 2.5%".to_owned()),
            None => match text.parse() {
                Ok(Size(bytes)) if bytes > 0 => Ok(ReadDataSubset::Bytes(bytes)),
                _ => Err("expected a part (1/7), a percentage (2.5%) or a size (500M)".to_owned()),
            },
        }
    }
}

/// A duration such as `30d` or `1d12h`; a year has 365 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub Duration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Age, String> {
        let span: Span = text.parse().map_err(|error: SpanError| error.to_string())?;
        let months = "m means months, which differ in length: use days (d), or min for minutes";
        span.length().map(Age).ok_or_else(|| months.to_owned())
    }
}

/// Tags separated by commas, matching snapshots that have all of them. The empty list matches
/// snapshots without tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagListArgument(pub Vec<String>);

impl FromStr for TagListArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<TagListArgument, String> {
        let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        Ok(TagListArgument(tags.map(str::to_owned).collect()))
    }
}

/// `NAME` or `NAME:HEADER`: excludes folders that hold a file of that name (beginning with that
/// header).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcludeIfPresent {
    /// Name of the file.
    pub name: String,
    /// What its content must begin with.
    pub header: Option<String>,
}

impl ExcludeIfPresent {
    /// Name and header as bytes.
    pub fn bytes(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.name.clone().into_bytes(), self.header.clone().map(String::into_bytes))
    }
}

impl FromStr for ExcludeIfPresent {
    type Err = String;

    fn from_str(text: &str) -> Result<ExcludeIfPresent, String> {
        let (name, header) = match text.split_once(':') {
            Some((name, header)) => (name, Some(header.to_owned())),
            None => (text, None),
        };
        if name.is_empty() || name.contains('/') {
            return Err("expected the name of a file without slashes, as in .nobackup".to_owned());
        }
        Ok(ExcludeIfPresent { name: name.to_owned(), header })
    }
}

/// A storage option as in restic: `local.connections=4`, or any option of a storage that holdfast
/// does not support. Options are ignored, so only local options that can safely be ignored are
/// accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageOption;

impl FromStr for StorageOption {
    type Err = String;

    fn from_str(text: &str) -> Result<StorageOption, String> {
        let key = text.split('=').next().unwrap_or_default();
        let (storage, name) = key.split_once('.').unwrap_or((key, ""));
        let is_harmless = match storage {
            "local" => matches!(name, "connections" | "layout"),
            storage => STORAGE_KINDS.contains(&storage) && !name.is_empty(),
        };
        match is_harmless {
            true => Ok(StorageOption),
            false => Err(format!("unknown option {key}; restic's have the form {OPTION_HELP}")),
        }
    }
}

const OPTION_HELP: &str = "STORAGE.NAME=VALUE, as in s3.connections=10";

/// A whole number from `MIN` to `MAX`.
///
/// # Errors
/// The expected form.
pub fn number<const MIN: u32, const MAX: u32>(text: &str) -> Result<u32, String> {
    let number = whole(text).and_then(|number| u32::try_from(number).ok());
    number
        .filter(|number| (MIN..=MAX).contains(number))
        .ok_or_else(|| format!("expected a whole number from {MIN} to {MAX}"))
}

/// A text that can be parsed as a `T`, which is done later.
///
/// # Errors
/// The expected form.
pub fn checked<T: FromStr>(text: &str) -> Result<String, T::Err> {
    text.parse::<T>().map(|_| text.to_owned())
}

/// A day.
///
/// # Errors
/// The expected form.
pub fn day(text: &str) -> Result<jiff::civil::Date, String> {
    let help = "expected year, month and day, as in 2026-11-20";
    let is_plain = text.len() == 10 && text.bytes().all(|it| it.is_ascii_digit() || it == b'-');
    text.parse().ok().filter(|_| is_plain).ok_or_else(|| help.to_owned())
}

/// A pattern of names.
///
/// # Errors
/// The expected form.
pub fn pattern(text: &str) -> Result<String, String> {
    match Filter::new(&[text], &[]) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(PATTERN_HELP.to_owned()),
    }
}

/// How to correct a malformed pattern.
pub const PATTERN_HELP: &str =
    "close every [ and do not end with \\, as in *.tmp or [ab]*; \\[ matches a literal [";

/// The path, in a backup, of a file that exists in no file system.
///
/// # Errors
/// The expected form.
pub fn stream_name(text: &OsStr) -> Result<PathBuf, String> {
    let path = text.as_bytes();
    let path = path.strip_prefix(b"/").unwrap_or(path);
    match path.split(|byte| *byte == b'/').all(is_valid_name) {
        true => Ok(PathBuf::from(text)),
        false => Err("expected names separated by slashes, as in db/app.sql".to_owned()),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
