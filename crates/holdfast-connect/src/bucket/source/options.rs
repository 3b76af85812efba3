//! What is read of a bucket.

use holdfast_format::entry::FileTime;

use super::super::object::Tags;

/// Which versions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionSelection {
    /// The newest of each key, as listed. A listing takes time, and objects may change meanwhile.
    Newest,
    /// The newest of each key at a single moment, the cut. A bucket without versioning is listed as
    /// with `Newest`.
    Cut,
    /// Like `Cut`, plus all other versions and delete markers up to it, below `versions/`.
    All,
}

/// How a bucket becomes a tree.
#[derive(Debug, Clone)]
pub struct BucketSourceOptions {
    /// Only keys with this prefix; may be empty.
    pub prefix: String,
    /// Which versions.
    pub versions: VersionSelection,
    /// The moment of the cut; `None` for the moment at which the source is created, by the server's
    /// clock.
    pub cut: Option<FileTime>,
    /// Which tags.
    pub tags: Tags,
    /// True if unreadable tags make the source incomplete; otherwise they are only reported.
    pub must_have_tags: bool,
    /// True to request the access control list of every object that is read.
    pub with_acl: bool,
    /// True to keep the bucket's own configuration.
    pub with_configuration: bool,
    /// Tags, ACLs and locks change neither ETag nor time, so the attributes of all objects must be
    /// read again now and then. This is when that was last done, or is to be done by this source;
    /// entries show it as their change time if it is later than that of their content. The
    /// attributes of an unchanged object are read again when its change time differs from the
    /// parent snapshot's.
    pub attributes_as_of: Option<FileTime>,
    /// True to read all attributes ahead, many at a time, because this source does what
    /// `attributes_as_of` says.
    pub look_ahead: bool,
    /// Ascending keys, some thousands apart, at which the listing may be cut to be made in
    /// parallel: from the parent snapshot. Without them it is cut where keys are guessed to be.
    pub split_keys: Vec<String>,
}

impl Default for BucketSourceOptions {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            versions: VersionSelection::Newest,
            cut: None,
            tags: Tags::WhereTold,
            must_have_tags: true,
            with_acl: false,
            with_configuration: true,
            attributes_as_of: None,
            look_ahead: false,
            split_keys: Vec::new(),
        }
    }
}
