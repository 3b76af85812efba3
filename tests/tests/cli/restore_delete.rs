//! `restore --delete` deletes what it listed, in the paths given to the backup, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast_tests::sandbox::{Outcome, Sandbox};

/// Restores `@base` in place with `--delete`.
fn delete_in(sandbox: &Sandbox, options: &str) -> Outcome {
    sandbox.ok(&format!("restore latest:@base -t @base --delete {options}"))
}

#[track_caller]
fn all_are_there(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        assert!(sandbox.exists(name), "{name} is gone");
    }
}

#[test]
fn what_lies_beside_or_above_the_named_paths_stays() {
    let sandbox = Sandbox::new();
    for name in ["base/data/a", "base/data/sub/b", "base/one/file", "base/one/beside", "base/other"]
    {
        sandbox.write(name, name);
    }
    sandbox.backup("@base/data @base/one/file");
    sandbox.write("base/data/extra", "");
    sandbox.write("base/data/sub/more/extra", "");
    let dry = delete_in(&sandbox, "--dry-run");
    dry.prints("would delete /data/extra").prints("would delete /data/sub/more and 1 entry in it");
    dry.prints("would delete 3 entries").prints("3 deleted");
    all_are_there(&sandbox, &["base/data/extra", "base/data/sub/more/extra"]);
    let outcome = delete_in(&sandbox, "");
    outcome.prints("3 deleted");
    let place = |text: &str| outcome.stdout.find(text).unwrap();
    assert!(place("will delete 3 entries") < place("restored"), "it is said before");
    assert!(!sandbox.exists("base/data/extra") && !sandbox.exists("base/data/sub/more"));
    all_are_there(&sandbox, &["base/other", "base/one/beside", "base/data/sub/b"]);
    // Into another folder, all of which is restored exactly.
    sandbox.write("out/data/x", "");
    sandbox.write("out/x", "");
    let json = sandbox.ok("restore latest:@base -t @out --delete --json");
    assert_eq!(json.message("deletions")["paths"], serde_json::json!(["/data/x"]));
    assert_eq!(json.message("summary")["files_deleted"], 1);
    all_are_there(&sandbox, &["out/x", "out/data/a"]);
}

#[test]
fn what_the_backup_left_out_stays() {
    let sandbox = Sandbox::new();
    let kept = [
        "base/a.tmp",
        "base/B.BAK",
        "base/large",
        "base/cache/file",
        "base/tagged/file",
        "base/git/object.o",
        "base/git/.gitignore",
        "base/gone/x.tmp",
    ];
    for name in kept {
        sandbox.write(name, "kept");
    }
    sandbox.write("base/large", vec![1; 3000]);
    sandbox.write("base/cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    sandbox.write("base/tagged/.nobackup", "");
    sandbox.write("base/git/.gitignore", "*.o\n");
    sandbox.write("base/file", "file");
    let rules = "-e *.tmp --iexclude *.bak --exclude-larger-than 2K --exclude-caches \
                 --exclude-if-present .nobackup --gitignore";
    sandbox.backup(&format!("@base {rules}"));
    for name in ["base/new", "base/gone/new", "base/git/new"] {
        sandbox.write(name, "new");
    }
    // The rules of files in the snapshot apply, even if the files are gone.
    fs::remove_file(sandbox.path("base/git/.gitignore")).unwrap();
    fs::remove_file(sandbox.path("base/tagged/.nobackup")).unwrap();
    let outcome = delete_in(&sandbox, "-v");
    all_are_there(&sandbox, &kept);
    outcome.prints("3 deleted").prints("/a.tmp: it was left out of the backup");
    for name in ["base/new", "base/gone/new", "base/git/new"] {
        assert!(!sandbox.exists(name), "{name}");
    }
}

#[test]
fn the_repository_its_cache_and_its_key_stay() {
    let sandbox = Sandbox::new();
    sandbox.write("base/file", "");
    sandbox.backup("@base");
    for name in ["repository", "cache", "key"] {
        let inner = sandbox.path("base/inner");
        fs::create_dir_all(&inner).unwrap();
        fs::rename(sandbox.path(name), inner.join(name)).unwrap();
    }
    sandbox.write("base/inner/else", "");
    let sandbox = sandbox
        .with_path("HOLDFAST_REPOSITORY", "base/inner/repository")
        .with_path("HOLDFAST_CACHE_DIR", "base/inner/cache")
        .with_path("HOLDFAST_PASSWORD_FILE", "base/inner/key");
    delete_in(&sandbox, "-v").prints("holdfast needs it").prints("1 deleted");
    sandbox.ok("check --read-data");
    assert!(!sandbox.exists("base/inner/else"));
}

#[test]
fn the_whole_system_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("base/file", "");
    sandbox.backup("@base");
    sandbox.fails(2, "restore latest -t / --delete --dry-run").says("from the whole system");
    sandbox.write("base/extra", "");
    let base = sandbox.path("base");
    let line = format!("restore latest -t / --delete --dry-run -i {}", base.display());
    sandbox.ok(&line).prints(&format!("would delete {}/extra", base.display()));
}

