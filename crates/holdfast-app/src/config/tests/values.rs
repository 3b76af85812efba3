//! Values: which are accepted, and which are refused.

use std::time::Duration;

use holdfast_engine::retention::{Count, TagList};
use jiff::civil::time;

use super::*;
use crate::check::*;
use crate::config::*;
use crate::kind::*;
use crate::settings::*;

/// The small file with `lines` in its source of files.
fn in_source(lines: &str) -> String {
    replaced(SMALL, "paths =", &format!("{lines}\npaths ="))
}

fn files(lines: &str) -> FilesSettings {
    match &file(&in_source(lines)).sources[0].kind {
        SourceKind::Files(files) => files.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_small_file_has_its_defaults() {
    let file = file(SMALL);
    assert_eq!(file.app.name.as_str(), "app");
    assert_eq!(file.repository.url, RepositoryUrl::Local(path("/srv/backup")));
    assert_eq!(file.repository.password, Password::File(path("/etc/holdfast/key")));
    assert_eq!((file.run.lock, file.run.lock_timeout), (WhenBusy::Wait, None));
    assert_eq!(file.secrets.on_finding, OnFinding::Warn);
    assert_eq!(file.schedule.every, Every::Hour { minute: 0 });
    assert_eq!(file.restore.health_timeout, Duration::from_secs(300));
    assert_eq!((file.retention, file.keys_repository), (None, None));
    assert_eq!(file.sources.len(), 1);
    let expected = FilesSettings { paths: vec![path("/srv/app")], ..FilesSettings::default() };
    assert_eq!(file.sources[0].kind, SourceKind::Files(expected));
}

#[test]
fn names() {
    for name in ["a", "documenso", "my-app-2"] {
        file(&replaced(SMALL, "\"app\"", &format!("\"{name}\"")));
    }
    for name in ["", "My", "-a", "a-", "a_b", "a.b", "a b", &"x".repeat(41)] {
        check(&replaced(SMALL, "\"app\"", &format!("\"{name}\"")), &["`name` must be 1 to 40"]);
    }
    for name in ["", ".x", "a/b", "a b", "\u{e4}", &"x".repeat(65)] {
        check(&replaced(SMALL, "\"files\"", &format!("\"{name}\"")), &["`name` must be 1 to 64"]);
    }
}

#[test]
fn repositories() {
    let url = |text: &str| file(&replaced(SMALL, "/srv/backup", text)).repository.url;
    assert_eq!(url("store"), RepositoryUrl::Local(path("/etc/holdfast/store")));
    assert_eq!(url("local:../x"), RepositoryUrl::Local(path("/etc/x")));
    assert_eq!(
        url("s3:https://h/x"),
        RepositoryUrl::Elsewhere { kind: "s3".into(), text: "s3:https://h/x".into() }
    );
    assert_eq!(
        url("sftp:a@h:/x"),
        RepositoryUrl::Elsewhere { kind: "sftp".into(), text: "sftp:a@h:/x".into() }
    );
    for (text, part) in [
        ("", "is empty"),
        ("~/x", "must be a full path"),
        ("${HOME}/x", "variables are not expanded"),
        ("ftp://h/x", "neither a path nor a location"),
        ("file:///x", "neither a path nor a location"),
        ("rest:https://a:b@h/", "contains a password"),
    ] {
        check(&replaced(SMALL, "/srv/backup", text), &[part]);
    }
}

#[test]
fn passwords_come_from_one_place() {
    let with = |lines: &str| replaced(SMALL, "password-file = \"key\"", lines);
    let password = |lines: &str| file(&with(lines)).repository.password;
    let command = Argv::new(vec!["pass".into(), "show".into(), "x".into()]).unwrap();
    assert_eq!(
        password("password-command = [\"pass\", \"show\", \"x\"]"),
        Password::Command(command)
    );
    check(&with(""), &["needs one of `password-file`, `password-command`"]);
    check(&with("password-file = \"a\"\npassword-command = [\"b\"]"), &["exclude each other"]);
    check(&with("password-file = \"~/x\""), &["home folder"]);
    check(&with("password-file = \"$HOME/x\""), &["home folder"]);
    check(&with("password-file = \"/${X}/x\""), &["variables are not expanded"]);
    check(&with("password-file = [\"x\"]"), &["must be a path in quotes, not a list"]);
    check(&with("password-command = []"), &["names no program"]);
    check(&with("password-command = [7]"), &["must be a word in quotes, not a number"]);
}

#[test]
fn a_program_is_found_from_the_folder_of_the_file() {
    let program = |words: &str| {
        let text =
            replaced(SMALL, "password-file = \"key\"", &format!("password-command = {words}"));
        match file(&text).repository.password {
            Password::Command(command) => command.program().to_owned(),
            Password::File(_) => panic!("a file"),
        }
    };
    assert_eq!(program("[\"./secret.sh\"]"), "/etc/holdfast/secret.sh");
    assert_eq!(program("[\"secret.sh\", \"./x\"]"), "secret.sh");
}

#[test]
fn files_of_all_kinds() {
    let files = files(
        "exclude = [\"*.tmp\"]\nexclude-any-case = [\"*.BAK\"]\n\
         exclude-if-present = [\".nobackup\"]\n\
         exclude-caches = true\nexclude-larger-than = \"2G\"\none-file-system = true\n\
         restore = { owner = \"1001:1002\", mode = \"0640\" }",
    );
    assert_eq!(files.exclude_larger_than, Some(Bytes(2 << 30)));
    let owner = Some(Owner { uid: 1001, gid: 1002 });
    assert_eq!(files.restore, FilesRestore { owner, mode: Some(0o640) });
    assert!(files.exclude_caches && files.one_file_system);
    assert!(files.filter().excludes(b"/x/a.tmp") && files.filter().excludes(b"/x/a.bak"));
    for (line, part) in [
        ("exclude = \"*.tmp\"", "`exclude` must be a list, not a string"),
        ("exclude = [\"[\"]", "the pattern \"[\" is malformed"),
        ("exclude-larger-than = \"5X\"", "number of bytes"),
        ("exclude-larger-than = \"99999999999T\"", "number of bytes"),
        ("one-file-system = \"yes\"", "must be true or false, not a string"),
        ("restore = { owner = \"me:us\" }", "two numbers"),
        ("restore = { owner = \"1\" }", "two numbers"),
        ("restore = { owner = \"1:99999999999\" }", "two numbers"),
        ("restore = { mode = \"999\" }", "three octal digits"),
        ("restore = { mode = \"4755\" }", "three octal digits"),
        ("restore = { mode = 644 }", "permissions in quotes, not a number"),
    ] {
        check(&in_source(line), &[part]);
    }
    check(&replaced(SMALL, "[\"/srv/app\"]", "[]"), &["`paths` is empty"]);
}

#[test]
fn commands() {
    let with = |lines: &str| {
        replaced(
            SMALL,
            "type = \"files\"\npaths = [\"/srv/app\"]",
            &format!("type = \"command\"\n{lines}"),
        )
    };
    let text = with("command = [\"dump\", \"\"]\nfile = \"a/b.sql\"");
    let SourceKind::Command(output) = &file(&text).sources[0].kind else { panic!("no command") };
    assert_eq!(
        (output.command.words(), output.file.as_str()),
        (&["dump".into(), String::new()][..], "a/b.sql")
    );
    assert!(!format!("{:?}", output.command).contains("\"\""));
    for name in ["", "..", "a/../b", "/", "a//b", "./a"] {
        let told =
            listed(&read(&with(&format!("command = [\"x\"]\nfile = \"{name}\""))).unwrap_err());
        assert!(told.contains("`file`"), "{told}");
    }
}

#[test]
fn databases() {
    let with = |url: &str, lines: &str| {
        small(&format!(
            "[[source]]\nname = \"db\"\ntype = \"postgres\"\nurl = \"{url}\"\n{lines}\n"
        ))
    };
    let postgres = |url: &str, lines: &str| match &file(&with(url, lines)).sources[1].kind {
        SourceKind::Postgres(postgres) => postgres.clone(),
        other => panic!("{other:?}"),
    };
    let named =
        |names: &[&str]| DatabaseNames::Named(names.iter().map(|name| name.to_string()).collect());
    assert_eq!(postgres("postgres://a@h/app", "").databases, named(&["app"]));
    assert_eq!(
        postgres("postgresql:///my%20app?host=/run/postgresql", "").databases,
        named(&["my app"])
    );
    assert_eq!(postgres("postgres://h:1,i:2/app", "").url.as_str(), "postgres://h:1,i:2/app");
    assert_eq!(
        postgres("postgres://h/app", "databases = [\"x\", \"y\"]").databases,
        named(&["x", "y"])
    );
    assert_eq!(postgres("postgres://h", "databases = \"all\"").databases, DatabaseNames::All);
    let rich = postgres(
        "postgres://h/a",
        "password-file = \"p\"\nrole-passwords = false\nlock-timeout = \"5min\"\n\
         statement-timeout = \"2h\"",
    );
    assert_eq!(rich.password, Some(Password::File(path("/etc/holdfast/p"))));
    assert_eq!((rich.role_passwords, rich.lock_timeout), (false, Some(Duration::from_secs(300))));
    assert_eq!(rich.statement_timeout, Some(Duration::from_secs(7200)));
    for (url, lines, part) in [
        ("mysql://h/a", "", "must begin with postgres://"),
        ("postgres://a:b@h/a", "", "contains a password"),
        ("postgres://h/a?password=x", "", "contains a password"),
        ("${DATABASE_URL}", "", "variables are not expanded"),
        ("postgres://h/a", "databases = []", "`databases` is empty"),
        (
            "postgres://h/a",
            "databases = \"some\"",
            "must be a list of names, or \"all\", not a string",
        ),
        ("postgres://h/a", "globals = true", "must be a string"),
        ("postgres://h/a", "globals = \"yes\"", "cannot be \"yes\""),
        ("postgres://h/a", "lock-timeout = \"0s\"", "must be a duration such as 90s"),
        ("postgres://h/a", "lock-timeout = \"5 min\"", "must be a duration such as 90s"),
        ("postgres://h/a", "lock-timeout = \"5m\"", "must be a duration such as 90s"),
        ("postgres://h/a", "lock-timeout = 5", "a duration in quotes, not a number"),
    ] {
        check(&with(url, lines), &[part]);
    }
}

fn with_bucket(url: &str, lines: &str) -> String {
    small(&format!("[[source]]\nname = \"b\"\ntype = \"bucket\"\nurl = \"{url}\"\n{lines}\n"))
}

#[test]
fn buckets() {
    let bucket = |url: &str, lines: &str| match &file(&with_bucket(url, lines)).sources[1].kind {
        SourceKind::Bucket(bucket) => bucket.clone(),
        other => panic!("{other:?}"),
    };
    let plain = bucket("s3://my.docs", "");
    assert_eq!(
        plain.url,
        BucketUrl { service: BucketService::S3, bucket: "my.docs".into(), prefix: String::new() }
    );
    assert!(plain.tags && !plain.acl && !plain.versions);
    assert_eq!(bucket("s3://docs/a/b/", "").url.prefix, "a/b/");
    let rich = bucket(
        "s3://docs",
        "endpoint = \"http://localhost:9000\"\nregion = \"eu\"\n\
         versions = true\ntags = false\nacl = true\n\
         credentials = { access-key-id = \"AKIA\", secret-access-key-file = \"s\" }",
    );
    assert_eq!(rich.endpoint.unwrap().as_str(), "http://localhost:9000/");
    assert!(rich.versions && rich.acl && !rich.tags);
    let secret_file = path("/etc/holdfast/s");
    let id = AccessKeyId::Value("AKIA".into());
    assert_eq!(
        rich.credentials,
        Some(BucketCredentials::Amazon(Credentials::AccessKey {
            id,
            secret_file,
            session_token_file: None
        }))
    );
}

#[test]
fn endpoints_by_http_are_of_this_machine_or_allowed() {
    for lines in [
        "endpoint = \"http://127.0.0.1:9000\"",
        "endpoint = \"http://[::1]:9000\"",
        "endpoint = \"http://minio.localhost\"",
        "endpoint = \"https://minio.lan\"",
        "endpoint = \"http://minio.lan\"\nallow-http = true",
    ] {
        file(&with_bucket("s3://x", lines));
    }
}

#[test]
fn mistakes_in_buckets() {
    for (url, lines, part) in [
        ("docs", "", "must be s3://"),
        ("s3://", "", "must be s3://"),
        ("s3://a b", "", "must be s3://"),
        ("s3://a:b@docs", "", "contains a password"),
        ("s3://x", "endpoint = \"localhost:9000\"", "begins with http://"),
        ("s3://x", "endpoint = \"https://a:b@h\"", "contains a password"),
        ("s3://x", "endpoint = \"http://minio.lan:9000\"", "can be read in transit"),
        ("s3://x", "endpoint = \"http://10.0.0.1\"\nallow-http = false", "can be read in transit"),
        ("s3://x", "endpoint = \"http://127.0.0.1.example\"", "can be read in transit"),
        ("s3://x", "credentials = {}", "needs one of `profile`"),
        (
            "s3://x",
            "credentials = { access-key-id = \"A\" }",
            "`secret-access-key-file` is missing",
        ),
        (
            "s3://x",
            "credentials = { profile = \"a\", access-key-id = \"A\" }",
            "exclude each other",
        ),
        (
            "s3://x",
            "credentials = { profile = \"a\", session-token-file = \"A\" }",
            "exclude each other",
        ),
        (
            "s3://x",
            "credentials = { secret-access-key = \"A\" }",
            "unknown key `secret-access-key`",
        ),
        ("ftp://x", "", "must be s3:// or gs://"),
        ("s3://x", "account = \"a\"", "`account` does not apply to a bucket on S3"),
        ("gs://x", "region = \"eu\"", "`region` does not apply to a bucket on Google"),
        ("gs://x", "versions = true", "`versions` does not apply to a bucket on Google"),
        ("gs://x", "tags = false", "`tags` does not apply to a bucket on Google"),
        ("gs://x", "path-style = true", "`path-style` does not apply to a bucket on Google"),
        ("s3://x", "checksums = \"no\"", "`checksums` cannot be \"no\""),
        ("azure://x", "", "its storage account is not set"),
        ("azure://x", "account = \"a\"\nacl = true", "`acl` does not apply to a bucket on Azure"),
        (
            "gs://x",
            "credentials = { account-key-file = \"k\" }",
            "the bucket is on Google, but the credentials are for Azure",
        ),
        ("gs://x", "credentials = { profile = \"p\" }", "key-file = \"/path/to"),
        (
            "azure://x",
            "account = \"a\"\ncredentials = { key-file = \"k\", client-id = \"c\" }",
            "`key-file` and `client-id` exclude each other",
        ),
        (
            "azure://x",
            "account = \"a\"\ncredentials = { client-id = \"c\", tenant-id = \"t\" }",
            "`client-id` needs `client-secret-file`",
        ),
        (
            "azure://x",
            "account = \"a\"\ncredentials = { account-key-file = \"k\", tenant-id = \"t\" }",
            "`tenant-id` needs `client-id`",
        ),
    ] {
        let told = listed(&read(&with_bucket(url, lines)).unwrap_err());
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn buckets_of_other_services() {
    let bucket = |lines: &str| {
        let text = small(&format!("[[source]]\nname = \"b\"\ntype = \"bucket\"\n{lines}\n"));
        match &file(&text).sources[1].kind {
            SourceKind::Bucket(bucket) => bucket.clone(),
            other => panic!("{other:?}"),
        }
    };
    let google = bucket("url = \"gs://docs/a/\"\ncredentials = { key-file = \"k.json\" }");
    assert_eq!(google.url.to_string(), "gs://docs/a/");
    assert_eq!(google.url.service, BucketService::Google);
    assert!(!google.tags);
    let key = BucketCredentials::KeyFile(path("/etc/holdfast/k.json"));
    assert_eq!(google.credentials, Some(key));
    for scheme in ["azure", "az"] {
        let azure = bucket(&format!(
            "url = \"{scheme}://docs\"\naccount = \"acc\"\ntags = true\n\
             credentials = {{ account-key-file = \"k\" }}"
        ));
        assert_eq!(azure.url.to_string(), "azure://docs/");
        assert_eq!((azure.account.as_deref(), azure.tags), (Some("acc"), true));
        let key = BucketCredentials::AccountKey(path("/etc/holdfast/k"));
        assert_eq!(azure.credentials, Some(key));
    }
    let client = bucket(
        "url = \"azure://docs\"\naccount = \"acc\"\n\
         credentials = { client-id = \"c\", tenant-id = \"t\", client-secret-file = \"s\" }",
    );
    let secret_file = path("/etc/holdfast/s");
    let (tenant_id, client_id) = ("t".into(), "c".into());
    let expected = BucketCredentials::Client { tenant_id, client_id, secret_file };
    assert_eq!(client.credentials, Some(expected));
}

#[test]
fn checks() {
    let with = |lines: &str| {
        small(&format!(
            "[[source]]\nname = \"db\"\ntype = \"postgres\"\nurl = \"postgres://h/a\"\n\
             [[source]]\nname = \"b\"\ntype = \"bucket\"\nurl = \"s3://b\"\n\
             [[check]]\nname = \"x\"\nsource = \"db\"\n{lines}\n"
        ))
    };
    let kind = |lines: &str| file(&with(lines)).checks[0].kind.clone();
    let objects =
        |lines: &str| match kind(&format!("sql = \"select time\"\nobjects-in = \"b\"\n{lines}")) {
            CheckKind::Objects { rows, .. } => rows,
            other => panic!("{other:?}"),
        };
    assert_eq!(objects(""), Rows::All);
    assert_eq!(objects("rows = \"all\""), Rows::All);
    assert_eq!(objects("rows = { sample = 5 }"), Rows::Sample(5));
    assert_eq!(objects("rows = { recent = \"2d\" }"), Rows::Recent(Duration::from_secs(172_800)));
    let value = |expect: &str| match kind(&format!("sql = \"select 0\"\nexpect = {expect}")) {
        CheckKind::Value { expect, .. } => expect,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [value("\"0\""), value("0"), value("-5"), value("true"), value("\"\"")],
        ["0", "0", "-5", "t", ""]
    );
    let sequence = SequenceRule { table: "public.log".into(), column: "seq".into() };
    assert_eq!(
        kind("sequence = { table = \"public.log\", column = \"seq\" }"),
        CheckKind::SequenceRule(sequence)
    );
    assert!(matches!(
        kind("chain = { table = \"log\", order = \"seq\", hash = \"h\", previous = \"p\" }"),
        CheckKind::ChainRule(_)
    ));
    for (lines, part) in [
        ("", "needs one of `objects-in`"),
        ("sql = \"select 1\"", "needs one of `objects-in`"),
        ("expect = \"0\"", "the check has no `sql`"),
        ("sql = \"x\"\nexpect = \"0\"\nobjects-in = \"b\"", "exclude each other"),
        ("sql = \"x\"\nsequence = { table = \"a\", column = \"b\" }", "`sql` does not apply"),
        ("sql = \"x\"\nexpect = \"0\"\nrows = \"all\"", "`rows` does not apply"),
        ("sql = \"x\"\nobjects-in = \"b\"\nrows = \"some\"", "must be \"all\", { sample = ... }"),
        ("sql = \"x\"\nobjects-in = \"b\"\nrows = { sample = 0 }", "whole number"),
        ("sql = \"x\"\nobjects-in = \"b\"\nrows = { some = 1 }", "neither sample nor recent"),
        (
            "sql = \"x\"\nobjects-in = \"b\"\nrows = { sample = 1, recent = \"1d\" }",
            "must be \"all\"",
        ),
        ("chain = { table = \"log\" }", "[check.chain] has no `order`"),
    ] {
        let told = listed(&read(&with(lines)).unwrap_err());
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn hooks_say_when_and_around_what() {
    let with = |lines: &str| small(&format!("[[hook]]\n{lines}\n"));
    let hook =
        file(&with("finally = \"restore\"\ncommand = [\"a\"]\ntimeout = \"30s\"")).hooks[0].clone();
    assert_eq!((hook.moment, hook.around), (HookMoment::Finally, Around::Restore));
    assert_eq!(hook.timeout, Duration::from_secs(30));
    let hook =
        file(&with("before = \"source\"\nsource = \"files\"\ncommand = [\"a\"]")).hooks[0].clone();
    assert_eq!((hook.moment, hook.source), (HookMoment::Before, SourceName::new("files")));
    for (lines, part) in [
        ("command = [\"a\"]", "needs one of `before`"),
        ("before = \"run\"", "[[hook]] has no `command`"),
        ("before = \"run\"\nafter = \"run\"\ncommand = [\"a\"]", "`before` and `after` exclude"),
        ("before = \"runs\"\ncommand = [\"a\"]", "cannot be \"runs\""),
        ("before = \"run\"\nsource = \"files\"\ncommand = [\"a\"]", "only to hooks around sources"),
        ("before = \"run\"\ncommand = \"a b\"", "since no shell splits it"),
    ] {
        check(&with(lines), &[part]);
    }
}

#[test]
fn retention_is_the_policy_of_forget() {
    let policy = |lines: &str| file(&small(&format!("[retention]\n{lines}\n"))).retention.unwrap();
    let kept =
        policy("last = 3\nhourly = 24\nyearly = \"unlimited\"\nwithin = \"2d\"\ntags = [\"a\"]");
    assert_eq!(kept.policy.last, Some(Count::Number(3)));
    assert_eq!(kept.policy.yearly, Some(Count::Unlimited));
    assert_eq!(kept.policy.within.unwrap().to_string(), "2d");
    assert_eq!(kept.policy.tags, [TagList(vec!["a".into()])]);
    assert!(kept.prune && !policy("daily = 7\nprune = false").prune);
    for (lines, part) in [
        ("", "no rule that keeps a snapshot"),
        ("within = \"0h\"", "no rule that keeps a snapshot"),
        ("prune = true", "no rule that keeps a snapshot"),
        ("hourly = 0", "whole number"),
        ("hourly = -1", "whole number"),
        ("hourly = 1.5", "must be a positive whole number"),
        ("hourly = \"24\"", "must be a whole number, or \"unlimited\""),
        ("within = \"2w\"", "use days instead: 14d"),
    ] {
        check(&small(&format!("[retention]\n{lines}\n")), &[part]);
    }
}

#[test]
fn schedules() {
    let every = |lines: &str| file(&small(&format!("[schedule]\n{lines}\n"))).schedule.every;
    assert_eq!(every(""), Every::Hour { minute: 0 });
    assert_eq!(every("at = \":17\""), Every::Hour { minute: 17 });
    assert_eq!(every("every = \"day\""), Every::Day { at: time(2, 0, 0, 0) });
    assert_eq!(every("every = \"day\"\nat = \"23:45\""), Every::Day { at: time(23, 45, 0, 0) });
    for (lines, part) in [
        ("every = \"week\"", "cannot be \"week\""),
        ("at = \"02:00\"", "an hourly run has a minute but no hour"),
        ("every = \"day\"\nat = \":30\"", "a daily run needs an hour"),
        ("at = \"24:00\"", "must be a time"),
        ("at = \":60\"", "must be a time"),
        ("at = \"2:00\"", "must be a time"),
        ("at = 02:00:00", "must be a time in quotes, not a date"),
    ] {
        check(&small(&format!("[schedule]\n{lines}\n")), &[part]);
    }
}

#[test]
fn notices() {
    let with = |lines: &str| small(&format!("[notify]\n{lines}\n"));
    let notify = file(&with(
        "healthchecks = { url = \"https://hc-ping.com/x\" }\n\
         webhook = { url-file = \"hook\", authorization-file = \"auth\", when = \"failure\" }\n\
         prometheus = { textfile = \"/var/lib/x/app.prom\" }",
    ))
    .notify;
    assert_eq!(notify.webhook.unwrap().address, Address::File(path("/etc/holdfast/hook")));
    assert_eq!(notify.prometheus.unwrap().textfile, path("/var/lib/x/app.prom"));
    let shown = format!("{:?}", notify.healthchecks);
    assert!(shown.contains("hc-ping.com") && !shown.contains("/x"), "{shown}");
    for (lines, part) in [
        ("healthchecks = {}", "needs one of `url`"),
        ("healthchecks = { url = \"x\" }", "begins with http://"),
        ("healthchecks = { url = \"https://a:b@h/\" }", "contains a password"),
        ("webhook = { url = \"https://h\", url-file = \"x\" }", "exclude each other"),
        ("prometheus = { textfile = \"/x/app.txt\" }", "must end in .prom"),
    ] {
        check(&with(lines), &[part]);
    }
}

#[test]
fn time_zones() {
    let with = |zone: &str| {
        replaced(SMALL, "[repository]", &format!("time-zone = \"{zone}\"\n[repository]"))
    };
    let zone = file(&with("Europe/Berlin")).app.time_zone.unwrap();
    assert_eq!(zone.iana_name(), Some("Europe/Berlin"));
    check(&with("Europe/Atlantis"), &["is not a time zone"]);
}

#[test]
fn secrets_can_come_from_a_folder() {
    let text = small(
        "[[source]]\nname = \"db\"\ntype = \"postgres\"\n\
         url = \"postgres://h/a\"\npassword-file = \"p\"\n\
         [[source]]\nname = \"b\"\ntype = \"bucket\"\nurl = \"s3://b\"\n\
         credentials.access-key-id-file = \"i\"\n\
         credentials.secret-access-key-file = \"s\"\n\
         credentials.session-token-file = \"t\"\n\
         [[source]]\nname = \"g\"\ntype = \"bucket\"\nurl = \"gs://g\"\n\
         credentials.key-file = \"g\"\n\
         [[source]]\nname = \"a\"\ntype = \"bucket\"\nurl = \"azure://a\"\naccount = \"a\"\n\
         credentials.shared-access-signature-file = \"a\"\n\
         [repository.keys]\nurl = \"/k\"\npassword-file = \"k\"\n\
         [notify]\nhealthchecks = { url-file = \"h\" }\n\
         webhook = { url-file = \"w\", authorization-file = \"a\" }\n",
    );
    let file = file(&text);
    let names: Vec<_> = file.secret_files().into_iter().map(|file| file.name).collect();
    assert_eq!(
        names,
        [
            "repository.password",
            "repository.keys.password",
            "source.db.password",
            "source.b.access-key-id",
            "source.b.secret-access-key",
            "source.b.session-token",
            "source.g.key",
            "source.a.shared-access-signature",
            "healthchecks.url",
            "webhook.url",
            "webhook.authorization",
        ]
    );
    let given = |path: &Path| path == Path::new("/run/c/repository.password");
    let file = file.with_credentials_in(Path::new("/run/c"), &given);
    assert_eq!(file.repository.password, Password::File(path("/run/c/repository.password")));
    let kept = Password::File(path("/etc/holdfast/k"));
    assert_eq!(file.keys_repository.unwrap().password, kept);
}
