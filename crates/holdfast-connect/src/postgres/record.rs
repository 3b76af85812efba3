//! The JSON stored beside the data: `postgres.json` of a server, `content.json` of each database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::archive::{ContentKind, MemberSummary};

/// The form of both files. A reader that does not know it must reject them.
pub(super) const FORM: u32 = 1;

/// `postgres.json`: the server and the cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ServerRecord {
    /// Form of this file: 1.
    pub form: u32,
    /// When the cut was made, by the server's clock, in UTC: `2026-01-02T03:04:05.000006Z`.
    pub time: String,
    /// The server's version, as it reports it.
    pub server_version: String,
    /// The same as a number, such as 150018.
    pub server_version_number: u32,
    /// Major version of `pg_dump`.
    pub dump_major: u32,
    /// Identifies the cluster; none where the role may not query it.
    pub system_identifier: Option<String>,
    /// True if the server was a standby: its unlogged tables are empty.
    pub is_standby: bool,
    /// The mark in the server's WAL.
    pub restore_point: RestorePoint,
    /// The databases, ascending by name.
    pub databases: Vec<DatabaseRecord>,
}

/// The result of the restore point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum RestorePoint {
    /// None was wanted.
    NotWanted,
    /// The server did not create it.
    Refused {
        /// The server's message.
        reason: String,
    },
    /// It was created.
    Made {
        /// Its name, for `recovery_target_name`.
        name: String,
        /// Its WAL position.
        lsn: String,
    },
}

/// One database at the cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatabaseRecord {
    /// Its name.
    pub name: String,
    /// Its folder below `databases`.
    pub folder: String,
    /// Name of the exported snapshot. It is of use only while the cut is open.
    pub snapshot: String,
    /// Transactions that the snapshot sees: `xmin:xmax:running`.
    pub transactions: String,
    /// WAL position right after the snapshot was taken.
    pub lsn: String,
    /// Its owner.
    pub owner: String,
    /// Its encoding, such as `UTF8`.
    pub encoding: String,
    /// Collation, as in `LC_COLLATE`.
    pub collate: String,
    /// Character classes, as in `LC_CTYPE`.
    pub ctype: String,
    /// `c` for the system's, `i` for ICU, `b` for built-in; none before PostgreSQL 15.
    pub locale_provider: Option<String>,
    /// Locale of ICU or built-in.
    pub locale: Option<String>,
    /// ICU rules in addition to those of its locale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icu_rules: Option<String>,
    /// Its tablespace, unless it is the server's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    /// Version of the collation.
    pub collation_version: Option<String>,
    /// Size on the server's disk in bytes.
    pub bytes: u64,
    /// Extensions and their versions.
    pub extensions: BTreeMap<String, String>,
}

/// `content.json`: what the dump of one database contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatabaseContent {
    /// Form of this file: 1.
    pub form: u32,
    /// Name of the database.
    pub database: String,
    /// How to create a new database for it.
    pub record: Option<DatabaseRecord>,
    /// Tables and large objects in the order of the dump.
    pub members: Vec<MemberRecord>,
}

/// A table or a large object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MemberRecord {
    /// Number of its entry in the table of contents.
    pub dump_id: i32,
    /// OID, if it is a large object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large_object: Option<u32>,
    /// Its schema, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its name; empty for a large object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its file, below the database's folder.
    pub path: String,
    /// What is counted.
    pub kind: MemberKind,
    /// Rows; lines of SQL; 0 for a large object.
    pub rows: u64,
    /// Bytes of the lines, or of the large object.
    pub bytes: u64,
    /// Hash in hexadecimal: for rows a sum that does not depend on their order.
    pub hash: String,
}

/// The kind of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberKind {
    /// Rows of a table.
    Rows,
    /// SQL.
    Statements,
    /// Bytes of a large object.
    LargeObject,
}

impl MemberRecord {
    /// True if `content` is what was captured.
    pub fn is(&self, content: &MemberSummary) -> bool {
        let hash = format!("{:032x}", content.hash);
        (self.kind, self.rows, self.bytes, &self.hash)
            == (content.kind.into(), content.rows, content.bytes, &hash)
    }

    /// The member, for messages.
    pub fn label(&self) -> String {
        match (self.large_object, &self.schema) {
            (Some(oid), _) => format!("large object {oid}"),
            (None, Some(schema)) => format!("table {schema}.{}", self.name),
            (None, None) => format!("table {}", self.name),
        }
    }
}

impl From<ContentKind> for MemberKind {
    fn from(kind: ContentKind) -> Self {
        match kind {
            ContentKind::Rows => Self::Rows,
            ContentKind::Statements => Self::Statements,
            ContentKind::Bytes => Self::LargeObject,
        }
    }
}

/// A record as a file: with line feeds, so that people and `diff` can read it.
pub(super) fn to_json(record: &impl Serialize) -> std::io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(record).map_err(std::io::Error::other)?;
    bytes.push(b'\n');
    Ok(bytes)
}