#[test]
fn what_could_not_be_read_stays() {
    let sandbox = Sandbox::new();
    sandbox.write("base/file", "");
    // A missing path that was given to the backup is an error of one entry.
    sandbox.fails(3, "backup @base @base/missing");
    sandbox.write("base/missing/file", "of the user");
    sandbox.write("base/extra", "");
    let outcome = sandbox.run("restore latest:@base -t @base --delete -v");
    outcome.prints("/missing: the backup could not read it").prints("1 deleted");
    assert!(sandbox.exists("base/missing/file") && !sandbox.exists("base/extra"));
}

#[test]
fn after_trouble_nothing_is_deleted() {
    let sandbox = Sandbox::new();
    let mut noise = vec![0; 50_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    sandbox.write("base/large", noise);
    sandbox.backup("@base");
    let size = |name: &String| sandbox.path("repository").join(name).metadata().unwrap().len();
    let pack = sandbox.objects("packs").into_iter().max_by_key(size).unwrap();
    let pack = sandbox.path("repository").join(pack);
    let mut bytes = fs::read(&pack).unwrap();
    bytes[20_000] ^= 1;
    fs::set_permissions(&pack, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&pack, bytes).unwrap();
    fs::remove_file(sandbox.path("base/large")).unwrap();
    sandbox.write("base/extra", "the last copy");
    sandbox.fails(1, "restore latest:@base -t @base --delete").says("nothing was deleted");
    assert!(sandbox.exists("base/extra"));
}

#[test]
fn a_folder_in_the_way_goes_with_delete_only() {
    let sandbox = Sandbox::new();
    sandbox.write("base/conf", "stored");
    sandbox.write("base/conf2", "stored");
    sandbox.backup("@base -e *.keep");
    let put_folders = || {
        for name in ["base/conf", "base/conf2"] {
            let _ = fs::remove_file(sandbox.path(name));
            sandbox.write(format!("{name}/of the user"), "");
        }
        sandbox.write("base/conf2/x.keep", "");
    };
    for mode in ["always", "if-changed", "if-newer", "never"] {
        put_folders();
        let line = format!("restore latest:@base -t @base --overwrite {mode}");
        sandbox.fails(1, &line).says("/conf: ").says("/conf2: ");
        all_are_there(&sandbox, &["base/conf/of the user", "base/conf2/of the user"]);
    }
    put_folders();
    let line = "restore latest:@base -t @base --delete";
    let outcome = sandbox.fails(1, line);
    outcome.prints("will delete /conf and 1 entry in it").says("/conf2: ");
    assert_eq!(sandbox.read("base/conf"), b"stored");
    all_are_there(&sandbox, &["base/conf2/x.keep", "base/conf2/of the user"]);
}
