//! What a stream that is not an archive looks like, so that the message can help.

use std::fmt;

/// The start of every archive.
pub(super) const MAGIC: &[u8] = b"PGDMP";

/// What a stream looks like from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// It has no bytes.
    Empty,
    /// An SQL script of pg_dump or pg_dumpall.
    PlainSql,
    /// A tar file, as `pg_dump -Ft` writes it.
    Tar,
    /// The table of contents of a directory or tar file, without the data.
    TocFile,
    /// Compressed as a whole, with this method.
    Compressed(&'static str),
    /// Encrypted, with this method.
    Encrypted(&'static str),
    /// Text, such as an error message.
    Text,
    /// Other output, followed by an archive.
    Preceded,
    /// Anything else.
    Unknown,
}

/// How streams from other programs begin, and what they are.
const BEGINNINGS: &[(&[u8], Looks)] = &[
    (b"--\n-- PostgreSQL database", Looks::PlainSql),
    (b"--\r\n-- PostgreSQL database", Looks::PlainSql),
    (b"\x1f\x8b", Looks::Compressed("gzip")),
    (b"\x28\xb5\x2f\xfd", Looks::Compressed("zstd")),
    (b"\x04\x22\x4d\x18", Looks::Compressed("lz4")),
    (b"\xfd7zXZ\0", Looks::Compressed("xz")),
    (b"BZh", Looks::Compressed("bzip2")),
    (b"PK\x03\x04", Looks::Compressed("zip")),
    (b"age-encryption.org/", Looks::Encrypted("age")),
    (b"-----BEGIN AGE ENCRYPTED FILE", Looks::Encrypted("age")),
    (b"-----BEGIN PGP MESSAGE", Looks::Encrypted("PGP")),
    (b"Salted__", Looks::Encrypted("openssl")),
];

impl Looks {
    /// Number of bytes from the start of a stream that this takes.
    pub(super) const BYTES: usize = 512;

    /// Identifies a stream by its first [`Looks::BYTES`] bytes.
    pub(super) fn of(start: &[u8]) -> Self {
        if start.is_empty() {
            return Self::Empty;
        }
        if let Some((_, looks)) = BEGINNINGS.iter().find(|(bytes, _)| start.starts_with(bytes)) {
            return *looks;
        }
        if start.get(257..262) == Some(b"ustar") {
            return Self::Tar;
        }
        if start.windows(MAGIC.len()).any(|bytes| bytes == MAGIC) {
            return Self::Preceded;
        }
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0x80..);
        match start.iter().all(is_text) {
            true => Self::Text,
            false => Self::Unknown,
        }
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("it is empty, so the command wrote nothing"),
            Self::PlainSql => formatter.write_str("it is an SQL script; add -Fc to pg_dump"),
            Self::Tar => formatter.write_str("it is a tar file; use -Fc instead of -Ft"),
            Self::TocFile => formatter
                .write_str("it is the table of contents of a directory or tar archive; use -Fc"),
            Self::Compressed(method) => write!(
                formatter,
                "it is compressed with {method}; pass on the output of pg_dump unchanged, and have \
                 it write -Z0"
            ),
            Self::Encrypted(method) => {
                write!(
                    formatter,
                    "it is encrypted with {method}; pass on the output of pg_dump unchanged"
                )
            }
            Self::Text => {
                formatter.write_str("it is text, perhaps an error message of the command")
            }
            Self::Preceded => formatter
                .write_str("other output precedes it, perhaps from a login script; keep that out"),
            Self::Unknown => formatter.write_str("it does not look like a dump"),
        }
    }
}
