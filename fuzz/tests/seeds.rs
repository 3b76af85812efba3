//! Writes `seeds/`: `cargo test --manifest-path fuzz/Cargo.toml --test seeds -- --ignored`.
//!
//! The binary formats are seeded with the golden vectors in `tests/vectors`, among them those that
//! must be refused, so write those first.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Seeds by target.
type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

#[test]
#[ignore = "writes the seeds"]
fn write_seeds() {
    let mut seeds = Seeds::new();
    vectors(&mut seeds);
    seeds.insert("frame_open", frame_changes());
    seeds.insert("zstd_body", zstd_bodies());
    seeds.insert("secret", secrets());
    seeds.insert("patterns", lines(PATTERNS));
    seeds.insert("pattern_file", pattern_files());
    seeds.insert("selection", lines(SELECTIONS));
    seeds.insert("cutter", streams());
    seeds.insert("padme", lengths());
    seeds.insert("postgres_archive", dumps());
    seeds.insert("bucket_answers", answers());
    for (target, seeds) in seeds {
        let folder = root().join("fuzz/seeds").join(target);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for seed in seeds {
            let name = blake3::hash(&seed).to_hex();
            fs::write(folder.join(&name[..12]), seed).unwrap();
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn vector_file(name: &str) -> Vec<Value> {
    let path = root().join("tests/vectors/format").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn bytes(vector: &Value) -> Vec<u8> {
    match vector["text"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => hex::decode(vector["bytes"].as_str().unwrap()).unwrap(),
    }
}

/// Seeds of the decoders of `holdfast-format`.
fn vectors(seeds: &mut Seeds) {
    let files = [
        "config_object",
        "key_slot",
        "pack_header",
        "pack_trailer",
        "directory of two sessions",
        "index_body",
        "node",
        "entry",
        "writer_record",
        "generation_record",
    ];
    for decoder in files {
        let file = decoder.strip_suffix(" of two sessions").unwrap_or(decoder);
        for vector in vector_file(&format!("{file}.json")) {
            add(seeds, decoder, bytes(&vector));
        }
    }
    for vector in vector_file("refused.json") {
        add(seeds, vector["decoder"].as_str().unwrap(), bytes(&vector));
    }
}

/// Adds the bytes to the target that tests this decoder.
fn add(seeds: &mut Seeds, decoder: &str, bytes: Vec<u8>) {
    let (target, bytes) = match decoder {
        "config" | "config_object" => ("config", bytes),
        "key_slot" => ("key_slot", bytes),
        "pack_header" => ("pack_header", bytes),
        "pack_trailer" => ("pack_trailer", bytes),
        "directory of two sessions" => ("directory", [&[2], &bytes[..]].concat()),
        "index_body" | "index_object" => ("index_body", bytes),
        "node" => ("node", bytes),
        "entry" => ("node", [&[1, 0, 1], &bytes[..]].concat()),
        "writer_record" | "generation_record" | "record_object" => ("record", bytes),
        "varint" => return,
        _ => panic!("no target tests {decoder}"),
    };
    seeds.entry(target).or_default().push(bytes);
}

/// Which frame, which fields of its context, how much longer, from where on, which bits.
fn frame_changes() -> Vec<Vec<u8>> {
    let changes: [&[u8]; 6] = [
        &[],
        &[1, 1, 0, 0, 0],
        &[16, 0],
        &[0, 0xff, 0xff],
        &[0, 0, 0, 24, 0, 1],
        &[8, 1, 1, 0, 40, 0, 0, 0x80],
    ];
    let changed = |frame: u8| changes.map(|change| [&[frame], change].concat());
    (0..4).flat_map(changed).collect()
}

/// Bodies with the length that is claimed for them: right, wrong, and bombs.
fn zstd_bodies() -> Vec<Vec<u8>> {
    let text = b"to be or not to be, that is the question ".repeat(8);
    let whole = compressed(&text);
    let bomb = compressed(&vec![0; 16 << 20]);
    let large = compressed(&vec![0; 64 << 20]);
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    // A window of 2 GiB, no size, one block that repeats a byte a hundred times.
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x23, 0x03, 0x00, b'a'];
    let length = text.len() as u32;
    let bodies: [(u32, Vec<u8>); 12] = [
        (length, whole.clone()),
        (length - 1, whole.clone()),
        (length + 1, whole.clone()),
        (u32::MAX, whole.clone()),
        (2 * length, [&whole[..], &whole].concat()),
        (length, [&whole[..], &skippable].concat()),
        (length, [&skippable[..], &whole].concat()),
        (length, whole[..whole.len() - 1].to_vec()),
        (16 << 20, bomb.clone()),
        (10, bomb),
        (16 << 20, large),
        (100, window.to_vec()),
    ];
    bodies.map(|(claimed, body)| [&claimed.to_le_bytes(), &body[..]].concat()).into()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

/// Passphrases and the golden generated key in several spellings.
fn secrets() -> Vec<Vec<u8>> {
    let path = root().join("tests/vectors/seal/slots.json");
    let slots: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let key = slots["generated_key"].as_str().unwrap();
    let texts = [
        String::new(),
        "\n".to_owned(),
        "correct horse\r\n".to_owned(),
        "A\u{30a} e\u{301}".to_owned(),
        "HOLDFAST-KEY-2-AAAA".to_owned(),
        "HOLDFAST-KEY-1-".to_owned(),
        key.to_owned(),
        format!(" {}\n", key.to_lowercase()),
        key.replace("AAQ", "AA Q-"),
        key.replace("KHJ", "KHK"),
        format!("{key}A"),
    ];
    texts.map(String::into_bytes).into()
}

fn lines(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const PATTERNS: &[&str] = &[
    "/foo/bar/test.go\n*.go",
    "/a/x/b/c\n/a/**/b/**/c\n!**/c",
    "/home/user/F.go\n/home/[uU]ser/?.go",
    "/foo/bar\n/foo/../bar\n!/foo\ni:BAR",
    "/a/\u{3a9}mega/x\ni:[\u{3b1}-\u{3c9}]*/X\n!a",
    "x\na\\\n[]a]",
    "/a\nb]\n[^a-b-c]",
    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n*a*a*a*a*a*a*a*a*b",
    "/a/a/a/a/a/a/a/a/a/a/a/a\n**/a/**/a/**/a/**/a/**/b",
    "\n\n/\n!/",
];

fn pattern_files() -> Vec<Vec<u8>> {
    let mut files = lines(&[
        "\n  *.o \r\n# comment\n\t#indented\n!keep # no comment\n\n",
        "\u{a0}wide\u{2003}",
        "$HOME/x\n${HOME}y\n$HOMEx/z",
        "a$$b\n$\n$/x\n$1$2\n${1}\n${}x\n${open",
    ]);
    files.push(b"\xef\xbb\xbf*.o".to_vec());
    files.push(b"\xff\xfe*\0.\0o\0\n\0x\0\xd8".to_vec());
    files.push(b"\xfe\xff\xd8\0\0*\0.\0o".to_vec());
    files.push(b" \xff\xfe \n".to_vec());
    files
}

const SELECTIONS: &[&str] = &[
    "latest",
    "latest~2:etc/nginx",
    "latest~99999999999999999999",
    "4F1C",
    "4f1c:/home",
    "2026-11-20",
    "2026-11-20 14:00",
    "2026-11-20T14:00:61",
    "2026-11-20T14:00:00Z",
    "2026-03-29 02:30",
    "-009999-01-02T01:59:59Z",
    "9999-12-31 23:59:59",
    "now",
    "yesterday",
    "3h ago",
    "2y7d3h ago",
    "30m ago",
    "2y5m7d3h",
    "4294967295y4294967295h",
    "3w",
    "0h",
    "unlimited",
    "7",
    "host,paths,tags",
    "500M",
    "16777216T",
    "2.5%",
    "1/7",
    "1w12h",
    "a, b,,c",
    ".nobackup:header",
];

/// Sizes, pieces and repetitions for some bytes.
fn streams() -> Vec<Vec<u8>> {
    let noise = |length: usize| {
        let mut bytes = vec![0; length];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    };
    let small = [0, 0, 0, 0, 0];
    let odd = [3, 0x55, 0x01, 0x33, 0x07];
    let mut any = vec![255];
    [1024u32, 1024, 1024].iter().for_each(|size| any.extend(size.to_le_bytes()));
    let headers = [&small[..], &odd, &any];
    let bodies = [(700u16, 7, noise(500)), (1, 0, noise(2000)), (65_535, 63, vec![0; 300])];
    let stream = |header: &[u8], (piece, times, body): &(u16, u8, Vec<u8>)| {
        [header, &piece.to_le_bytes(), &[*times], body].concat()
    };
    let mut seeds = vec![Vec::new()];
    for header in headers {
        seeds.extend(bodies.iter().map(|body| stream(header, body)));
    }
    seeds
}

fn lengths() -> Vec<Vec<u8>> {
    let pairs = [(0, 1), (2, 3), (1000, 1023), (1 << 20, (1 << 20) + 1), (16 << 20, 1 << 40)];
    let pair = |(one, other): (u64, u64)| {
        // The target takes half of each.
        [(one << 1).to_le_bytes(), (other << 1).to_le_bytes()].concat()
    };
    let mut seeds: Vec<_> = pairs.map(pair).into();
    seeds.push(vec![0xff; 16]);
    seeds
}

/// The dumps that the connector's tests keep, one as a terminal damages it, and scripts.
fn dumps() -> Vec<Vec<u8>> {
    let folder = root().join("crates/holdfast-connect/tests/postgres/golden");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let mut seeds: Vec<_> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let damaged = seeds[0].iter().flat_map(|byte| match byte {
        b'\n' => vec![b'\r', b'\n'],
        byte => vec![*byte],
    });
    let damaged = damaged.collect();
    seeds.push(damaged);
    seeds.extend(lines(&[
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict a\n\nSELECT 1;\n\n\
         --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict a\n\n",
        "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE a;\n\n\
         --\n-- PostgreSQL database cluster dump complete\n--\n\n",
    ]));
    seeds
}

/// One answer of each kind, behind the byte that chooses it.
fn answers() -> Vec<Vec<u8>> {
    let object = "<Key>a%2Fb+c</Key>\
                  <LastModified>2026-08-01T12:00:00.123Z</LastModified>\
                  <ETag>&quot;0123-2&quot;</ETag><Size>7</Size>\
                  <StorageClass>GLACIER</StorageClass>";
    let version = format!("{object}<VersionId>v1</VersionId><IsLatest>true</IsLatest>");
    let page = "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>";
    let grant = "<Grant><Grantee><URI>http://all</URI></Grantee>\
                 <Permission>READ</Permission></Grant>";
    let texts = [
        (0, "a/../b\n.\u{1}".to_owned()),
        (0, "..\u{1}\u{1}\n//".to_owned()),
        (
            1,
            format!(
                "<ListBucketResult>{page}<NextContinuationToken>t</NextContinuationToken>\
                 <Contents>{object}</Contents></ListBucketResult>"
            ),
        ),
        (
            2,
            format!(
                "<ListVersionsResult>{page}<NextKeyMarker>k</NextKeyMarker><Version>{version}\
                 </Version><DeleteMarker>{version}</DeleteMarker></ListVersionsResult>"
            ),
        ),
        (3, "<Tagging><TagSet><Tag><Key>a</Key><Value/></Tag></TagSet></Tagging>".to_owned()),
        (
            4,
            format!(
                "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList>{grant}\
                 </AccessControlList></AccessControlPolicy>"
            ),
        ),
        (5, "<Error><Code>NoSuchKey</Code><Message>no\n</Message></Error>".to_owned()),
        (6, "5242880*3,17".to_owned()),
        (7, r#"{"format":1,"service":"s3","bucket":"b","settings":{"cors":"<x/>"}}"#.to_owned()),
    ];
    let name = [&[0][..], b"a.\xffb"].concat();
    let texts = texts.map(|(kind, text)| [&[kind], text.as_bytes()].concat());
    texts.into_iter().chain([name]).collect()
}
