//! What must not be found: texts that look random, and placeholders for secrets.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn silent(path: &str, content: &str) {
    assert_eq!(kinds(path, content), [], "{path}");
}

#[test]
fn public_keys_and_certificates() {
    for kind in [
        "CERTIFICATE",
        "PUBLIC KEY",
        "RSA PUBLIC KEY",
        "PGP PUBLIC KEY BLOCK",
        "PGP SIGNATURE",
        "CERTIFICATE REQUEST",
        "DH PARAMETERS",
    ] {
        silent("/etc/ssl/x.pem", &pem(kind, "\n"));
        silent("/etc/x.yaml", &BASE64.encode(pem(kind, "\n").as_bytes()));
    }
    let key = BASE64.encode(&noise("ssh", 279));
    silent(
        "/root/.ssh/authorized_keys",
        &format!("ssh-rsa {key} ada@example\nssh-ed25519 {} bob", &key[..68]),
    );
    silent("/x", &format!("age1{}", chars("age", "qpzry9x8gf2tvdw0s3jn54khce6mua7l", 58)));
}

#[test]
fn headings_without_a_key() {
    let dashes = "-----";
    for text in [
        format!("{dashes}BEGIN PRIVATE KEY{dashes}"),
        format!(
            "if text.contains(\"{dashes}BEGIN RSA PRIVATE KEY{dashes}\") {{ \
             parse_the_key_and_return_it() }}"
        ),
        format!(
            "{dashes}BEGIN PRIVATE KEY{dashes}\nMIIEvQIBADANBg...\n{dashes}END PRIVATE KEY{dashes}"
        ),
        format!(
            "{dashes}BEGIN PRIVATE KEY{dashes}\n{}\n{dashes}END PRIVATE KEY{dashes}",
            "x".repeat(64)
        ),
        format!(
            "{dashes}BEGIN PRIVATE KEY{dashes}\n<your private key here, in base64, with line \
             breaks>"
        ),
        format!(
            "{dashes}BEGIN PRIVATE KEY{dashes}{dashes}END PRIVATE KEY{dashes}\n{}",
            BASE64.encode(&noise("other", 60))
        ),
    ] {
        silent("/docs/x.md", &text);
    }
}

#[test]
fn lock_files() {
    let sha512 = |n: usize| BASE64.encode(&noise(&n.to_string(), 64));
    let npm: String = (0..200)
        .map(|n| {
            format!(
                "    \"node_modules/a{n}\": {{\n      \"integrity\": \"sha512-{}\"\n    }},\n",
                sha512(n)
            )
        })
        .collect();
    silent("/app/package-lock.json", &npm);
    let yarn: String = (0..200)
        .map(|n| {
            format!(
                "a{n}@^1.0.0:\n  resolved \"https://registry/a.tgz#{}\"\n  integrity sha512-{}\n",
                chars(&n.to_string(), "0123456789abcdef", 40),
                sha512(n)
            )
        })
        .collect();
    silent("/app/yarn.lock", &yarn);
    let go: String =
        (0..200).map(|n| format!("example.com/a{n} v1.0.0 h1:{}\n", &sha512(n)[..44])).collect();
    silent("/app/go.sum", &go);
    let python: String = (0..200)
        .map(|n| {
            format!(
                "a{n}==1.0 \\\n    --hash=sha256:{}\n",
                chars(&n.to_string(), "0123456789abcdef", 64)
            )
        })
        .collect();
    silent("/app/requirements.txt", &python);
}

#[test]
fn minified_code_and_images_in_text() {
    let image = BASE64.encode(&noise("image", 200_000));
    silent("/app/style.css", &format!(".a{{background:url(data:image/png;base64,{image})}}"));
    silent("/app/index.html", &format!("<img src=\"data:image/jpeg;base64,{image}\">"));
    let wrapped: Vec<_> =
        image.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    silent("/mail/1.eml", &wrapped.join("\r\n"));
    let module = |n: usize| {
        format!(
            "{n}:(e,t,n)=>{{\"use strict\";n.d(t,{{TOKEN:()=>r,API_KEY:()=>o}});const r=\"{}\";}},",
            chars(&n.to_string(), ALPHANUMERIC, 20)
        )
    };
    silent("/app/main.min.js", &(0..2000).map(module).collect::<String>());
    let map = format!(
        "{{\"version\":3,\"mappings\":\"{}\"}}",
        chars("map", &format!("{ALPHANUMERIC}+/,;"), 200_000)
    );
    silent("/app/main.js.map", &map);
}

