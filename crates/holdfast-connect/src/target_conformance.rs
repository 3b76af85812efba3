//! What every [`Target`] must do. Each implementation runs [`conformance`] in its tests.

mod adverse;
mod content;
mod flat;

use holdfast_format::entry::{Entry, EntryKind, FileTime, Metadata};

pub use flat::flat_conformance;

use crate::{Replace, Target, TargetError};

type TargetResult = Result<(), TargetError>;
/// Creates an entry at a path.
type Make<'a> = dyn Fn(&[u8]) -> TargetResult + 'a;

/// Restores entries of every kind to `target`, which must be empty, and checks the result.
///
/// # Panics
/// If the target does not do what the trait says.
pub fn conformance(target: &dyn Target) {
    expect("an empty target", empty(target));
    expect("directories", directories(target));
    expect("files", files(target));
    expect("any order", in_directory(target, b"order", content::any_order));
    expect("unfinished files", unfinished(target));
    expect("keeping ranges", in_directory(target, b"keeping", content::keeping));
    expect("replacing a directory by a file", directory_by_file(target));
    expect("replacing a file by a directory", file_by_directory(target));
    expect("names that must be free", taken(target));
    expect("links", links(target));
    expect("names", adverse::names(target));
    expect("removing", removing(target));
    expect("escaping paths", adverse::escaping(target));
    expect("many threads", adverse::threads(target));
}

fn expect(what: &str, outcome: TargetResult) {
    if let Err(error) = outcome {
        panic!("{what}: {error}");
    }
}

/// Runs it in a directory created for it.
fn in_directory(
    target: &dyn Target,
    at: &[u8],
    check: impl FnOnce(&dyn Target, &[u8]) -> TargetResult,
) -> TargetResult {
    assert!(target.directory(at)?);
    check(target, at)
}

/// Restores a whole file.
///
/// # Errors
/// Errors of the target.
pub fn put(target: &dyn Target, path: &[u8], content: &[u8], metadata: &Metadata) -> TargetResult {
    let slot = target.file(path, content.len() as u64, Replace::Entry)?;
    slot.write_at(0, content)?;
    slot.finish(metadata)
}

/// Reads a whole file.
///
/// # Errors
/// Errors of the target.
pub fn get(target: &dyn Target, path: &[u8]) -> Result<Vec<u8>, TargetError> {
    let bytes = target.existing(path)?.map_or(0, |existing| existing.bytes);
    let mut content = vec![0; bytes as usize + 1];
    let read = target.read_at(path, 0, &mut content)?;
    content.truncate(read);
    Ok(content)
}

fn described() -> Metadata {
    let mtime = FileTime { seconds: 1_234_567_890, nanoseconds: 123_456_789 };
    Metadata { mode: 0o640, mtime, ..Metadata::default() }
}

fn symlink(name: &[u8], to: &[u8]) -> Entry {
    let kind = EntryKind::Symlink(to.to_vec());
    Entry { name: name.to_vec(), metadata: described(), kind }
}

fn stands(target: &dyn Target, path: &[u8]) -> Result<bool, TargetError> {
    Ok(target.existing(path)?.is_some())
}

fn empty(target: &dyn Target) -> TargetResult {
    assert_eq!(target.list(b"")?, Vec::<Vec<u8>>::new());
    assert!(target.existing(b"").is_ok_and(|root| root.is_some_and(|root| root.is_directory)));
    assert!(!stands(target, b"nothing")? && !stands(target, b"nothing/at/all")?);
    assert!(
        target.list(b"nothing").is_err()
            && target.file(b"nothing/file", 0, Replace::Entry).is_err()
    );
    target.remove(b"nothing")?;
    target.remove(b"nothing/at/all")
}

