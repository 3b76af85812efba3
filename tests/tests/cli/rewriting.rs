//! Data that prune and repair write again, as --compression and --pack-size say.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast_tests::sandbox::Sandbox;

const MIB: u64 = 1 << 20;

/// Incompressible bytes.
fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    noise
}

fn pack_sizes(sandbox: &Sandbox) -> Vec<u64> {
    let folder = sandbox.path("repository");
    let size = |name: &String| folder.join(name).metadata().unwrap().len();
    sandbox.objects("packs").iter().map(size).collect()
}

/// Bytes of packs after most of every frame was forgotten and pruned with these flags.
fn bytes_after_prune(flags: &str) -> u64 {
    let sandbox = Sandbox::new();
    let text = |number: usize| -> String {
        (0..600).map(|row| format!("{number};{row};a line of a table\n")).collect()
    };
    for number in 0..300 {
        sandbox.write(format!("source/{number}"), text(number));
    }
    sandbox.ok("backup @source");
    for number in (0..300).filter(|number| number % 20 > 0) {
        fs::remove_file(sandbox.path(format!("source/{number}"))).unwrap();
    }
    sandbox.ok("backup --accept-shrunk @source");
    sandbox.ok("forget --keep-last 1");
    sandbox.ok(&format!("prune --max-unused 0 {flags}"));
    sandbox.ok("check --read-data");
    sandbox.object_bytes("packs")
}

#[test]
fn a_prune_compresses_what_it_seals_again() {
    let [off, max] = ["--compression off", "--compression max"].map(bytes_after_prune);
    // Fifteen files of about 18 KB.
    assert!(off > 200_000 && max * 3 < off, "{off} {max}");
}

#[test]
fn a_prune_writes_packs_of_the_given_size() {
    let sandbox = Sandbox::new();
    let noise = noise(12 << 20);
    for (number, half) in noise.chunks(6 << 20).enumerate() {
        sandbox.write(format!("source/{number}"), half);
        sandbox.ok("backup @source");
    }
    assert!(pack_sizes(&sandbox).iter().any(|bytes| *bytes > 5 * MIB));
    sandbox.ok("prune --repack-smaller-than 1G --pack-size 4");
    let sizes = pack_sizes(&sandbox);
    assert!(sizes.len() >= 4 && sizes.iter().all(|bytes| *bytes <= 4 * MIB), "{sizes:?}");
    sandbox.ok("check --read-data");
}

#[test]
fn a_repair_writes_packs_of_the_given_size() {
    let sandbox = Sandbox::new();
    sandbox.write("source/large", noise(12 << 20));
    sandbox.ok("backup @source");
    let path = |name: &String| sandbox.path("repository").join(name);
    let packs = sandbox.objects("packs");
    let pack = packs.iter().max_by_key(|name| path(name).metadata().unwrap().len()).unwrap();
    let mut bytes = fs::read(path(pack)).unwrap();
    bytes[5000] ^= 1;
    fs::set_permissions(path(pack), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path(pack), bytes).unwrap();
    sandbox.ok("repair index --read-all-packs --pack-size 4");
    let sizes = pack_sizes(&sandbox);
    assert!(sizes.len() >= 3 && sizes.iter().all(|bytes| *bytes <= 4 * MIB), "{sizes:?}");
}