#[test]
fn templates_and_references() {
    for (path, line) in [
        ("/app/.env.example", "AUTH_SECRET=q9fK2mVx7Lr3Zt8Wc5Yb1Nh6"),
        ("/app/env.sample", "AUTH_SECRET=q9fK2mVx7Lr3Zt8Wc5Yb1Nh6"),
        ("/app/.env", "AUTH_SECRET="),
        ("/app/.env", "AUTH_SECRET=changeme-please-1"),
        ("/app/.env", "AUTH_SECRET=<your secret>"),
        ("/app/.env", "AUTH_SECRET=${OTHER_SECRET_4711}"),
        ("/app/.env", "AUTH_SECRET=$(cat /run/secrets/auth)"),
        ("/app/.env", "AUTH_SECRET_FILE=/run/secrets/auth_4711"),
        ("/app/.env", "TOKEN_TTL=86400000000"),
        ("/app/.env", "POSTGRES_PASSWORD=password"),
        ("/app/.env", "SMTP_PASSWORD=12345678"),
        ("/app/.env", "DATABASE_URL=postgres://app:app@localhost/app"),
        ("/app/.env", "DATABASE_URL=postgres://app:${DB_PASSWORD}@localhost/app"),
        ("/app/.env", "NEXT_PUBLIC_KEY=q9fK2mVx7Lr3Zt8Wc5Yb1Nh6"),
        ("/app/.env", "# AUTH_SECRET is made with openssl rand -base64 32"),
        ("/app/compose.yaml", "      POSTGRES_PASSWORD: hunter2"),
        ("/app/compose.yaml", "      - AUTH_SECRET=${AUTH_SECRET:?missing1234567890}"),
        ("/app/a.py", "SECRET_KEY = os.environ['SECRET_KEY_4711']"),
        ("/app/a.py", "SECRET_KEY = get_secret_key_of_version_2"),
        ("/app/a.ts", "  TOKEN: 'auth.token.storage.key'"),
        ("/app/a.go", "TOKEN = iota"),
        ("/app/a.c", "TOKEN_COMMA = 4711,"),
        ("/app/readme.md", "PASSWORD: see the vault, page 4711, and ask somebody"),
    ] {
        silent(path, line);
    }
}

#[test]
fn binary_files() {
    let key = pem("PRIVATE KEY", "\n");
    let binary = [b"\x7fELF\0\0".as_slice(), key.as_bytes()].concat();
    assert_eq!(scanner().scan(b"/usr/bin/x", &binary), []);
    assert_eq!(scanner().scan(b"/x", b""), []);
}

/// Everything in this repository, which has test keys, vectors and a lock file.
#[test]
fn the_source_of_holdfast() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let (mut files, mut found) = (0, Vec::new());
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_foreign =
                ["target", ".git", "corpus", "artifacts"].iter().any(|it| name == **it);
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !is_foreign => folders.push(path),
                kind if kind.is_file() => {
                    let content = std::fs::read(&path).unwrap_or_default();
                    files += 1;
                    found.extend(
                        scanner_of_all().scan(path.as_os_str().as_encoded_bytes(), &content),
                    );
                }
                _ => {}
            }
        }
    }
    let found: Vec<_> = found
        .iter()
        .map(|it| format!("{}:{}: {}", String::from_utf8_lossy(&it.path), it.line, it.kind))
        .collect();
    assert_eq!(found, Vec::<String>::new());
    assert!(files > 300, "{files}");
}

/// One scanner for many files.
fn scanner_of_all() -> &'static Scanner {
    use std::sync::OnceLock;
    static SCANNER: OnceLock<Scanner> = OnceLock::new();
    SCANNER.get_or_init(scanner)
}

proptest! {
    #[test]
    fn any_bytes_can_be_scanned(
        content in proptest::collection::vec(any::<u8>(), 0..2000),
        path in "[a-z./]{0,20}",
    ) {
        scanner_of_all().scan(path.as_bytes(), &content);
    }

    #[test]
    fn any_text_can_be_scanned(
        lines in proptest::collection::vec(
            "(AUTH_SECRET=|-----BEGIN PRIVATE KEY-----|eyJ|\\PC{0,9}){0,4}",
            0..30,
        ),
    ) {
        scanner_of_all().scan(b"/app/.env", lines.join("\n").as_bytes());
    }

    /// Text that only looks random is not reported, wherever it is.
    #[test]
    fn noise_is_no_secret(seed in "[a-z]{8}") {
        silent("/x.txt", &BASE64.encode(&noise(&seed, 3000)));
    }
}
