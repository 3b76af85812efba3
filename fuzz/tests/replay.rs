//! Runs all seeds through the targets without libFuzzer, whole, cut short and with changed bytes.

use std::fs;
use std::path::{Path, PathBuf};

use holdfast_fuzz::ALL;

/// Changed copies of each seed.
const CHANGED: u64 = 40;

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

/// The names of the files in a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What blake3 makes of a seed and a number decides where and how it changes.
fn changed(seed: &[u8], number: u64) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let hash = blake3::Hasher::new().update(seed).update(&number.to_le_bytes()).finalize();
    for part in hash.as_bytes()[..4 * (1 + number as usize % 4)].chunks_exact(4) {
        let place = usize::from(u16::from_le_bytes([part[0], part[1]])) % bytes.len().max(1);
        match (part[2] % 4, bytes.get_mut(place)) {
            (0 | 1, Some(byte)) => *byte = part[3],
            (2, Some(byte)) => *byte ^= 1 << (part[3] % 8),
            _ => bytes.insert(place, part[3]),
        }
    }
    bytes
}

#[test]
fn every_target_takes_its_seeds() {
    for (name, target) in ALL {
        let seeds = files(&folder("seeds").join(name));
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for path in seeds {
            let seed = fs::read(&path).unwrap();
            target(&seed);
            target(&seed[..seed.len() / 2]);
            (0..CHANGED).for_each(|number| target(&changed(&seed, number)));
        }
    }
}

#[test]
fn every_target_has_a_program_and_no_program_is_without_one() {
    let programs = files(&folder("targets"));
    let programs: Vec<_> = programs.iter().filter_map(|path| path.file_stem()).collect();
    let mut targets: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
    targets.sort_unstable();
    assert_eq!(programs, targets);
}