fn directories(target: &dyn Target) -> TargetResult {
    assert!(target.directory(b"directories")?, "just created");
    assert!(!target.directory(b"directories")?, "already exists");
    assert!(target.directory(b"directories/below")?);
    assert_eq!(target.list(b"directories")?, [b"below"]);
    target.finish_directory(b"directories/below", &described())?;
    target.finish_directory(b"directories", &described())?;
    let existing = target.existing(b"directories")?;
    let existing = existing.filter(|existing| existing.is_directory && !existing.is_file);
    assert_eq!(existing.map(|existing| existing.mtime), Some(described().mtime));
    Ok(())
}

fn files(target: &dyn Target) -> TargetResult {
    assert!(target.directory(b"files")?);
    for (path, content) in [(&b"files/empty"[..], &b""[..]), (b"files/full", b"some content")] {
        put(target, path, content, &described())?;
        assert_eq!(get(target, path)?, content);
        let existing = target.existing(path)?;
        let existing = existing.filter(|existing| existing.is_file && !existing.is_directory);
        let found = existing.map(|existing| (existing.bytes, existing.mtime));
        assert_eq!(found, Some((content.len() as u64, described().mtime)));
    }
    put(target, b"files/full", b"other", &described())?;
    let mut buffer = [0; 3];
    assert_eq!(target.read_at(b"files/full", 3, &mut buffer)?, 2);
    assert_eq!(&buffer[..2], b"er");
    assert_eq!(target.read_at(b"files/full", 100, &mut buffer)?, 0);
    let later = FileTime { seconds: 2_000_000_000, nanoseconds: 1 };
    target.update_metadata(b"files/full", &Metadata { mtime: later, ..described() })?;
    assert_eq!(target.existing(b"files/full")?.map(|existing| existing.mtime), Some(later));
    assert!(target.update_metadata(b"files", &described()).is_err(), "no file");
    assert!(target.read_at(b"files", 0, &mut buffer).is_err(), "no file");
    Ok(())
}

fn unfinished(target: &dyn Target) -> TargetResult {
    assert!(target.directory(b"unfinished")?);
    put(target, b"unfinished/old", b"old content", &described())?;
    for path in [&b"unfinished/old"[..], b"unfinished/new"] {
        let slot = target.file(path, 6, Replace::Entry)?;
        slot.write_at(0, b"new")?;
        assert_eq!(target.list(b"unfinished")?, [b"old"]);
        assert_eq!(get(target, b"unfinished/old")?, b"old content");
        drop(slot);
    }
    assert_eq!(target.list(b"unfinished")?, [b"old"]);
    assert_eq!(get(target, b"unfinished/old")?, b"old content");
    Ok(())
}

fn directory_by_file(target: &dyn Target) -> TargetResult {
    target.directory(b"turns")?;
    target.directory(b"turns/below")?;
    put(target, b"turns/below/file", b"content", &described())?;
    let link = symlink(b"turns", b"elsewhere");
    put(target, b"beside", b"content", &described())?;
    for outcome in [
        put(target, b"turns", b"now a file", &described()),
        target.special(b"turns", &link, Replace::Entry),
        target.hard_link(b"turns", b"beside", Replace::Entry),
    ] {
        assert!(matches!(outcome, Err(TargetError::Occupied)), "{outcome:?}");
    }
    assert_eq!(get(target, b"turns/below/file")?, b"content");
    target.remove(b"turns/below/file")?;
    target.remove(b"turns/below")?;
    put(target, b"turns", b"now a file", &described())?;
    assert_eq!(get(target, b"turns")?, b"now a file");
    assert!(target.file(b"turns/below/file", 0, Replace::Entry).is_err());
    Ok(())
}

fn file_by_directory(target: &dyn Target) -> TargetResult {
    put(target, b"back", b"a file", &described())?;
    assert!(target.directory(b"back")?);
    assert_eq!(target.list(b"back")?, Vec::<Vec<u8>>::new());
    put(target, b"back/file", b"content", &described())?;
    assert_eq!(get(target, b"back/file")?, b"content");
    Ok(())
}

