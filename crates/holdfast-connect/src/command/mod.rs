//! A single file made from a stream of bytes: standard input, or the output of a command.

mod process;
mod single;
mod stream;
mod waiting;

#[cfg(test)]
mod tests;

pub use process::CommandSource;
pub use stream::StreamSource;
pub use waiting::StoppableInput;

use std::io;

use holdfast_format::entry::{FileTime, is_valid_name};

/// The metadata that a stream does not carry itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEntry {
    /// Path of the file in the backup, with or without a leading slash. The user chooses it; the
    /// stream has no influence on it.
    pub file_name: Vec<u8>,
    /// Its times.
    pub time: FileTime,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Owner's name; may be empty.
    pub user: Vec<u8>,
    /// Group's name; may be empty.
    pub group: Vec<u8>,
}

/// Names of the directories above a file, then its own.
type PathNames = (Vec<Vec<u8>>, Vec<u8>);

impl StreamEntry {
    /// The names that make up the path.
    fn names(&self) -> io::Result<PathNames> {
        let path = self.file_name.strip_prefix(b"/").unwrap_or(&self.file_name);
        let mut names: Vec<Vec<u8>> =
            path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect();
        if names.iter().all(|name| is_valid_name(name))
            && let Some(name) = names.pop()
        {
            return Ok((names, name));
        }
        let name = String::from_utf8_lossy(&self.file_name);
        let text = format!("{name:?} cannot be the name of a file in a backup");
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }
}
