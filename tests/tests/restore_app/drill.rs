//! A drill: everything is restored elsewhere, and nothing live is touched.

use crate::world::World;

#[test]
fn a_drill_touches_nothing_live() {
    let world = World::new();
    world.capture();
    world.put_document(21);
    let drill = [
        ("url = \"postgres://demo@/app?", "url = \"postgres://demo@/app_drill?"),
        ("@opt/", "@drill/"),
        ("@started", "@drill-started"),
        ("@data", "@unused"),
        ("@keys\"", "@unused-keys\""),
    ];
    world.write_file("drill.toml", &world.app_file_with(&drill));
    let outcome = world.restore(0, "--to @drill.toml --confirm");
    outcome.prints("make     database app_drill");
    outcome.prints("verified: check every document is in the vault: 20 referenced, 0 missing");
    assert_eq!((world.count("app_drill", "document"), world.count("app", "document")), (20, 21));
    assert_eq!(world.sandbox.read("drill/.env"), b"SECRET=first\n");
    assert_eq!(world.sandbox.read("drill/vault/7"), world.sandbox.read("opt/vault/7"));
    assert!(world.sandbox.exists("drill-started") && world.sandbox.exists("started"));
    // An object lost in the drill's own destination is reported there.
    std::fs::remove_file(world.sandbox.path("drill/vault/7")).unwrap();
    world.restore(0, "--to @drill.toml --confirm");
    assert!(world.sandbox.exists("drill/vault/7"));
}

#[test]
fn a_drill_over_what_is_live_is_refused() {
    let world = World::new();
    world.capture();
    let unused = [("@data", "@unused"), ("@keys\"", "@unused-keys\"")];
    for (old, new, said) in [
        ("none", "none", "database app"),
        ("postgres://demo@/app?", "postgres://demo@/drill?", "opt/vault"),
    ] {
        let text = world.app_file_with(&unused).replace(old, new);
        world.write_file("drill.toml", &text);
        let outcome = world.restore(1, "--to @drill.toml --confirm");
        outcome.says("the application's own").says(said);
    }
}
