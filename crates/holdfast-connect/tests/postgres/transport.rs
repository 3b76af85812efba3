//! Tools that run elsewhere: what passes on their output may silently lose or change bytes.

use std::ffi::OsString;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use holdfast_connect::postgres::{ErrorKind, PostgresError, PostgresOptions};

use crate::cluster::{Cluster, installations};
use crate::round_trip::filled;
use crate::tree::{capture, options, script};

/// A stand-in for `docker exec`: a script that runs `pg_dump` (not `--version`) in its own way.
fn through(cluster: &Cluster, way: &str) -> PostgresOptions {
    let text = format!(
        "#!/bin/bash\ncase \"$1 $2\" in *pg_dump\\ -Fc) ;; *) exec \"$@\" ;; esac\n{way}\n"
    );
    let mut options = options(cluster, "app");
    options.server.exec = vec![script(cluster, "through", &text).into_os_string()];
    options
}

fn failure(options: PostgresOptions) -> (ErrorKind, String) {
    let error = capture(options).unwrap_err();
    let kind = error.get_ref().and_then(|it| it.downcast_ref::<PostgresError>()).unwrap().kind;
    (kind, error.to_string())
}

#[test]
fn a_way_through_another_command_gives_the_same_files() {
    let cluster = filled(&installations()[0]);
    let direct = capture(options(&cluster, "app")).unwrap();
    let around = capture(through(&cluster, "exec \"$@\"")).unwrap();
    assert_eq!(direct.paths(), around.paths());
    assert_eq!(direct.content("app").members, around.content("app").members);
}

#[test]
fn output_that_is_cut_off_in_silence_is_no_backup() {
    let cluster = filled(&installations()[0]);
    // Within the table of contents, within the data, at the last bytes, and no output at all.
    let bytes = cluster.dump("app", &["-Fc", "-Z0"]).len();
    for kept in [0, 3000, bytes / 2, bytes - 1] {
        let (kind, text) = failure(through(&cluster, &format!("\"$@\" | head -c {kept}")));
        assert_eq!(kind, ErrorKind::Incomplete, "{text}");
        assert!(text.contains("exec") && text.contains("\"app\""), "{text}");
    }
}

#[test]
fn output_of_a_terminal_is_refused() {
    let cluster = filled(&installations()[0]);
    let pty = "exec script -qec \"$(printf '%q ' \"$@\")\" /dev/null";
    let (_, text) = failure(through(&cluster, pty));
    assert!(text.contains("terminal") && text.contains("-T"), "{text}");
    // The session of the cut notices it even earlier.
    let mut options = options(&cluster, "app");
    let all = script(&cluster, "pty", &format!("#!/bin/bash\n{pty}\n"));
    options.server.exec = vec![all.into_os_string()];
    let (_, text) = failure(options);
    assert!(text.contains("terminal") && text.contains("-T"), "{text}");
}

#[test]
fn a_tool_that_fails_after_all_its_output_is_no_backup() {
    let cluster = filled(&installations()[0]);
    let (_, text) = failure(through(&cluster, "\"$@\"; echo 'out of luck' >&2; exit 3"));
    assert!(text.contains("exit code 3") && text.contains("out of luck"), "{text}");
    let (_, text) = failure(through(&cluster, "\"$@\" | head -c 9000; kill -9 $$"));
    assert!(text.contains("signal 9"), "{text}");
}

#[test]
fn the_reason_of_the_tool_is_reported() {
    let cluster = filled(&installations()[0]);
    let way = "exec \"$1\" --no-such-option";
    let (_, text) = failure(through(&cluster, way));
    assert!(text.contains("no-such-option") && text.contains("exit code 1"), "{text}");
}

#[test]
fn a_tool_that_says_nothing_can_be_stopped() {
    let cluster = filled(&installations()[0]);
    let options = through(&cluster, "echo $$ > \"$0.pid\"; sleep 1000");
    let (pid, stop) = (cluster.folder().join("through.pid"), options.server.stop.clone());
    let waiting = std::thread::spawn(move || failure(options));
    let deadline = Instant::now() + Duration::from_secs(60);
    let read = || std::fs::read_to_string(&pid).ok().filter(|it| it.ends_with('\n'));
    while read().is_none() {
        assert!(Instant::now() < deadline, "it never started");
        std::thread::sleep(Duration::from_millis(10));
    }
    stop.store(true, Ordering::SeqCst);
    waiting.join().unwrap();
    let line = format!("/proc/{}/cmdline", read().unwrap().trim());
    assert!(std::fs::read(line).is_ok_and(|it| it.is_empty()) || !is_running(&read().unwrap()));
}

fn is_running(pid: &str) -> bool {
    std::fs::read(format!("/proc/{}/cmdline", pid.trim())).is_ok_and(|line| !line.is_empty())
}

#[test]
fn arguments_never_hold_the_password() {
    let cluster = filled(&installations()[0]);
    crate::refusal::with_password(&cluster);
    let log = "echo \"$@\" >> \"$0.log\"; exec \"$@\"";
    let mut options = options(&cluster, "app");
    options.server = crate::tree::server(&cluster, "locked", "app");
    options.server.url = options.server.url.replace("locked@", "locked:hunter2@");
    let path = script(&cluster, "logged", &format!("#!/bin/bash\n{log}\n"));
    options.server.exec = vec![OsString::from(path)];
    capture(options).unwrap();
    let log = std::fs::read_to_string(cluster.folder().join("logged.log")).unwrap();
    assert!(log.contains("pg_dump") && log.contains("psql") && !log.contains("hunter2"), "{log}");
}
