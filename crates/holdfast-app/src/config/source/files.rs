//! A source of type `files`.

use std::path::PathBuf;

use holdfast_connect::fs::filter::Filter;
use serde_json::{Value as Json, json};

use crate::config::length::Bytes;
use crate::config::section::{Section, Table};
use crate::config::value::{Field, Value};

/// Files and folders, as `holdfast backup` stores them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// What is kept; absolute, never empty.
    pub paths: Vec<PathBuf>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// The same without a difference between upper and lower case.
    pub exclude_any_case: Vec<String>,
    /// Folders are left out that hold a file of one of these names.
    pub exclude_if_present: Vec<String>,
    /// True if folders are left out that a `CACHEDIR.TAG` marks as caches.
    pub exclude_caches: bool,
    /// Files above this size are left out.
    pub exclude_larger_than: Option<Bytes>,
    /// True if other file systems are not entered.
    pub one_file_system: bool,
    /// What a restore gives them in place of what they had.
    pub restore: FilesRestore,
}

/// Owner and mode that restored files get in place of those they had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilesRestore {
    /// Owner and group.
    pub owner: Option<Owner>,
    /// Permissions of files; folders get those that they had.
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

impl Files {
    /// The rules that leave entries out; none if a pattern is malformed, which reading refuses.
    pub fn filter(&self) -> Filter {
        Filter::new(&self.exclude, &self.exclude_any_case).unwrap_or_default()
    }
}

impl Table for Files {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let paths: Option<Vec<PathBuf>> = section
            .required("paths", "Files and folders. Relative ones are relative to this file.");
        let exclude = section
            .optional("exclude", "Patterns of what is left out, as in *.tmp or /srv/app/cache.");
        let exclude_any_case = section
            .optional("exclude-any-case", "The same; upper and lower case make no difference.");
        let exclude_if_present = section.optional(
            "exclude-if-present",
            "Folders are left out that hold a file of one of these names.",
        );
        let exclude_caches = section.optional(
            "exclude-caches",
            "true leaves out folders that a CACHEDIR.TAG marks as caches. Default: false.",
        );
        let exclude_larger_than = section
            .optional("exclude-larger-than", "Files above this size are left out, as in 500M.");
        let one_file_system = section
            .optional("one-file-system", "true does not enter other file systems. Default: false.");
        let restore =
            section.table("restore", "What restored files get in place of what they had.");
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

/// Notes a pattern that no path can be compared with.
pub(in crate::config) fn check_patterns(
    section: &mut Section<'_, '_>,
    key: &str,
    patterns: &[String],
) {
    if let Err(error) = Filter::new(patterns, &[]) {
        section.refuse(
            key,
            error.to_string(),
            "closed brackets, and no \\ at the end of a pattern",
        );
    }
}

impl Table for FilesRestore {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let owner = section.optional("owner", "User and group as numbers, as in 1001:1001.");
        let mode: Option<Mode> = section.optional("mode", "Permissions of files, as in 0644.");
        Some(Self { owner, mode: mode.map(|Mode(mode)| mode) })
    }
}

impl Value for Owner {
    const EXPECTED: &'static str = "a user and a group in quotes";
    const EXAMPLE: &'static str = "\"1001:1001\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+:[0-9]+$" })
    }

    fn read(field: &mut Field<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let number = |digits: &str| {
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let owner = text
            .split_once(':')
            .and_then(|(uid, gid)| Some(Self { uid: number(uid)?, gid: number(gid)? }));
        if owner.is_none() {
            field.not_a::<Self>("must be two numbers with a colon between them");
        }
        owner
    }
}

struct Mode(u32);

impl Value for Mode {
    const EXPECTED: &'static str = "permissions in quotes";
    const EXAMPLE: &'static str = "\"0644\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^0?[0-7]{3}$" })
    }

    fn read(field: &mut Field<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(&text);
        let mode = Some(digits).filter(|digits| digits.len() == 3);
        let mode = mode.filter(|digits| digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte)));
        let mode = mode.and_then(|digits| u32::from_str_radix(digits, 8).ok());
        if mode.is_none() {
            field.not_a::<Self>("must be three octal digits, with or without a 0 before them");
        }
        mode.map(Self)
    }
}
