//! The report of a run as JSON.

use serde_json::{Value as Json, json};

use super::*;
use crate::config::{Webhook, When};

fn rules(url: &str, when: When) -> Webhook {
    Webhook { address: address(url), authorization_file: None, when }
}

fn document() -> Json {
    json!({ "app": "documenso", "state": "incomplete" })
}

#[test]
fn the_document_arrives_as_it_is() {
    let server = NoticeServer::start(&[FINE]);
    post(&client(), &rules(&server.url("/hook?x=1"), When::Always), false, &document()).unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.line, "POST /hook?x=1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(serde_json::from_str::<Json>(&request.body).unwrap(), document());
}

#[test]
fn the_header_comes_from_a_file() {
    let server = NoticeServer::start(&[FINE]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorization");
    let rules =
        Webhook { authorization_file: Some(file.clone()), ..rules(&server.url("/"), When::Always) };
    std::fs::write(&file, "Bearer hunter2\n").unwrap();
    post(&client(), &rules, false, &document()).unwrap();
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer hunter2"));
    for text in ["", "two\nlines hunter2"] {
        std::fs::write(&file, text).unwrap();
        let told = post(&client(), &rules, false, &document()).unwrap_err().to_string();
        assert!(told.contains("a single line for") && !told.contains("hunter2"), "{told}");
    }
    std::fs::remove_file(&file).unwrap();
    let told = post(&client(), &rules, false, &document()).unwrap_err().to_string();
    assert!(told.contains("cannot read"), "{told}");
}

#[test]
fn it_may_be_sent_for_failures_only() {
    let server = NoticeServer::start(&[FINE]);
    let rules = rules(&server.url("/"), When::Failure);
    post(&client(), &rules, true, &document()).unwrap();
    assert_eq!(server.lines().len(), 0);
    post(&client(), &rules, false, &document()).unwrap();
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn a_redirected_notice_arrives() {
    let elsewhere = NoticeServer::start(&[FINE]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authorization");
    std::fs::write(&file, "Bearer hunter2").unwrap();
    let to: &'static str = format!("location: {}\r\n", elsewhere.url("/c")).leak();
    let replies = [Reply::Status(308, "location: /b\r\n"), Reply::Status(302, to)];
    let server = NoticeServer::start(&replies);
    let rules =
        Webhook { authorization_file: Some(file), ..rules(&server.url("/a"), When::Always) };
    post(&client(), &rules, false, &document()).unwrap();
    assert_eq!(server.lines(), ["POST /a", "POST /b"]);
    assert_eq!(server.requests()[1].header("authorization"), Some("Bearer hunter2"));
    let arrived = &elsewhere.requests()[0];
    assert_eq!(arrived.line, "POST /c");
    assert_eq!(arrived.body, server.requests()[0].body);
    assert_eq!(arrived.header("authorization"), None, "another server gets no secret");
}

#[test]
fn a_server_that_redirects_in_a_circle_is_given_up() {
    let server = NoticeServer::start(&[Reply::Status(302, "location: /a\r\n")]);
    let http = HttpClient::new(&HttpOptions { retries_max: 0, ..options() }).unwrap();
    let rules = rules(&server.url("/a"), When::Always);
    let told = post(&http, &rules, false, &document()).unwrap_err().to_string();
    assert!(told.contains("too many redirects"), "{told}");
}
