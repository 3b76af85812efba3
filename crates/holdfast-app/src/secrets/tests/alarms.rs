//! What must be found.

use super::*;

#[test]
fn private_keys() {
    for kind in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        assert_eq!(kinds("/x/key", &pem(kind, "\n")), [(1, SecretKind::PrivateKey)], "{kind}");
    }
    let key = pem("PRIVATE KEY", "\n");
    assert_eq!(kinds("/x", &format!("a\nb\n{key}\nc\n{key}\n")).len(), 2);
    assert_eq!(
        kinds("/x", &format!("a\r\nb: |\r\n{}", pem("PRIVATE KEY", "\r\n  "))),
        [(3, SecretKind::PrivateKey)]
    );
    let json = format!("{{\n\"private_key\": \"{}\\n\"\n}}", pem("PRIVATE KEY", "\\n"));
    assert_eq!(kinds("/x.json", &json), [(2, SecretKind::PrivateKey)]);
    let dashes = "-----";
    let old = format!(
        "{dashes}BEGIN RSA PRIVATE KEY{dashes}\nProc-Type: 4,ENCRYPTED\nDEK-Info: \
         AES-128-CBC,{}\n\n{}",
        chars("iv", "0123456789ABCDEF", 32),
        BASE64.encode(&noise("old", 48))
    );
    assert_eq!(kinds("/x", &old), [(1, SecretKind::PrivateKey)]);
    for kind in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"] {
        let encoded = format!("key: {}", BASE64.encode(pem(kind, "\n").as_bytes()));
        assert_eq!(kinds("/x.yaml", &encoded), [(1, SecretKind::PrivateKey)], "{kind}");
    }
}

#[test]
fn keys_of_age_and_of_holdfast() {
    let age =
        format!("AGE-SECRET-{}{}", "KEY-1", chars("age", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58));
    assert_eq!(kinds("/x", &format!("# created\n{age}\n")), [(2, SecretKind::AgeKey)]);
    assert_eq!(kinds("/x", &holdfast_key(&noise("key", 32))), [(1, SecretKind::HoldfastKey)]);
}

