//! Damage is detected and reported, and damaged data is never restored.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast_tests::sandbox::Sandbox;

/// A snapshot of a large and a small file, and the pack of the large one.
fn sandbox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let noise: Vec<u8> = (0..40_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    sandbox.write("source/large", blake3_stream(&noise));
    sandbox.backup("@source --tag first");
    sandbox.write("source/small", "hello");
    sandbox.backup("@source --tag second");
    let size = |name: &String| sandbox.path("repository").join(name).metadata().unwrap().len();
    let pack = sandbox.objects("packs").into_iter().max_by_key(size).unwrap();
    (sandbox, pack)
}

/// Incompressible bytes.
fn blake3_stream(seed: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 200_000];
    blake3::Hasher::new().update(seed).finalize_xof().fill(&mut bytes);
    bytes
}

fn change(sandbox: &Sandbox, object: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = sandbox.path("repository").join(object);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, bytes).unwrap();
}

#[test]
fn check_names_the_object_the_files_and_the_command() {
    let (sandbox, pack) = sandbox();
    change(&sandbox, &pack, |bytes| bytes[5000] ^= 1);
    let outcome = sandbox.fails(13, "check --read-data");
    outcome.says(&pack).says("source/large in snapshot").says("next: holdfast repair index");
    assert!(!outcome.stderr.contains("source/small"), "{}", outcome.stderr);
    let json = sandbox.fails(13, "check --read-data --json");
    assert!(json.stdout.contains("\"num_errors\":1"), "{json:?}");
}

#[test]
fn a_restore_of_what_is_damaged_is_an_error_and_writes_no_wrong_byte() {
    let (sandbox, pack) = sandbox();
    change(&sandbox, &pack, |bytes| bytes[5000] ^= 1);
    sandbox.fails(1, "restore latest:@source -t @out").says("large");
    assert_eq!(sandbox.read("out/small"), b"hello");
    assert!(!sandbox.exists("out/large"));
    let line = format!("dump latest {}", sandbox.path("source/large").display());
    assert_eq!(sandbox.fails(13, &line).stdout, "");
}

#[test]
fn what_the_source_still_has_is_stored_again() {
    let (sandbox, pack) = sandbox();
    change(&sandbox, &pack, |bytes| bytes[5000] ^= 1);
    sandbox.ok("repair index --read-all-packs");
    sandbox.ok("backup @source");
    sandbox.ok("check --read-data").prints("no damage was found");
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(sandbox.read("out/large"), sandbox.read("source/large"));
    // The damaged object is in quarantine, not deleted.
    assert!(!sandbox.objects("quarantine").is_empty());
}

#[test]
fn repairs_tell_scripts_what_they_did() {
    let (sandbox, pack) = sandbox();
    change(&sandbox, &pack, |bytes| bytes[5000] ^= 1);
    let index = sandbox.ok("repair index --read-all-packs --json").json();
    let id = pack.rsplit('/').next().unwrap();
    assert_eq!(index["packs_set_aside"], serde_json::json!([id]));
    assert!(index["blobs_lost"].as_u64() > Some(0), "{index}");

    let before: Vec<_> = sandbox.snapshots().iter().map(|it| it["id"].clone()).collect();
    let outcome = sandbox.ok("repair snapshots --forget --json");
    let repaired: Vec<_> = outcome.messages().into_iter().take(2).collect();
    for (message, id) in repaired.iter().zip(&before) {
        assert_eq!((&message["snapshot_id"], &message["forgotten"]), (id, &true.into()));
        let path = message["left_out"][0]["path"].as_str().unwrap();
        assert!(path.ends_with("source/large"), "{message}");
    }
    let summary = outcome.message("summary");
    assert_eq!((&summary["damaged"], &summary["snapshots"]), (&2.into(), &2.into()));
    let after: Vec<_> = sandbox.snapshots().iter().map(|it| it["id"].clone()).collect();
    let replacements: Vec<_> = repaired.iter().map(|it| it["replacement_id"].clone()).collect();
    assert_eq!(after, replacements);
}

#[test]
fn objects_that_are_cut_short_swapped_or_gone_are_noticed() {
    let (sandbox, pack) = sandbox();
    let other = sandbox.objects("packs").into_iter().find(|name| *name != pack).unwrap();
    for fault in 0..3 {
        let broken = Sandbox::empty();
        broken.adopt(&sandbox);
        let path = broken.path("repository").join(&pack);
        let bytes = match fault {
            0 => Some(fs::read(&path).unwrap()[..7000].to_vec()),
            1 => Some(fs::read(sandbox.path("repository").join(&other)).unwrap()),
            _ => None,
        };
        // The other sandbox shares the inode.
        fs::remove_file(&path).unwrap();
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        broken.fails(13, "check --read-data").says(&pack);
        broken.fails(1, "restore latest -t @out");
        assert!(!broken.within("out", "../source/large").exists());
    }
}

/// Nothing in the repository can reveal this: it is what a second copy elsewhere is for.
#[test]
fn an_older_repository_opens_as_it_was() {
    let (sandbox, older) = (Sandbox::new(), Sandbox::empty());
    sandbox.write("source/a", "old");
    sandbox.backup("@source");
    older.adopt(&sandbox);
    sandbox.write("source/a", "new");
    sandbox.backup("@source");
    std::fs::remove_dir_all(older.path("cache")).unwrap();
    older.ok("check --read-data");
    assert_eq!(older.snapshots().len(), 1);
}

#[test]
fn an_older_state_of_a_record_is_no_other_snapshot() {
    let (sandbox, _) = sandbox();
    let records = sandbox.objects("w");
    let first = fs::read(sandbox.path("repository").join(&records[0])).unwrap();
    change(&sandbox, &records[1], |bytes| *bytes = first);
    sandbox.fails(13, "check").says(&records[1]);
    let listed = sandbox.run("snapshots --json");
    assert!(!listed.stdout.contains("second"), "{listed:?}");
}
