//! What someone with access to the storage can see.

use holdfast_tests::sandbox::Sandbox;

/// The first of these texts that any object contains.
fn readable<'a>(sandbox: &Sandbox, texts: &[&'a str]) -> Option<&'a str> {
    let objects: Vec<Vec<u8>> =
        sandbox.objects("").iter().map(|name| sandbox.read(format!("repository/{name}"))).collect();
    let holds = |bytes: &Vec<u8>, text: &str| {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    let named = |text: &str| sandbox.objects("").iter().any(|name| name.contains(text));
    texts.iter().find(|text| named(text) || objects.iter().any(|it| holds(it, text))).copied()
}

#[test]
fn contents_and_names_cannot_be_read() {
    let sandbox = Sandbox::new();
    // Too short and too random to be hidden by compression alone.
    let texts = ["Wq7vKxPz4n", "file-T9bZr2", "tag-Lm5Yc8", "host-Hd3Gs6", "link-Jf1Rt0"];
    sandbox.write(format!("source/{}", texts[1]), texts[0]);
    std::os::unix::fs::symlink(texts[4], sandbox.path("source/link")).unwrap();
    for compression in ["off", "auto"] {
        sandbox.ok(&format!(
            "backup @source --force --compression {compression} --tag {} --host {}",
            texts[2], texts[3]
        ));
    }
    assert_eq!(readable(&sandbox, &texts), None);
    // The search does find readable text.
    sandbox.write("repository/note", texts[0]);
    assert_eq!(readable(&sandbox, &texts), Some(texts[0]));
}

#[test]
fn files_of_different_sizes_are_stored_as_objects_of_the_same() {
    let bytes_of = |size: usize| {
        let sandbox = Sandbox::new();
        sandbox.write("source/a", vec![7; size]);
        sandbox.ok("backup @source --compression off");
        let mut sizes: Vec<u64> = sandbox
            .objects("packs")
            .iter()
            .map(|name| sandbox.path("repository").join(name).metadata().unwrap().len())
            .collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(bytes_of(40_000), bytes_of(40_100));
}
