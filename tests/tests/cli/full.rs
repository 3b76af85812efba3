//! A disk without a free byte: commands that free space still work.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast_tests::sandbox::Sandbox;

/// A small file system, mounted in a sandbox.
struct Disk {
    place: PathBuf,
}

impl Disk {
    /// `None`, with a message, if this process may not mount one.
    #[allow(clippy::print_stdout, reason = "a test that cannot run says why")]
    fn mount(sandbox: &Sandbox, kind: &str, mib: u64) -> Option<Disk> {
        let place = sandbox.path("disk");
        fs::create_dir(&place).unwrap();
        let mounted = match kind {
            "tmpfs" => {
                run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"], &place)
            }
            kind => {
                let image = sandbox.path("image");
                File::create(&image).unwrap().set_len(mib << 20).unwrap();
                run(&format!("mkfs.{kind}"), &["-q"], &image)
                    && run("mount", &["-o", "loop", image.to_str().unwrap()], &place)
            }
        };
        if !mounted {
            println!("not tested: this process may not mount a file system of kind {kind}");
        }
        mounted.then_some(Disk { place })
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = File::create(self.place.join("somebody-elses")).unwrap();
        let mut block = 1 << 20;
        while block > 0 {
            match file.write(&vec![7; block]) {
                Ok(written) if written == block => {}
                _ => block /= 2,
            }
        }
        let _ = file.sync_all();
    }

    fn free_bytes(&self) -> u64 {
        let output = Command::new("df").arg("--output=avail").arg("-B1").arg(&self.place).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.lines().last().unwrap().trim().parse().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &[], &self.place);
    }
}

fn run(program: &str, arguments: &[&str], last: &Path) -> bool {
    Command::new(program).args(arguments).arg(last).output().is_ok_and(|it| it.status.success())
}

/// Incompressible bytes, different for each seed.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut out = vec![0; bytes];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Old snapshots are forgotten and pruned on a full disk, one after the other.
fn space_comes_back(kind: &str, mib: u64) {
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    let Some(disk) = Disk::mount(&sandbox, kind, mib) else { return };
    let hf = |line: &str| sandbox.ok(&format!("{line} -r @disk/repository"));
    hf("init");
    for number in 0..4 {
        sandbox.write("source/big", noise(5 << 20, number));
        hf("backup @source");
    }
    disk.fill();
    sandbox.write("source/big", noise(5 << 20, 9));
    let full = sandbox.run("backup @source -r @disk/repository");
    assert_eq!(full.code, Some(1), "{full:?}");
    full.says("no space left").says("holdfast forget and holdfast prune");

    let before = disk.free_bytes();
    hf("forget --keep-last 2");
    hf("prune");
    hf("forget --keep-last 1 --prune");
    let freed = disk.free_bytes() - before;
    assert!(freed > 12 << 20, "{freed} bytes came free on {kind}");
    hf("check --read-data");
    hf("restore latest:@source -t @out");
    assert!(sandbox.read("out/big") == noise(5 << 20, 3));
    let reserve = bytes_in(&sandbox.path("disk/repository/tmp"));
    assert_eq!(reserve, 1 << 20, "the reserve is filled again");
}

#[test]
fn forget_and_prune_work_on_a_full_disk() {
    space_comes_back("tmpfs", 40);
    space_comes_back("ext4", 48);
}

/// Every pack contains needed data, so all must be rewritten, and there is no room for any of them
/// until unneeded packs are deleted.
#[test]
fn packs_are_rewritten_in_steps_that_fit() {
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    let Some(disk) = Disk::mount(&sandbox, "tmpfs", 64) else { return };
    let hf = |line: &str| sandbox.ok(&format!("{line} -r @disk/repository"));
    hf("init --pack-size 4");
    for file in 0..8 {
        sandbox.write(format!("source/{file}"), noise(1 << 20, file));
    }
    let mut kept = String::new();
    let mut ids = Vec::new();
    for number in 0..100 {
        for turn in 0..3 {
            let file = (number + turn * 3) % 8;
            sandbox.write(format!("source/{file}"), noise(1 << 20, 100 + number * 8 + turn));
        }
        let outcome = sandbox.run("backup @source --json -r @disk/repository");
        if outcome.code != Some(0) {
            break;
        }
        let id = outcome.message("summary")["snapshot_id"].as_str().unwrap().to_owned();
        ids.push(std::mem::replace(&mut kept, id));
    }
    // The older half, and every second one of the newer half.
    let goes = |number: usize| number < ids.len() / 2 || number.is_multiple_of(2);
    let names: Vec<&str> =
        ids.iter().enumerate().filter(|(number, _)| goes(*number)).map(|(_, id)| &**id).collect();
    hf(&format!("forget {}", names.join(" ")));
    let places = ["disk/repository", "roomy"].map(|place| sandbox.path(place));
    assert!(Command::new("cp").arg("-a").args(&places).status().unwrap().success());
    sandbox.ok("prune --max-unused 0 -r @roomy --no-cache");

    disk.fill();
    hf("prune --max-unused 0").says("the storage is full");
    let [left, least] = places.map(|place| bytes_in(&place.join("packs")));
    assert!(left < least + (6 << 20), "{left} bytes are left, and {least} where there is room");
    hf("check --read-data");
}

/// A full target ends a restore with one message and without partial files.
#[test]
fn a_full_target_is_told_once() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::mount(&sandbox, "tmpfs", 4) else { return };
    for file in 0..40 {
        sandbox.write(format!("source/{file}"), noise(256 << 10, file));
    }
    sandbox.backup("@source");
    let outcome = sandbox.fails(1, "restore latest:@source -t @disk/out");
    outcome.says("no space left in the target").says("try: free space there");
    assert_eq!(outcome.stderr.lines().count(), 2, "{outcome:?}");
    for file in fs::read_dir(disk.place.join("out")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let stored = sandbox.read(format!("source/{name}"));
        assert!(fs::read(file.path()).unwrap() == stored, "half of {name}");
    }
    // With more space the rest follows.
    run("mount", &["-o", "remount,size=32m"], &disk.place);
    sandbox.ok("restore latest:@source -t @disk/out --verify").prints("verified 40 files: all");
}

/// A repository that cannot be created leaves nothing behind.
#[test]
fn what_init_cannot_finish_is_gone() {
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    let is_gone = |line: &str, folder: &str| {
        sandbox.run(&format!("init -r @{folder} {line}")).says("holdfast: ");
        assert!(!sandbox.exists(folder), "{line}");
    };
    is_gone("-p @missing", "one");
    is_gone("--password-command false", "two");
    let Some(disk) = Disk::mount(&sandbox, "tmpfs", 1) else { return };
    disk.fill();
    is_gone("", "disk/three");
    fs::remove_file(disk.place.join("somebody-elses")).unwrap();
    sandbox.ok("init -r @disk/three");
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let bytes = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => bytes_in(&entry.path()),
        false => entry.metadata().unwrap().len(),
    };
    entries.map(bytes).sum()
}
