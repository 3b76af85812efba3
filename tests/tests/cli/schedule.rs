//! `schedule`: its output is verified with the programs it is meant for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use holdfast_tests::binary;
use holdfast_tests::sandbox::{Outcome, Sandbox};

const APP: &str = r#"[app]
name = "documenso"
host = "documenso.example.com"
[repository]
url = "repository"
password-file = "key"
[[source]]
name = "uploads"
type = "files"
paths = ["/opt/documenso/uploads"]
[schedule]
every = "day"
at = "02:30"
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("holdfast.toml", APP);
    sandbox
}

/// The command that a schedule must start, with the app file's full path.
fn command_line(sandbox: &Sandbox) -> String {
    let app_file = sandbox.path("holdfast.toml");
    format!("{} run --config {}", binary::holdfast().display(), app_file.display())
}

#[test]
fn units_are_written_and_systemd_takes_them() {
    let sandbox = sandbox();
    let printed = sandbox.ok("schedule systemd").stdout;
    fs::create_dir_all(sandbox.path("root/etc/systemd/system")).unwrap();
    let outcome = sandbox.ok("schedule systemd --to @root/etc/systemd/system");
    outcome.prints("wrote ").prints("/holdfast-documenso.service\n");
    let units = ["holdfast-documenso.service", "holdfast-documenso.timer"];
    let paths = units.map(|name| sandbox.path("root/etc/systemd/system").join(name));
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        assert!(printed.contains(&text), "{printed}");
    }
    let service = fs::read_to_string(&paths[0]).unwrap();
    let start = format!("ExecStart={}\n", command_line(&sandbox));
    assert!(service.contains(&start), "{service}");
    let timer = fs::read_to_string(&paths[1]).unwrap();
    assert!(timer.contains("OnCalendar=*-*-* 02:30:00\n") && timer.contains("Persistent=true\n"));
    let verdict = Command::new("systemd-analyze").arg("verify").args(&paths).output();
    let verdict = verdict.expect("systemd-analyze is missing: install the Debian package systemd");
    let told = String::from_utf8_lossy(&verdict.stderr);
    let ours: Vec<_> = told.lines().filter(|line| line.contains("holdfast")).collect();
    assert!(verdict.status.success() && ours.is_empty(), "{told}");
    // systemd enables the timer, in a folder that serves as the root of a machine.
    let root = format!("--root={}", sandbox.path("root").display());
    let enabled = Command::new("systemctl").args([&root, "enable", units[1]]).output().unwrap();
    assert!(enabled.status.success(), "{enabled:?}");
    let wanted = "root/etc/systemd/system/timers.target.wants/holdfast-documenso.timer";
    assert!(sandbox.exists(wanted));
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = sandbox();
    fs::create_dir(sandbox.path("units")).unwrap();
    sandbox.ok("schedule systemd --to @units --dry-run").prints("would write ");
    assert_eq!(fs::read_dir(sandbox.path("units")).unwrap().count(), 0);
    let outcome = sandbox.ok("schedule systemd --install --dry-run");
    outcome
        .prints("would write /etc/systemd/system/holdfast-documenso.service\n")
        .prints("would run systemctl daemon-reload\n")
        .prints("would run systemctl enable --now holdfast-documenso.timer\n");
    let json = sandbox.ok("schedule systemd --json").json();
    assert_eq!(json["commands"][0], "systemctl daemon-reload");
    assert_eq!(json["files"][1]["name"], "/etc/systemd/system/holdfast-documenso.timer");
    sandbox.fails(1, "schedule systemd --to @none").says("cannot write the units into");
    sandbox.fails(2, "schedule systemd --to @units --install").says("cannot be used with");
}

#[test]
fn a_crontab_runs_what_it_says() {
    let sandbox = sandbox();
    for (line, user) in [("schedule cron", "root "), ("schedule cron --user-table", "")] {
        let table = sandbox.ok(line).stdout;
        // Mail from cron means that something is wrong.
        let command = command_line(&sandbox).replace(" run ", " run --quiet ");
        let expected = format!("30 2 * * * {user}{command}\n");
        assert!(table.ends_with(&expected), "{table}");
        for part in ["MAILTO=root\n", "PATH=/usr/local/sbin:", "No flock is needed"] {
            assert!(table.contains(part), "{table}");
        }
    }
    let other = sandbox.ok("schedule cron --program /opt/holdfast --user-table").stdout;
    assert!(other.contains("30 2 * * * /opt/holdfast run --quiet --config /"), "{other}");
}

/// Runs the last line of a crontab as cron's shell does.
fn start(sandbox: &Sandbox, table: &str) -> Outcome {
    let command = table.lines().last().unwrap().splitn(6, ' ').nth(5).unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env_clear().env("HOME", sandbox.path("home"));
    sandbox.finish(shell.output().unwrap())
}

#[test]
fn what_cron_starts_is_quiet_unless_something_is_wrong() {
    let sandbox = Sandbox::new();
    let file = APP.replace("/opt/documenso/uploads", sandbox.path("up loads").to_str().unwrap());
    sandbox.write("holdfast.toml", &file);
    sandbox.write("up loads/file", "stored");
    let table = sandbox.ok("schedule cron --user-table").stdout;
    let outcome = start(&sandbox, &table);
    assert_eq!((outcome.code, outcome.stdout, outcome.stderr), (Some(0), "".into(), "".into()));
    fs::remove_dir_all(sandbox.path("up loads")).unwrap();
    let outcome = start(&sandbox, &table);
    assert_ne!(outcome.code, Some(0));
    outcome.says("holdfast: documenso: ").says("up loads");
}

