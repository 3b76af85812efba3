//! Confirmation typed at a terminal.

use std::process::Stdio;

use crate::world::World;

/// The output and exit code when this is typed.
fn typed(world: &World, answer: &str) -> (String, Option<i32>) {
    use std::io::Write;
    let words = world.sandbox.words("restore-app --config @holdfast.toml --only vault");
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap().to_owned()).collect();
    let program = holdfast_tests::binary::holdfast().display().to_string();
    let line = format!("{program} {}", words.join(" "));
    let mut command = world.sandbox.program("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let outcome = world.sandbox.finish(child.wait_with_output().unwrap());
    (outcome.stdout, outcome.code)
}

#[test]
fn the_word_must_be_typed() {
    let world = World::new();
    world.capture();
    world.sandbox.write("opt/vault/3", "scribble");
    for answer in ["yes\n", "confirm\n"] {
        let (said, code) = typed(&world, answer);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("Type CONFIRM") && said.contains("nothing was changed"), "{said}");
        assert_eq!(world.sandbox.read("opt/vault/3"), b"scribble");
    }
    let (said, code) = typed(&world, "CONFIRM\n");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.sandbox.read("opt/vault/3"), b"document 3\n".repeat(3));
}
