//! Exclude and include rules, from flags and files.

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::slice::from_ref;

use holdfast_connect::fs::filter::{Filter, IncludeFilter, read_patterns};
use holdfast_connect::fs::target::AttributeRule;
use holdfast_format::record::Text;

use crate::cmd::shared::{AttributeArgs, ExcludeArgs, IncludeArgs};
use crate::environment::Environment;
use crate::exit::{CommandError, CommandResult};
use crate::output::escape;
use crate::parse::PATTERN_HELP;

/// What is excluded.
pub struct Excludes {
    /// The rules.
    pub filter: Filter,
    /// Their patterns.
    pub exact: Vec<Text>,
    /// Case-insensitive rules.
    pub any_case: Vec<Text>,
}

/// What is excluded.
///
/// # Errors
/// A usage error for a malformed pattern; a pattern file cannot be read.
pub fn excludes(args: &ExcludeArgs, environment: &Environment) -> CommandResult<Excludes> {
    let exact = patterns(&args.exclude, &args.exclude_file, environment)?;
    let any_case = patterns(&args.iexclude, &args.iexclude_file, environment)?;
    let filter =
        Filter::new(&exact, &any_case).map_err(|error| CommandError::usage(error.to_string()))?;
    let texts = |patterns: Vec<Vec<u8>>| patterns.into_iter().map(Text).collect();
    Ok(Excludes { filter, exact: texts(exact), any_case: texts(any_case) })
}

/// What to include in a restore.
///
/// # Errors
/// As [`excludes`].
pub fn include(args: &IncludeArgs, environment: &Environment) -> CommandResult<IncludeFilter> {
    let exact = patterns(&args.include, &args.include_file, environment)?;
    let any_case = patterns(&args.iinclude, &args.iinclude_file, environment)?;
    IncludeFilter::new(&exact, &any_case).map_err(|error| CommandError::usage(error.to_string()))
}

/// What to include in a restore, pattern by pattern, without negated patterns.
///
/// # Errors
/// As [`excludes`].
pub fn include_each(
    args: &IncludeArgs,
    environment: &Environment,
) -> CommandResult<Vec<(String, IncludeFilter)>> {
    let exact = patterns(&args.include, &args.include_file, environment)?;
    let any_case = patterns(&args.iinclude, &args.iinclude_file, environment)?;
    let none: &[Vec<u8>] = &[];
    let exact = exact.into_iter().map(|it| (IncludeFilter::new(&[&it], &[]), it));
    let any_case = any_case.into_iter().map(|it| (IncludeFilter::new(none, from_ref(&it)), it));
    let all = exact.chain(any_case).filter(|(_, text)| !text.starts_with(b"!"));
    all.map(|(filter, text)| {
        let filter = filter.map_err(|error| CommandError::usage(error.to_string()))?;
        Ok((String::from_utf8_lossy(&text).into_owned(), filter))
    })
    .collect()
}

/// Which extended attributes are restored.
///
/// # Errors
/// A usage error for a malformed pattern.
pub fn attributes(args: &AttributeArgs) -> CommandResult<AttributeRule> {
    let rules = |patterns: &[String]| {
        Filter::new(patterns, &[]).map_err(|error| CommandError::usage(error.to_string()))
    };
    Ok(match (args.include_xattr.as_slice(), args.exclude_xattr.as_slice()) {
        ([], []) => AttributeRule::All,
        ([], except) => AttributeRule::Except(rules(except)?),
        (only, _) => AttributeRule::Only(rules(only)?),
    })
}

fn patterns(
    given: &[String],
    files: &[PathBuf],
    environment: &Environment,
) -> CommandResult<Vec<Vec<u8>>> {
    let mut all: Vec<Vec<u8>> = given.iter().map(|text| text.clone().into_bytes()).collect();
    let variable = |name: &[u8]| {
        let name = std::str::from_utf8(name).ok()?;
        environment.variable(name).map(OsStringExt::into_vec)
    };
    for file in files {
        let content = std::fs::read(file)
            .map_err(|error| CommandError::path("read the pattern file", file, &error))?;
        let read = read_patterns(&content, &variable);
        if let Err(error) = Filter::new(&read, &[]) {
            let message = format!("{}: {error}; {PATTERN_HELP}", escape::path(file));
            return Err(CommandError::usage(message));
        }
        all.extend(read);
    }
    Ok(all)
}