#[test]
fn access_keys_of_aws() {
    let id = format!("{}{}", "AKIA", chars("id", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
    let secret = chars("aws", &format!("{ALPHANUMERIC}/+"), 40);
    let credentials =
        format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    assert_eq!(kinds("/root/.aws/credentials", &credentials), [(2, SecretKind::AwsKey)]);
    assert_eq!(
        kinds("/x.json", &format!("{{\"a\":\"{id}\",\"b\":\"{secret}\"}}")),
        [(1, SecretKind::AwsKey)]
    );
    assert_eq!(kinds("/x", &format!("{id}\n")), []);
    assert_eq!(kinds("/x", &format!("{id}\n{}\n{secret}", "padding\n".repeat(100))), []);
    assert_eq!(kinds("/x", &format!("{}EXAMPLE {secret}", &id[..13])), []);
    let commit = chars("sha1", "0123456789abcdef", 40);
    assert_eq!(kinds("/x", &format!("{id} {commit}")), []);
}

#[test]
fn tokens_of_services() {
    let random = |length: usize| chars("token", ALPHANUMERIC, length);
    let digits = chars("digits", "0123456789", 12);
    for (token, kind) in [
        (format!("{}_{}", "ghp", random(36)), SecretKind::GithubToken),
        (format!("{}_{}", "ghs", random(36)), SecretKind::GithubToken),
        (format!("github_{}_{}_{}", "pat", random(22), random(59)), SecretKind::GithubToken),
        (format!("{}-{}", "glpat", random(20)), SecretKind::GitlabToken),
        (format!("{}-{digits}-{digits}-{}", "xoxb", random(24)), SecretKind::SlackToken),
        (
            format!(
                "https://hooks.slack.com/{}/T{}/B{}/{}",
                "services",
                "0A1B2C3D4",
                "0E5F6G7H8",
                random(24)
            ),
            SecretKind::SlackToken,
        ),
        (format!("sk_{}_{}", "live", random(24)), SecretKind::StripeKey),
        (format!("{}_{}", "whsec", random(32)), SecretKind::StripeKey),
    ] {
        for text in [
            format!("first\ntoken: {token}"),
            format!("x\n\"{token}\","),
            format!("\nhttps://oauth2:{token}@h/"),
        ] {
            assert_eq!(kinds("/srv/app/config.yaml", &text), [(2, kind)], "{kind}");
        }
    }
}

#[test]
fn signed_tokens() {
    let claims = r#"{"sub":"ada","iat":1700000000}"#;
    let signed = token(r#"{"alg":"HS256","typ":"JWT"}"#, claims);
    assert_eq!(
        kinds("/x", &format!("Authorization: Bearer {signed}")),
        [(1, SecretKind::JsonWebToken)]
    );
    for (header, claims) in [
        (r#"{"alg":"none"}"#, claims),
        (r#"{"typ":"JWT"}"#, claims),
        (r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"sub":"1234567890","name":"John Doe"}"#),
    ] {
        assert_eq!(kinds("/x", &token(header, claims)), [], "{header}");
    }
    let parts: Vec<_> = signed.split('.').collect();
    assert_eq!(kinds("/x", &format!("{}.{}", parts[0], parts[1])), []);
    assert_eq!(kinds("/x", &format!("{}.eyJ{}.{}", parts[0], "not-json-at-all", parts[2])), []);
}

#[test]
fn key_stores() {
    let scan = |path: &str, content: &[u8]| scanner().scan(path.as_bytes(), content).len();
    let der = [&[0x30, 0x82, 0x0a, 0x3f, 2, 1, 3][..], &noise("p12", 500)].concat();
    let short = [&[0x30, 0x81, 0xc0, 2, 1, 3][..], &noise("p12", 100)].concat();
    let ber = [&[0x30, 0x80, 2, 1, 3][..], &noise("p12", 500)].concat();
    for content in [&der, &short, &ber] {
        assert_eq!(scan("/opt/documenso/cert.p12", content), 1);
        assert_eq!(scan("/opt/CERT.PFX", content), 1);
        assert_eq!(scan("/opt/cert.der", content), 0);
    }
    assert_eq!(scan("/opt/cert.p12", &noise("x", 500)), 0);
    assert_eq!(scan("/opt/cert.p12", b"0"), 0);
}

#[test]
fn variables() {
    let secret = chars("variable", ALPHANUMERIC, 32);
    let hex = chars("hex", "0123456789abcdef", 64);
    for (path, line) in [
        ("/app/.env", format!("AUTH_SECRET={secret}")),
        ("/app/.env.production", format!("export AUTH_SECRET='{hex}'")),
        ("/app/prod.env", "DB_PASSWORD=Tr0ub4dor".to_owned()),
        ("/app/.env", "DB_PASSWORD=hunter2!hunter3".to_owned()),
        ("/app/.env", "DB_PASSWORD=correcthorsebatterystaple".to_owned()),
        ("/app/.env", "DATABASE_URL=postgres://app:Tr0ub4dor@db/app".to_owned()),
        ("/app/compose.yaml", format!("      NEXTAUTH_SECRET: {secret}")),
        ("/app/compose.yaml", format!("      - NEXTAUTH_SECRET={hex}")),
        ("/app/Dockerfile", format!("ENV API_TOKEN={secret}")),
        ("/app/config.json", format!("  \"ENCRYPTION_KEY\": \"{secret}\",")),
        ("/app/settings.py", format!("SECRET_KEY = '{secret}'")),
    ] {
        assert_eq!(kinds(path, &format!("A=b\n{line}\n")), [(2, SecretKind::Assignment)], "{line}");
    }
}

#[test]
fn what_is_allowed_is_not_told() {
    let secret = chars("variable", ALPHANUMERIC, 32);
    let content = format!("DEMO_TOKEN={secret}\nAUTH_SECRET={secret}\n");
    let rules = SecretRules {
        allow_paths: vec!["/srv/app/samples".to_owned(), "*.fixture".to_owned()],
        allow_text: vec!["DEMO_TOKEN".to_owned(), String::new()],
        ..SecretRules::default()
    };
    let scanner = Scanner::new(&rules).unwrap();
    let lines = |path: &str| -> Vec<u64> {
        let found = scanner.scan(path.as_bytes(), content.as_bytes());
        found.iter().map(|finding| finding.line).collect()
    };
    assert_eq!(lines("/srv/app/.env"), [2]);
    assert_eq!(lines("/srv/app/samples/.env"), Vec::<u64>::new());
    assert_eq!(lines("/srv/app/x.fixture"), Vec::<u64>::new());
    assert!(!scanner.wants(b"/srv/app/samples/.env", 10));
    assert!(
        scanner.wants(b"/srv/app/.env", 1 << 20) && !scanner.wants(b"/srv/app/.env", (1 << 20) + 1)
    );
}

#[test]
fn a_finding_never_shows_the_secret() {
    let secret = chars("variable", ALPHANUMERIC, 32);
    let found = scanner().scan(b"/app/.env", format!("AUTH_SECRET={secret}").as_bytes());
    assert_eq!(found.len(), 1);
    assert!(!format!("{found:?} {}", found[0].kind).contains(&secret));
}

#[test]
fn a_file_full_of_secrets_has_an_end() {
    let line = format!("AUTH_SECRET={}\n", chars("variable", ALPHANUMERIC, 32));
    assert_eq!(kinds("/app/.env", &line.repeat(1000)).len(), 100);
    let keys = pem("PRIVATE KEY", "\n") + "\n";
    assert_eq!(kinds("/app/keys", &keys.repeat(1000)).len(), 100);
}
