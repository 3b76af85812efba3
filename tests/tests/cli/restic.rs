//! Scripts written for restic: every flag and command of restic 0.19 is accepted, or the error
//! suggests an alternative.

use holdfast_tests::sandbox::Sandbox;

/// Global flags, then those of each command that both programs have.
const FLAGS: &[(&str, &str)] = &[
    (
        "snapshots",
        "--repo --repository-file --password-file --password-command --key-hint \
         --insecure-no-password --quiet --verbose --json --no-cache --cache-dir --cleanup-cache \
         --no-lock --retry-lock --limit-upload --limit-download --compression --pack-size \
         --no-extra-verify --cacert --tls-client-cert --insecure-tls --stuck-request-timeout \
         --option --host --tag --path --latest --compact --group-by",
    ),
    (
        "backup",
        "--dry-run --exclude --iexclude --exclude-file --iexclude-file --exclude-if-present \
         --exclude-caches --exclude-larger-than --files-from --files-from-verbatim \
         --files-from-raw --stdin --stdin-from-command --stdin-filename --tag --host --time \
         --parent --force --group-by --skip-if-unchanged --one-file-system --with-atime \
         --ignore-ctime --ignore-inode --no-scan --read-concurrency --use-fs-snapshot",
    ),
    (
        "forget",
        "--keep-last --keep-hourly --keep-daily --keep-weekly --keep-monthly --keep-yearly \
         --keep-within --keep-within-hourly --keep-within-daily --keep-within-weekly \
         --keep-within-monthly --keep-within-yearly --keep-tag --host --tag --path --group-by \
         --prune --dry-run --compact --unsafe-allow-remove-all --max-unused --max-repack-size \
         --repack-cacheable-only --repack-small --repack-uncompressed --repack-smaller-than",
    ),
    (
        "prune",
        "--max-unused --max-repack-size --repack-cacheable-only --repack-small \
         --repack-smaller-than --repack-uncompressed --unsafe-recover-no-free-space --dry-run",
    ),
    (
        "restore",
        "--target --include --iinclude --include-file --iinclude-file --exclude --iexclude \
         --exclude-file --iexclude-file --include-xattr --exclude-xattr --overwrite --delete \
         --dry-run --verify --sparse --ownership-by-name --host --tag --path",
    ),
    ("dump", "--archive --target --host --tag --path"),
    ("check", "--read-data --read-data-subset --with-cache"),
    ("stats", "--mode --host --tag --path"),
    ("tag", "--set --add --remove --host --tag --path"),
    (
        "find",
        "--oldest --newest --ignore-case --long --blob --tree --pack --snapshot --reverse \
         --human-readable --host --tag --path",
    ),
    ("ls", "--long --recursive --ncdu --sort --reverse --human-readable --host --tag --path"),
    ("diff", "--metadata"),
    ("init", "--from-repo --copy-chunker-params"),
    ("key add", "--new-password-file"),
    ("key passwd", "--new-password-file"),
    ("cache", "--cleanup --max-age --no-size"),
];

const COMMANDS: &str = "init backup snapshots ls find diff dump restore mount copy forget prune \
    check repair recover rewrite tag stats key cat list cache unlock migrate features options \
    generate self-update version";

/// The program's response to an unknown flag.
const UNKNOWN: &str = "unexpected argument";

#[test]
fn every_flag_is_taken_or_explained() {
    let sandbox = Sandbox::new();
    for (command, flags) in FLAGS {
        let help = sandbox.ok(&format!("{command} --help")).stdout;
        for flag in flags.split_whitespace() {
            let is_shown =
                help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n"));
            let said = sandbox.run(&format!("{command} {flag}")).stderr;
            if !is_shown && said.contains(UNKNOWN) {
                assert!(said.contains("tip: "), "{command} {flag}: {said}");
                assert!(!said.contains("to pass '"), "{command} {flag}: {said}");
                assert!(!said.contains("similar argument"), "{command} {flag}: {said}");
            }
        }
    }
}

#[test]
fn every_command_is_there_or_explained() {
    let sandbox = Sandbox::new();
    for command in COMMANDS.split_whitespace() {
        let outcome = sandbox.run(&format!("{command} --help"));
        if outcome.code != Some(0) {
            outcome.says("tip: ");
            assert!(!outcome.stderr.contains("similar subcommand"), "{outcome:?}");
        }
    }
    sandbox.fails(2, "cat masterkey").says("never printed");
    let said = sandbox.fails(2, "prune --repack-uncompressed --json");
    assert!(said.stderr.contains("never recompressed"), "{said:?}");
}

#[test]
fn there_is_no_lock_to_wait_for() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "a");
    sandbox.ok("backup --retry-lock 5m @source");
    sandbox.ok("snapshots --no-lock").prints("1 snapshot");
}

/// Small backups leave few packs; the flag merges them anyway.
#[test]
fn small_packs_are_merged_on_request() {
    let sandbox = Sandbox::new();
    for number in 0..3 {
        sandbox.write(format!("source/{number}"), [number; 5000]);
        sandbox.backup("@source");
    }
    let packs = sandbox.objects("packs").len();
    sandbox.ok("prune");
    assert_eq!(sandbox.objects("packs").len(), packs);
    sandbox.ok("prune --repack-smaller-than 1M");
    assert_eq!(sandbox.objects("packs").len(), 2);
    sandbox.ok("check --read-data --with-cache").prints("no damage was found");
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(sandbox.read("out/2"), [2; 5000]);
}
