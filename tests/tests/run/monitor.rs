//! Notifications about a run.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use crate::world::World;

/// A web server that answers every request with 200 and records it.
fn server() -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, hears) = channel();
    // It ends with the test process: nothing waits for it.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(request) = stream.and_then(answer) else { continue };
            if heard.send(request).is_err() {
                return;
            }
        }
    });
    (format!("http://{address}"), hears)
}

fn answer(mut stream: TcpStream) -> std::io::Result<(String, String)> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first)?;
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok((path, String::from_utf8_lossy(&body).into_owned()))
}

fn notices(url: &str) -> String {
    format!(
        "[notify.healthchecks]\nurl = \"{url}/ping/me\"\n[notify.webhook]\nurl = \"{url}/hook\"\n\
         [notify.prometheus]\ntextfile = \"metrics.prom\"\n"
    )
}

#[test]
fn start_and_success_are_told_with_the_id_of_the_run() {
    let (url, hears) = server();
    let world = World::new(&notices(&url));
    let run = world.runs()["run"].as_str().unwrap().to_owned();
    let paths: Vec<String> = (0..3).map(|_| hears.recv().unwrap().0).collect();
    assert_eq!(
        paths,
        [format!("/ping/me/start?rid={run}"), format!("/ping/me/0?rid={run}"), "/hook".to_owned()]
    );
    let metrics = String::from_utf8(world.sandbox.read("metrics.prom")).unwrap();
    assert!(metrics.contains("notes"), "{metrics}");
}

#[test]
fn failure_is_told_with_its_reason() {
    let (url, hears) = server();
    let broken = "[[source]]\nname = \"broken\"\ntype = \"command\"\ncommand = [\"false\"]\n\
        file = \"x\"\n";
    let world = World::new(&(broken.to_owned() + &notices(&url)));
    world.fails(1);
    let heard: Vec<_> = (0..3).map(|_| hears.recv().unwrap()).collect();
    assert!(heard[1].0.starts_with("/ping/me/1?"), "{heard:?}");
    assert!(heard[1].1.contains("source broken failed"), "{heard:?}");
    assert!(heard[2].1.contains("\"state\":\"failed\""), "{heard:?}");
}

#[test]
fn nobody_who_listens_is_no_reason_to_fail() {
    let world = World::new("[notify.prometheus]\ntextfile = \"no/such/folder/metrics.prom\"\n");
    world.sandbox.ok("run --init-missing").says("metrics.prom");
    assert_eq!(world.snapshots().len(), 1);
}
