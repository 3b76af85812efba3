//! A target that keeps files in a map.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use holdfast_connect::{Existing, FileSlot, Replace, Target, TargetError};
use holdfast_format::entry::{Entry, Metadata};

use crate::source::Files;

/// Files and folders that were restored.
#[derive(Debug, Default)]
pub struct MemoryTarget {
    state: Arc<Mutex<TargetState>>,
}

#[derive(Debug, Default)]
struct TargetState {
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    folders: BTreeSet<Vec<u8>>,
}

impl MemoryTarget {
    /// What was restored.
    pub fn files(&self) -> Files {
        let state = self.state.lock().unwrap();
        let text = |path: &Vec<u8>| String::from_utf8(path.clone()).unwrap();
        state.files.iter().map(|(path, bytes)| (text(path), Arc::new(bytes.clone()))).collect()
    }
}

fn refused<T>() -> Result<T, TargetError> {
    let source = io::Error::new(io::ErrorKind::Unsupported, "no such thing in this test");
    Err(TargetError::Io { action: "make it", source })
}

impl Target for MemoryTarget {
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError> {
        let state = self.state.lock().unwrap();
        let is_directory = path.is_empty() || state.folders.contains(path);
        let file = state.files.get(path);
        let bytes = file.map_or(0, |file| file.len() as u64);
        let (is_file, mtime) = (file.is_some(), Default::default());
        let existing = Existing { is_file, is_directory, bytes, mtime, identity: None };
        Ok((is_directory || file.is_some()).then_some(existing))
    }

    fn directory(&self, path: &[u8]) -> Result<bool, TargetError> {
        Ok(self.state.lock().unwrap().folders.insert(path.to_vec()))
    }

    fn finish_directory(&self, _path: &[u8], _metadata: &Metadata) -> Result<(), TargetError> {
        Ok(())
    }

    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        _replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        let (state, content) = (Arc::clone(&self.state), Mutex::new(vec![0; bytes as usize]));
        Ok(Box::new(Slot { state, path: path.to_vec(), content }))
    }

    fn special(&self, _: &[u8], _: &Entry, _: Replace) -> Result<(), TargetError> {
        refused()
    }

    fn hard_link(&self, _: &[u8], _: &[u8], _: Replace) -> Result<(), TargetError> {
        refused()
    }

    fn update_metadata(&self, _path: &[u8], _metadata: &Metadata) -> Result<(), TargetError> {
        Ok(())
    }

    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError> {
        let state = self.state.lock().unwrap();
        let Some(file) = state.files.get(path) else { return refused() };
        let rest = file.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn list(&self, _path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError> {
        refused()
    }

    fn remove(&self, _path: &[u8]) -> Result<(), TargetError> {
        refused()
    }

    fn sync(&self) -> Result<(), TargetError> {
        Ok(())
    }
}

struct Slot {
    state: Arc<Mutex<TargetState>>,
    path: Vec<u8>,
    content: Mutex<Vec<u8>>,
}

impl FileSlot for Slot {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let start = offset as usize;
        self.content.lock().unwrap()[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn keep(&self, _offset: u64, _bytes: u64) -> Result<(), TargetError> {
        refused()
    }

    fn finish(self: Box<Self>, _metadata: &Metadata) -> Result<(), TargetError> {
        let content = self.content.into_inner().unwrap();
        self.state.lock().unwrap().files.insert(self.path, content);
        Ok(())
    }
}
