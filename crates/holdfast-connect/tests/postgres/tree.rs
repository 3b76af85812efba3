//! The contents of a capture, held in memory, and how the tests make one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_connect::conformance::check_source;
use holdfast_connect::postgres::{
    Cut, DatabaseContent, GlobalsSelection, MemberRecord, PostgresOptions, PostgresServer,
    PostgresSource, StoredDatabase,
};
use holdfast_connect::{ContentPiece, Source, SourceItem};

use crate::cluster::Cluster;

/// The server of a cluster, for a role and a database.
pub fn server(cluster: &Cluster, role: &str, database: &str) -> PostgresServer {
    let folder = cluster.folder().display();
    let mut server =
        PostgresServer::new(format!("postgres://{role}@/{database}?host={folder}&port=5432"));
    server.tools = Some(cluster.programs().to_owned());
    server
}

/// One database of a cluster, without roles.
pub fn options(cluster: &Cluster, database: &str) -> PostgresOptions {
    let mut options = PostgresOptions::new(server(cluster, "demo", database));
    options.globals = GlobalsSelection::None;
    options
}

/// A script in the cluster's folder.
pub fn script(cluster: &Cluster, name: &str, text: &str) -> PathBuf {
    let path = cluster.folder().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Paths and contents, and what is missing.
#[derive(Debug, Clone, Default)]
pub struct PostgresTree(pub BTreeMap<String, Vec<u8>>, pub Vec<String>);

/// Captures everything.
pub fn capture(options: PostgresOptions) -> io::Result<PostgresTree> {
    capture_cut(Arc::new(Cut::open(options)?))
}

/// Captures what a cut sees.
pub fn capture_cut(cut: Arc<Cut>) -> io::Result<PostgresTree> {
    read(&mut PostgresSource::new(cut))
}

/// Reads a source to its end.
pub fn read(source: &mut dyn Source) -> io::Result<PostgresTree> {
    let mut tree = PostgresTree::default();
    let (mut folders, mut items) = (Vec::new(), Vec::new());
    while let Some(item) = source.next()? {
        match &item {
            SourceItem::Enter { name, .. } => {
                folders.push(String::from_utf8(name.clone()).unwrap())
            }
            SourceItem::Leave => drop(folders.pop()),
            SourceItem::Leaf(leaf) => {
                let mut path = folders.clone();
                path.push(String::from_utf8(leaf.name.clone()).unwrap());
                let mut content = leaf.opener.open()?;
                let (mut bytes, mut buffer) = (Vec::new(), vec![0; 10_007]);
                while let ContentPiece::Data(count) = content.read(&mut buffer)? {
                    bytes.extend_from_slice(&buffer[..count]);
                }
                assert_eq!(content.changed()?, None);
                assert!(tree.0.insert(path.join("/"), bytes).is_none());
            }
            SourceItem::Unread(unread) => {
                let path = String::from_utf8_lossy(&unread.path);
                tree.1.push(format!("{path}: {}", unread.error));
            }
            other => panic!("{other:?}"),
        }
        items.push(item);
    }
    check_source(&items).unwrap();
    Ok(tree)
}

impl PostgresTree {
    /// The names of all files.
    pub fn paths(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// A file as JSON.
    pub fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.0[path]).unwrap()
    }

    /// The content record of a database.
    pub fn content(&self, database: &str) -> DatabaseContent {
        serde_json::from_slice(&self.0[&format!("databases/{database}/content.json")]).unwrap()
    }

    /// One table of it.
    pub fn table(&self, database: &str, name: &str) -> MemberRecord {
        let content = self.content(database);
        content.members.into_iter().find(|member| member.name == name).unwrap()
    }

    /// A database of the tree, to be restored.
    pub fn stored(&self, database: &str) -> TreeDatabase<'_> {
        TreeDatabase { tree: self, folder: Path::new("databases").join(database) }
    }
}

/// A database of a tree.
pub struct TreeDatabase<'a> {
    tree: &'a PostgresTree,
    folder: PathBuf,
}

impl StoredDatabase for TreeDatabase<'_> {
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let path = self.folder.join(path);
        let bytes = self.tree.0.get(path.to_str().unwrap());
        let bytes = bytes.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not stored"))?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }
}
