//! Pings of a monitor.

use super::*;

const RUN: &str = "0190a1b2-0000-7000-8000-000000000001";

fn monitor(url: &str) -> Monitor {
    Monitor::new(&client(), &Healthchecks { address: address(url) }, RUN).unwrap()
}

#[test]
fn each_ping_has_its_path_and_the_id_of_the_run() {
    let server = NoticeServer::start(&[FINE]);
    let of = |path: &str| monitor(&server.url(path));
    of("/ping/uuid").start().unwrap();
    of("/ping/uuid").success("done").unwrap();
    of("/ping/uuid/").fail("broken").unwrap();
    of("/ping/key/my-backup?create=1").exit(3, "some").unwrap();
    of("/ping/uuid").exit(0, "").unwrap();
    of("/ping/uuid").log("a word").unwrap();
    let rid = format!("rid={RUN}");
    assert_eq!(
        server.lines(),
        [
            format!("POST /ping/uuid/start?{rid}"),
            format!("POST /ping/uuid?{rid}"),
            format!("POST /ping/uuid/fail?{rid}"),
            format!("POST /ping/key/my-backup/3?create=1&{rid}"),
            format!("POST /ping/uuid/0?{rid}"),
            format!("POST /ping/uuid/log?{rid}"),
        ]
    );
    let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["", "done", "broken", "some", "", "a word"]);
    let agent = format!("holdfast/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(server.requests()[0].header("user-agent"), Some(agent.as_str()));
}

#[test]
fn the_end_of_a_long_text_is_sent() {
    let server =
        NoticeServer::start(&[FINE, FINE, Reply::Status(200, "Ping-Body-Limit: 100\r\n"), FINE]);
    let text = format!("{}the end", "x".repeat(50_000));
    monitor(&server.url("/x")).exit(1, &text).unwrap();
    let mut with_limit = monitor(&server.url("/x"));
    with_limit.log(&text).unwrap();
    with_limit.start().unwrap();
    with_limit.exit(1, &text).unwrap();
    let lengths: Vec<_> = server.requests().iter().map(|request| request.body.len()).collect();
    assert_eq!(lengths, [10_000, 10_000, 0, 100]);
    assert!(server.requests()[3].body.ends_with("xthe end"));
}

#[test]
fn a_monitor_cannot_ask_for_more_than_is_sent() {
    let server = NoticeServer::start(&[Reply::Status(200, "Ping-Body-Limit: 99999999\r\n"), FINE]);
    let mut monitor = monitor(&server.url("/x"));
    monitor.start().unwrap();
    monitor.exit(1, &"x".repeat(50_000)).unwrap();
    assert_eq!(server.requests()[1].body.len(), 10_000);
}

#[test]
fn what_may_pass_is_tried_again() {
    for reply in
        [Reply::Status(500, ""), Reply::Status(503, ""), Reply::Status(429, ""), Reply::Close]
    {
        let server = NoticeServer::start(&[reply.clone(), reply.clone(), FINE]);
        monitor(&server.url("/x")).exit(0, "text").unwrap();
        let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
        assert_eq!(bodies, ["text"; 3], "{reply:?}");
    }
}

#[test]
fn six_attempts_are_all() {
    let server = NoticeServer::start(&[Reply::Status(500, "")]);
    let told = monitor(&server.url("/secret-path")).exit(0, "").unwrap_err().to_string();
    assert_eq!(
        told,
        "the monitor at 127.0.0.1 was not notified: it returned status 500 (6 attempts)"
    );
    assert_eq!(server.lines().len(), 6);
}

#[test]
fn a_start_is_not_held_up_for_long() {
    let server = NoticeServer::start(&[Reply::Status(500, "")]);
    monitor(&server.url("/x")).start().unwrap_err();
    assert_eq!(server.lines().len(), 2);
}

#[test]
fn what_will_not_pass_is_not_tried_again() {
    for status in [400, 401, 404, 410] {
        let server = NoticeServer::start(&[Reply::Status(status, "")]);
        let told = monitor(&server.url("/x")).exit(0, "").unwrap_err().to_string();
        assert!(told.contains(&format!("status {status} (1 attempts)")), "{told}");
        assert_eq!(server.lines().len(), 1);
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let server = NoticeServer::start(&[Reply::Silence]);
    let options = HttpOptions { timeout: Duration::from_millis(100), retries_max: 2, ..options() };
    let http = HttpClient::new(&options).unwrap();
    let rules = Healthchecks { address: address(&server.url("/secret-path")) };
    let told = Monitor::new(&http, &rules, RUN).unwrap().exit(0, "").unwrap_err().to_string();
    assert_eq!(told, "the monitor at 127.0.0.1 was not notified: no answer in time (3 attempts)");
}

#[test]
fn a_server_that_is_not_there_is_given_up() {
    let url = NoticeServer::start(&[FINE]).url("/secret-path");
    let told = monitor(&url).exit(0, "").unwrap_err().to_string();
    assert!(told.contains("refused") && !told.contains("secret-path"), "{told}");
}

#[test]
fn an_address_can_be_in_a_file() {
    let server = NoticeServer::start(&[FINE]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    let monitor = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Monitor::new(&client(), &Healthchecks { address: Address::File(file.clone()) }, RUN)
    };
    monitor(&format!("\n{}\n", server.url("/x"))).unwrap().start().unwrap();
    assert!(server.lines()[0].starts_with("POST /x/start?"));
    for text in ["", "not an address", "ftp://x/", "https://a:secret@h/", "http://h/\nhttp://i/ x"]
    {
        let told = match monitor(text) {
            Ok(_) => panic!("{text}"),
            Err(error) => error.to_string(),
        };
        assert!(told.contains("does not contain a URL") && !told.contains("secret"), "{told}");
    }
}
