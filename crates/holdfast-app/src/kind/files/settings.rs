//! A source of type `files`.

use std::path::PathBuf;

use holdfast_connect::fs::filter::Filter;
use serde_json::{Value as Json, json};

use crate::settings::Bytes;
use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::{SettingField, SettingValue};

/// Files and folders, as `holdfast backup` stores them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilesSettings {
    /// What is backed up; absolute, never empty.
    pub paths: Vec<PathBuf>,
    /// Patterns to exclude.
    pub exclude: Vec<String>,
    /// Like `exclude`, but case-insensitive.
    pub exclude_any_case: Vec<String>,
    /// Exclude folders that contain a file with one of these names.
    pub exclude_if_present: Vec<String>,
    /// True to exclude folders that a `CACHEDIR.TAG` marks as caches.
    pub exclude_caches: bool,
    /// Exclude files larger than this.
    pub exclude_larger_than: Option<Bytes>,
    /// True to stay within one file system.
    pub one_file_system: bool,
    /// Owner and mode of restored files.
    pub restore: FilesRestore,
}

/// Owner and mode that restored files get instead of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilesRestore {
    /// Owner and group.
    pub owner: Option<Owner>,
    /// Permissions of files; folders keep theirs.
    pub mode: Option<u32>,
}

/// A numeric user and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl FilesSettings {
    /// The rules that exclude entries; none if a pattern is malformed, which reading refuses.
    pub fn filter(&self) -> Filter {
        Filter::new(&self.exclude, &self.exclude_any_case).unwrap_or_default()
    }
}

impl SettingTable for FilesSettings {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let paths: Option<Vec<PathBuf>> = section
            .required("paths", "Files and folders. Relative paths are relative to this file.");
        let exclude =
            section.optional("exclude", "Patterns to exclude, as in *.tmp or /srv/app/cache.");
        let exclude_any_case =
            section.optional("exclude-any-case", "Like exclude, but case-insensitive.");
        let exclude_if_present = section.optional(
            "exclude-if-present",
            "Exclude folders that contain a file with one of these names.",
        );
        let exclude_caches = section.optional(
            "exclude-caches",
            "true excludes folders that a CACHEDIR.TAG marks as caches. Default: false.",
        );
        let exclude_larger_than =
            section.optional("exclude-larger-than", "Exclude files larger than this, as in 500M.");
        let one_file_system = section
            .optional("one-file-system", "true stays within one file system. Default: false.");
        let restore = section
            .table("restore", "Owner and mode that restored files get instead of their own.");
        let files = Self {
            paths: paths?,
            exclude: exclude.unwrap_or_default(),
            exclude_any_case: exclude_any_case.unwrap_or_default(),
            exclude_if_present: exclude_if_present.unwrap_or_default(),
            exclude_caches: exclude_caches.unwrap_or_default(),
            exclude_larger_than,
            one_file_system: one_file_system.unwrap_or_default(),
            restore: restore.unwrap_or_default(),
        };
        if files.paths.is_empty() {
            section.refuse("paths", "`paths` is empty", "paths = [\"/path/to/it\"]");
        }
        check_patterns(section, "exclude", &files.exclude);
        check_patterns(section, "exclude-any-case", &files.exclude_any_case);
        Some(files)
    }
}

/// Notes malformed patterns.
fn check_patterns(section: &mut SettingSection<'_, '_>, key: &str, patterns: &[String]) {
    if let Err(error) = Filter::new(patterns, &[]) {
        section.refuse(
            key,
            error.to_string(),
            "close all brackets, and do not end a pattern with \\",
        );
    }
}

impl SettingTable for FilesRestore {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let owner = section.optional("owner", "User and group as numbers, as in 1001:1001.");
        let mode: Option<FilePermissions> =
            section.optional("mode", "Permissions of files, as in 0644.");
        Some(Self { owner, mode: mode.map(|FilePermissions(mode)| mode) })
    }
}

impl SettingValue for Owner {
    const EXPECTED: &'static str = "a user and a group in quotes";
    const EXAMPLE: &'static str = "\"1001:1001\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+:[0-9]+$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let number = |digits: &str| {
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let owner = text
            .split_once(':')
            .and_then(|(uid, gid)| Some(Self { uid: number(uid)?, gid: number(gid)? }));
        if owner.is_none() {
            field.not_a::<Self>("must be two numbers separated by a colon");
        }
        owner
    }
}

struct FilePermissions(u32);

impl SettingValue for FilePermissions {
    const EXPECTED: &'static str = "permissions in quotes";
    const EXAMPLE: &'static str = "\"0644\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^0?[0-7]{3}$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(&text);
        let mode = Some(digits).filter(|digits| digits.len() == 3);
        let mode = mode.filter(|digits| digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte)));
        let mode = mode.and_then(|digits| u32::from_str_radix(digits, 8).ok());
        if mode.is_none() {
            field.not_a::<Self>("must be three octal digits, with or without a leading 0");
        }
        mode.map(Self)
    }
}
