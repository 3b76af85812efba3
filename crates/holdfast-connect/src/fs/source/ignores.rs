//! Rules of `.gitignore` files.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::words::without_byte_order_mark;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The `.gitignore` file of a directory and those above it.
#[derive(Debug)]
pub struct Ignores {
    rules: Gitignore,
    above: Option<Arc<Ignores>>,
}

impl Ignores {
    /// The rules in `text`, which lies in the directory at `path`.
    ///
    /// If there are too many rules to compile.
    /// If the rules are too many to be compiled.
    pub fn new(path: &[u8], text: &[u8], above: Option<Arc<Self>>) -> io::Result<Self> {
        let mut builder = GitignoreBuilder::new(OsStr::from_bytes(path));
        for line in String::from_utf8_lossy(&without_byte_order_mark(text)).lines() {
            // Like git, ignore a malformed line.
            let _malformed = builder.add_line(None, line);
        }
        let rules = builder.build().map_err(io::Error::other)?;
        Ok(Self { rules, above })
    }

    /// True if the entry at `path` is to be left out; the nearest file that matches it decides.
    pub fn excludes(&self, path: &[u8], is_directory: bool) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        let mut current = Some(self);
        while let Some(ignores) = current {
            match ignores.rules.matched(path, is_directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => current = ignores.above.as_deref(),
            }
        }
        false
    }
}