fn taken(target: &dyn Target) -> TargetResult {
    assert!(target.directory(b"taken")?);
    put(target, b"taken/original", b"original", &described())?;
    let link = symlink(b"taken", b"elsewhere");
    let make: [&Make<'_>; 3] = [
        &|path| {
            let slot = target.file(path, 3, Replace::Nothing)?;
            slot.write_at(0, b"new")?;
            slot.finish(&described())
        },
        &|path| target.special(path, &link, Replace::Nothing),
        &|path| target.hard_link(path, b"taken/original", Replace::Nothing),
    ];
    for (number, make) in make.iter().enumerate() {
        make(format!("taken/{number}").as_bytes())?;
        put(target, b"taken/file", b"content", &described())?;
        target.directory(b"taken/directory")?;
        for path in [&b"taken/file"[..], b"taken/directory"] {
            let outcome = make(path);
            assert!(matches!(outcome, Err(TargetError::Taken)), "{number}: {outcome:?}");
        }
        assert_eq!(get(target, b"taken/file")?, b"content");
    }
    assert_eq!(target.list(b"taken")?.len(), 6, "nothing unfinished is left");
    let identities = [&b"taken/original"[..], b"taken/2", b"taken/0"].map(|path| {
        target.existing(path).map(|existing| existing.and_then(|existing| existing.identity))
    });
    let [one, same, other] = identities;
    assert!(
        one? == same?
            && other?.is_none_or(|it| target
                .existing(b"taken/2")
                .is_ok_and(|two| { two.is_some_and(|two| two.identity != Some(it)) }))
    );
    Ok(())
}

fn links(target: &dyn Target) -> TargetResult {
    target.directory(b"links")?;
    target.special(b"links/symbolic", &symlink(b"symbolic", b"../somewhere"), Replace::Entry)?;
    let existing = target.existing(b"links/symbolic")?;
    assert!(existing.is_some_and(|existing| !existing.is_file && !existing.is_directory));
    put(target, b"links/symbolic", b"a file", &described())?;
    assert_eq!(get(target, b"links/symbolic")?, b"a file");
    for _ in 0..2 {
        target.hard_link(b"links/hard", b"links/symbolic", Replace::Entry)?;
    }
    assert_eq!(get(target, b"links/hard")?, b"a file");
    target.directory(b"links/replaced")?;
    target.hard_link(b"links/replaced", b"links/hard", Replace::Entry)?;
    target.special(b"links/hard", &symlink(b"hard", b"elsewhere"), Replace::Entry)?;
    target.hard_link(b"links/again", b"links/hard", Replace::Entry)?;
    assert!(target.existing(b"links/again")?.is_some_and(|existing| !existing.is_file));
    let mut names = target.list(b"links")?;
    names.sort();
    assert_eq!(names, [&b"again"[..], b"hard", b"replaced", b"symbolic"]);
    let directory = EntryKind::File {
        size: 0,
        codec: 0,
        main: holdfast_format::entry::Content::Inline(Vec::new()),
        second: None,
    };
    let entry = Entry { kind: directory, ..symlink(b"file", b"") };
    assert!(target.special(b"links/file", &entry, Replace::Entry).is_err(), "nothing special");
    Ok(())
}

fn removing(target: &dyn Target) -> TargetResult {
    target.directory(b"removing")?;
    let mut path = b"removing/tree".to_vec();
    for _ in 0..5 {
        target.directory(&path)?;
        put(target, &[&path[..], b"/file"].concat(), b"content", &described())?;
        path.extend_from_slice(b"/below");
    }
    target.remove(b"removing/tree/file")?;
    assert!(!stands(target, b"removing/tree/file")?);
    assert!(matches!(target.remove(b"removing/tree"), Err(TargetError::Occupied)));
    for depth in (0..5).rev() {
        let path = [&b"removing/tree"[..], &b"/below".repeat(depth)].concat();
        target.remove(&[&path[..], b"/file"].concat())?;
        target.remove(&path)?;
    }
    assert!(!stands(target, b"removing/tree")?);
    assert!(
        target.file(b"removing/tree/below/file", 0, Replace::Entry).is_err(),
        "its directory is gone"
    );
    assert!(target.directory(b"removing/tree")?);
    Ok(())
}
