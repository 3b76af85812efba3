//! The contents of a capture, held in memory, and how the tests make one.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_connect::conformance::check_source;
use holdfast_connect::postgres::{
    Cut, DatabaseContent, Globals, MemberRecord, PostgresOptions, PostgresSource, Server,
    StoredDatabase,
};
use holdfast_connect::{Item, Piece, Source};

use crate::cluster::Cluster;

/// The server of a cluster, for a role and a database.
pub fn server(cluster: &Cluster, role: &str, database: &str) -> Server {
    let folder = cluster.folder().display();
    let mut server = Server::new(format!("postgres://{role}@/{database}?host={folder}&port=5432"));
    server.tools = Some(cluster.programs().to_owned());
    server
}

/// One database of a cluster, without roles.
pub fn options(cluster: &Cluster, database: &str) -> PostgresOptions {
    let mut options = PostgresOptions::new(server(cluster, "demo", database));
    options.globals = Globals::None;
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
pub struct Tree(pub BTreeMap<String, Vec<u8>>, pub Vec<String>);

/// Captures everything.
pub fn capture(options: PostgresOptions) -> io::Result<Tree> {
    capture_cut(Arc::new(Cut::open(options)?))
}

/// Captures what a cut sees.
pub fn capture_cut(cut: Arc<Cut>) -> io::Result<Tree> {
    read(&mut PostgresSource::new(cut))
}

/// Reads a source to its end.
pub fn read(source: &mut dyn Source) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let (mut folders, mut items) = (Vec::new(), Vec::new());
    while let Some(item) = source.next()? {
        match &item {
            Item::Enter { name, .. } => folders.push(String::from_utf8(name.clone()).unwrap()),
            Item::Leave => drop(folders.pop()),
            Item::Leaf(leaf) => {
                let mut path = folders.clone();
                path.push(String::from_utf8(leaf.name.clone()).unwrap());
                let mut content = leaf.opener.open()?;
                let (mut bytes, mut buffer) = (Vec::new(), vec![0; 10_007]);
                while let Piece::Data(count) = content.read(&mut buffer)? {
                    bytes.extend_from_slice(&buffer[..count]);
                }
                assert_eq!(content.changed()?, None);
                assert!(tree.0.insert(path.join("/"), bytes).is_none());
            }
            Item::Trouble(trouble) => {
                let path = String::from_utf8_lossy(&trouble.path);
                tree.1.push(format!("{path}: {}", trouble.error));
            }
            other => panic!("{other:?}"),
        }
        items.push(item);
    }
    check_source(&items).unwrap();
    Ok(tree)
}

impl Tree {
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
    pub fn stored(&self, database: &str) -> Stored<'_> {
        Stored { tree: self, folder: Path::new("databases").join(database) }
    }
}

/// A database of a tree.
pub struct Stored<'a> {
    tree: &'a Tree,
    folder: PathBuf,
}

impl StoredDatabase for Stored<'_> {
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let path = self.folder.join(path);
        let bytes = self.tree.0.get(path.to_str().unwrap());
        let bytes = bytes.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not stored"))?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }
}
