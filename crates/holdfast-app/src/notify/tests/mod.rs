//! Notices to a working server, to a broken one, and to none.

mod pings;
mod server;
mod textfile;
mod webhooks;

use std::time::Duration;

use holdfast_connect::web::Proxies;
use server::{NoticeServer, Reply};

use super::*;
use crate::config::{Address, Healthchecks};
use crate::hooks::EndState;
use crate::settings::WebUrl;

const FINE: Reply = Reply::Status(200, "");

fn options() -> HttpOptions {
    HttpOptions {
        timeout: Duration::from_secs(60),
        retries_max: 5,
        pause: Duration::ZERO,
        proxies: Proxies::default(),
    }
}

fn client() -> HttpClient {
    HttpClient::new(&options()).unwrap()
}

fn address(url: &str) -> Address {
    Address::Url(WebUrl::new(url).unwrap())
}

/// A notice with every field set.
fn notice() -> RunNotice {
    let time = |text: &str| text.parse().unwrap();
    let frame = RunNotice::new(
        "documenso",
        "0190a1b2-0000-7000-8000-000000000001",
        "web-1",
        time("2026-09-01T12:00:00Z"),
        time("2026-09-01T12:01:30.5Z"),
    );
    let source = |name: &str, kind: &str| SourceNotice {
        name: name.to_owned(),
        kind: kind.to_owned(),
        state: EndState::Ok,
        duration_seconds: 12.5,
        files: 10,
        total_bytes: 2000,
        added_bytes: 30,
        errors: 0,
        missing_objects: 0,
    };
    RunNotice {
        state: EndState::Incomplete,
        exit_code: 3,
        snapshot: Some("c0ffee".to_owned()),
        total_bytes: 4000,
        added_bytes: 60,
        sources: vec![
            source("database", "postgres"),
            SourceNotice { errors: 1, missing_objects: 2, ..source("documents", "bucket") },
        ],
        checks: vec![CheckNotice {
            name: "every document has its object".to_owned(),
            passed: false,
            message: "2 of 10 are missing".to_owned(),
        }],
        warnings: vec!["the certificate ends soon".to_owned()],
        ..frame
    }
}

#[test]
fn the_text_of_a_run() {
    insta::assert_snapshot!(notice().text(), @r"
    documenso on web-1, run 0190a1b2-0000-7000-8000-000000000001, 90 seconds
    snapshot c0ffee
    4000 bytes in total, 60 added
    source database: ok, 10 files, 2000 bytes
    source documents: ok, 10 files, 2000 bytes, 1 could not be read
    check every document has its object: FAILED: 2 of 10 are missing
    warning: the certificate ends soon
    incomplete, exit code 3
    ");
    let failed = RunNotice {
        state: EndState::Failed,
        exit_code: 1,
        error: Some("the disk is full".to_owned()),
        failed_hooks: 1,
        secrets_found: 2,
        ..RunNotice {
            snapshot: None,
            sources: vec![],
            checks: vec![],
            warnings: vec![],
            ..notice()
        }
    };
    insta::assert_snapshot!(failed.text(), @r"
    documenso on web-1, run 0190a1b2-0000-7000-8000-000000000001, 90 seconds
    4000 bytes in total, 60 added
    1 hooks failed
    2 private keys or tokens in ordinary sources
    error: the disk is full
    failed, exit code 1
    ");
}

#[test]
fn everybody_hears_of_a_run() {
    let server = NoticeServer::start(&[FINE]);
    let folder = tempfile::tempdir().unwrap();
    let rules = Notify {
        healthchecks: Some(Healthchecks { address: address(&server.url("/check")) }),
        webhook: Some(crate::config::Webhook {
            address: address(&server.url("/hook")),
            authorization_file: None,
            when: crate::config::When::Always,
        }),
        prometheus: Some(crate::config::Prometheus { textfile: folder.path().join("x.prom") }),
    };
    let notices = Notices::begin(&rules, &options(), &notice().run);
    assert_eq!(server.lines().len(), 1);
    let trouble = notices.end(&notice(), &());
    assert!(trouble.is_empty(), "{trouble:?}");
    let rid = "rid=0190a1b2-0000-7000-8000-000000000001";
    let expected =
        [format!("POST /check/start?{rid}"), format!("POST /check/3?{rid}"), "POST /hook".into()];
    assert_eq!(server.lines(), expected);
    assert_eq!(server.requests()[1].body, notice().text());
    assert!(folder.path().join("x.prom").is_file());
}

#[test]
fn nobody_needs_to_hear_of_a_run() {
    let rules = Notify::default();
    assert!(Notices::begin(&rules, &options(), "x").end(&notice(), &()).is_empty());
}

/// Every notice is tried even if others fail, and each failure is reported.
#[test]
fn trouble_with_notices_is_told_and_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let rules = Notify {
        healthchecks: Some(Healthchecks { address: Address::File(missing.clone()) }),
        webhook: Some(crate::config::Webhook {
            address: Address::File(missing.clone()),
            authorization_file: None,
            when: crate::config::When::Always,
        }),
        prometheus: Some(crate::config::Prometheus { textfile: missing.join("x.prom") }),
    };
    let trouble = Notices::begin(&rules, &options(), "x").end(&notice(), &());
    let trouble: Vec<_> = trouble.iter().map(ToString::to_string).collect();
    assert_eq!(trouble.len(), 3, "{trouble:?}");
    assert!(trouble.iter().all(|told| told.contains("missing")), "{trouble:?}");
}