#[test]
fn folders_need_no_app_file() {
    let sandbox = Sandbox::new();
    sandbox.write("up loads/50%", "stored");
    let line = "-r @repository -p @key schedule cron --user-table --at 02:30 --backup";
    let mut words = sandbox.words(line);
    sandbox.write("more/file", "stored");
    words.extend([sandbox.path("up loads").into(), sandbox.path("more").into()]);
    let table = sandbox.run_words(&words).stdout;
    assert!(table.contains("\n30 2 * * * "), "{table}");
    let outcome = start(&sandbox, &table);
    assert_eq!((outcome.code, outcome.stdout, outcome.stderr), (Some(0), "".into(), "".into()));
    let paths = sandbox.ok("snapshots --json").json()[0]["paths"].clone();
    assert_eq!(paths.as_array().map(Vec::len), Some(2), "{paths}");
    fs::rename(sandbox.path("repository"), sandbox.path("elsewhere")).unwrap();
    start(&sandbox, &table).says("repository does not exist");
    fs::rename(sandbox.path("elsewhere"), sandbox.path("repository")).unwrap();

    let units = sandbox.ok("-p @key schedule systemd --backup @more").stdout;
    let program = binary::holdfast();
    let start = format!("ExecStart={} backup --repo ", program.display());
    assert!(units.contains(&start), "{units}");
    assert!(units.contains("OnCalendar=*-*-* *:00:00\n"), "{units}");
    assert!(units.contains("# /etc/systemd/system/holdfast-files.timer\n"), "{units}");
    let repository = sandbox.path("repository");
    assert!(units.contains(&format!("ReadWritePaths=-{}", repository.display())), "{units}");
    assert!(!units.contains("LoadCredential"), "{units}");
    sandbox.fails(2, "schedule cron --backup @more --at 25:00").says("HH:MM");
    sandbox.fails(2, "schedule cron --at 02:30").says("--backup");
    let outcome = sandbox.fails(2, "-p @key schedule cron --backup @repository/..");
    outcome.says("cannot make this schedule");
}

#[test]
fn a_manifest_says_what_the_cluster_must_give() {
    let sandbox = sandbox();
    let claims = "--claim backup:/etc/holdfast/repository --claim uploads:/opt/documenso:ro";
    let line = format!("schedule kubernetes --image example.com/holdfast:0.1.0 {claims}");
    let text = sandbox.ok(&line).stdout;
    for part in [
        "kind: CronJob\n",
        "schedule: \"30 2 * * *\"\n",
        "concurrencyPolicy: Forbid\n",
        "- run\n",
        "- \"--config\"\n",
        "- \"/etc/holdfast/holdfast.toml\"\n",
        "kubectl create secret generic holdfast-documenso \\\n",
        "#     --from-file=repository.password=FILE",
        "    [schedule]\n    every = \"day\"\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    sandbox
        .fails(2, "schedule kubernetes --image x --claim uploads:/opt/documenso")
        .says("no volume contains /etc/holdfast/repository, which is the repository");
    sandbox.write("holdfast.toml", APP.replace("host = \"documenso.example.com\"\n", ""));
    sandbox.fails(2, &line).says("set host = \"...\" in [app]");
}

/// Runs a script as root with private `/etc/systemd/system` and `/run`: nothing that it writes
/// there is visible outside. The program is `$0`.
fn elsewhere(sandbox: &Sandbox, script: &str) -> Outcome {
    let own = "mount -t tmpfs tmpfs /etc/systemd/system && mount -t tmpfs tmpfs /run &&";
    let mut command = sandbox.program("unshare");
    let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", sandbox.path("bin").display());
    command.env("PATH", path).args(["--map-root-user", "--mount", "sh", "-c"]);
    command.arg(format!("{own} {script}")).arg(binary::holdfast());
    sandbox.finish(command.output().expect("unshare is missing: install util-linux"))
}

#[test]
fn an_installation_writes_the_units_and_tells_systemd() {
    let sandbox = sandbox();
    // It records the calls to systemctl, and fails if the file `refuse` exists.
    let systemctl = sandbox.write(
        "bin/systemctl",
        "#!/bin/sh\necho \"$@\" >> told\n\
         if [ -e refuse ]; then echo 'No such unit' >&2; exit 5; fi\n",
    );
    fs::set_permissions(systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let install = "mkdir -p /run/systemd/system && \"$0\" schedule systemd --install";
    let show = "cat /etc/systemd/system/holdfast-documenso.service";
    let outcome = elsewhere(&sandbox, &format!("{install} && {show}"));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let start = format!("ExecStart={}\n", command_line(&sandbox));
    outcome.prints("wrote /etc/systemd/system/holdfast-documenso.timer\n").prints(&start);
    outcome.prints("systemctl start holdfast-documenso.service\n");
    let told = "daemon-reload\nenable --now holdfast-documenso.timer\n";
    assert_eq!(sandbox.read("told"), told.as_bytes());
    // systemd reports an error.
    sandbox.write("refuse", "");
    let outcome = elsewhere(&sandbox, install);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("`systemctl daemon-reload` failed").says("No such unit");
    // There is no systemd: nothing is written, nothing is called.
    fs::remove_file(sandbox.path("told")).unwrap();
    let refused = "\"$0\" schedule systemd --install; echo $?; ls -A /etc/systemd/system";
    let outcome = elsewhere(&sandbox, refused);
    assert_eq!(outcome.stdout, "1\n");
    outcome.says("this machine does not run systemd").says("try: holdfast schedule cron");
    assert!(!sandbox.exists("told"));
}
