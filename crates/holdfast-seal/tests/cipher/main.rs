//! The cipher gives the same bytes on each code path that this machine's processor supports.
//!
//! The path is selected at run time, so tests see only the widest; an older processor takes another
//! one. Here a small program is compiled for each of them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

/// Output of a Python implementation written only from RFC 8439 and draft-irtf-cfrg-xchacha.
const EXPECTED: &str = "7990ed72679ab8bf68211dcf48c698392687d957d0023e77a0a785786df28f66";

const MANIFEST: &str = r#"
[package]
name = "cipher"
version = "0.0.0"
edition = "2024"

[[bin]]
name = "cipher"
path = "program.rs"

[dependencies]
chacha20poly1305 = { version = "0.11", default-features = false, features = ["zeroize"] }
"#;

/// Paths of this processor, with the flags that select them.
fn paths() -> Vec<(&'static str, &'static str)> {
    let mut paths = vec![("soft", r#"--cfg chacha20_backend="soft""#)];
    #[cfg(target_arch = "x86_64")]
    {
        paths.push(("sse2", r#"--cfg chacha20_backend="sse2""#));
        if is_x86_feature_detected!("avx2") {
            let flags = r#"--cfg chacha20_backend="avx2" -C target-feature=+avx2"#;
            paths.push(("avx2", flags));
        }
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            let flags = concat!(
                r#"--cfg chacha20_avx512 --cfg chacha20_backend="avx512" "#,
                "-C target-feature=+avx512f,+avx512vl"
            );
            paths.push(("avx512", flags));
        }
    }
    // The default build.
    paths.push(("chosen at run time", "--cfg chacha20_avx512"));
    paths
}

#[test]
fn each_path_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.toml"), MANIFEST).unwrap();
    std::fs::write(folder.path().join("program.rs"), include_str!("program.rs")).unwrap();
    // The same versions as here.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    std::fs::copy(lock, folder.path().join("Cargo.lock")).unwrap();
    for (path, flags) in paths() {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--release", "--offline"])
            .current_dir(folder.path())
            .env("CARGO_TARGET_DIR", folder.path().join("target"))
            .env("RUSTFLAGS", flags)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{path}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), EXPECTED, "{path}");
    }
}
