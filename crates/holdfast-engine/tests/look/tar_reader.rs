//! Reads tar archives as another program would.

use std::collections::BTreeMap;
use std::io::Read;

use holdfast_format::entry::FileTime;

/// An entry of a tar archive as another program reads it.
#[derive(Debug, PartialEq, Eq)]
pub struct TarEntry {
    pub kind: tar::EntryType,
    pub link: Option<Vec<u8>>,
    pub data: Vec<u8>,
    pub device: (u32, u32),
    pub mode: u32,
    pub owner: (u64, u64, Vec<u8>),
    pub mtime: FileTime,
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

pub fn read_tar(bytes: &[u8]) -> Vec<(Vec<u8>, TarEntry)> {
    let mut archive = tar::Archive::new(bytes);
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut records = BTreeMap::new();
        if let Some(extensions) = entry.pax_extensions().unwrap() {
            for record in extensions {
                let record = record.unwrap();
                records.insert(record.key().unwrap().to_owned(), record.value_bytes().to_vec());
            }
        }
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        let header = entry.header();
        let user = header.username_bytes().unwrap().to_vec();
        let header_time = FileTime { seconds: header.mtime().unwrap() as i64, nanoseconds: 0 };
        let xattrs = records.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix("SCHILY.xattr.")?.replace("%3D", "=").replace("%25", "%");
            Some((name.into_bytes(), value.clone()))
        });
        let found_entry = TarEntry {
            kind: header.entry_type(),
            link: entry.link_name_bytes().map(|name| name.to_vec()),
            data,
            device: (
                header.device_major().unwrap().unwrap(),
                header.device_minor().unwrap().unwrap(),
            ),
            mode: header.mode().unwrap(),
            owner: (
                header.uid().unwrap(),
                header.gid().unwrap(),
                records.get("uname").cloned().unwrap_or(user),
            ),
            mtime: records.get("mtime").map_or(header_time, |text| parse_time(text)),
            xattrs: xattrs.collect(),
        };
        found.push((entry.path_bytes().to_vec(), found_entry));
    }
    found
}

fn parse_time(text: &[u8]) -> FileTime {
    let text = std::str::from_utf8(text).unwrap();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let nanoseconds: i128 = format!("{fraction:0<9}").parse().unwrap();
    let magnitude =
        whole.trim_start_matches('-').parse::<i128>().unwrap() * 1_000_000_000 + nanoseconds;
    let total = if whole.starts_with('-') { -magnitude } else { magnitude };
    FileTime {
        seconds: total.div_euclid(1_000_000_000) as i64,
        nanoseconds: total.rem_euclid(1_000_000_000) as u32,
    }
}
