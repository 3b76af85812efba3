//! Bytes that must be refused, and why.

use holdfast_format::config::StoredConfig;
use holdfast_format::entry::EntryKind;
use holdfast_format::index::PackEntry;
use holdfast_format::node::{Node, NodeKind, assemble};
use holdfast_format::pack::{PackHeader, decode_trailer, encode_trailer};
use holdfast_format::record::{self, GenerationBody, WriterBody};
use holdfast_format::slot::{KdfCost, KeySlot, SlotKind};
use holdfast_format::wire::{WireReader, put_varint};
use holdfast_format::{FormatError, directory, index};
use serde_json::{Value, json};

use super::nodes::{data, decode_entry, directory_child, encode_entry, encode_node, entry};
use super::objects::{config, frames, header, packs, slot, stored_config};

/// Decodes bytes as the given kind of object.
pub fn decode(decoder: &str, bytes: &[u8]) -> Result<(), FormatError> {
    match decoder {
        "varint" => WireReader::new(bytes, "number").varint().map(drop),
        "config" => StoredConfig::decode(bytes).map(drop),
        "key_slot" => KeySlot::decode(bytes).map(drop),
        "pack_header" => PackHeader::decode(bytes).map(drop),
        "pack_trailer" => decode_trailer(bytes).map(drop),
        "directory of two sessions" => directory::decode(bytes, 2).map(drop),
        "index_object" => index::split(bytes).map(drop),
        "index_body" => index::decode(bytes).map(drop),
        "entry" => decode_entry(bytes).map(drop),
        "node" => Node::decode(bytes).map(drop),
        "record_object" => record::split(bytes).map(drop),
        "writer_record" => record::decode::<WriterBody>(bytes).map(drop),
        "generation_record" => record::decode::<GenerationBody>(bytes).map(drop),
        _ => panic!("no decoder is called {decoder}"),
    }
}

/// The name of the error's variant.
pub fn variant(error: &FormatError) -> String {
    let text = format!("{error:?}");
    text.split(' ').next().unwrap_or_default().to_owned()
}

type RefusedCase = (&'static str, &'static str, Vec<u8>);

/// The content of `refused.json`.
pub fn vectors() -> Vec<Value> {
    let cases = [numbers(), configs(), slots(), packs_and_trailers(), directories(), bodies()];
    let cases = cases.into_iter().chain([names(), entries(), nodes(), records()]).flatten();
    cases
        .map(|(decoder, name, bytes)| {
            let error = decode(decoder, &bytes).expect_err(name);
            json!({
                "decoder": decoder,
                "name": name,
                "bytes": hex::encode(bytes),
                "error": variant(&error),
                "message": error.to_string(),
            })
        })
        .collect()
}

/// Every case of one decoder.
fn of(decoder: &'static str, cases: Vec<(&'static str, Vec<u8>)>) -> Vec<RefusedCase> {
    cases.into_iter().map(|(name, bytes)| (decoder, name, bytes)).collect()
}

fn with(bytes: &[u8], place: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place..place + new.len()].copy_from_slice(new);
    bytes
}

fn and(bytes: &[u8], more: &[u8]) -> Vec<u8> {
    [bytes, more].concat()
}

fn without_last(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 1].to_vec()
}

/// A small object with a change at one position, and the checksum that matches.
fn forged(object: &[u8], place: usize, new: &[u8]) -> Vec<u8> {
    sealed_by_checksum(&with(object, place, new)[..object.len() - 16])
}

fn sealed_by_checksum(body: &[u8]) -> Vec<u8> {
    and(body, &blake3::hash(body).as_bytes()[..16])
}

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, value);
    bytes
}

fn numbers() -> Vec<RefusedCase> {
    of(
        "varint",
        vec![
            ("nothing", vec![]),
            ("zero in two bytes", vec![0x80, 0x00]),
            ("one in three bytes", vec![0x81, 0x80, 0x00]),
            ("more than 64 bits", and(&[0xff; 9], &[0x02])),
            ("eleven bytes", and(&[0x80; 10], &[0x01])),
            ("cut short", vec![0xff, 0xff]),
        ],
    )
}

/// A config with one piece of its JSON replaced.
fn config_with(old: &str, new: &str) -> Vec<u8> {
    let body = config().encode_body();
    let json = String::from_utf8_lossy(&body[14..]);
    assert!(json.contains(old), "{old}");
    let json = json.replacen(old, new, 1);
    let length = (json.len() as u32).to_le_bytes();
    let stored = stored_config(config());
    let authenticated = [&body[..10], &length, json.as_bytes()].concat();
    StoredConfig { authenticated, ..stored }.encode()
}

fn configs() -> Vec<RefusedCase> {
    let object = stored_config(config()).encode();
    let (unsealed, end) = (&object[..object.len() - 16], object.len() - 48);
    of(
        "config",
        vec![
            ("nothing", vec![]),
            ("only a checksum", sealed_by_checksum(&[])),
            ("wrong checksum", with(&object, 20, &[0])),
            ("unknown magic", forged(&object, 0, b"hfconfig")),
            ("version 0", forged(&object, 8, &[0, 0])),
            ("version 2", forged(&object, 8, &[2, 0])),
            ("length beyond the end", forged(&object, 10, &[0xff; 4])),
            ("bytes behind the MAC", sealed_by_checksum(&and(unsealed, &[0]))),
            ("no MAC", sealed_by_checksum(&object[..end])),
            ("not JSON", forged(&object, 14, b"[")),
            ("unknown feature", config_with("\"features\":[]", "\"features\":[\"base-frames\"]")),
            ("odd chunk size", config_with(":2048,", ":2049,")),
            ("average not a power of two", config_with(":8192,", ":8194,")),
            ("smallest chunk above the average", config_with(":2048,", ":16384,")),
            ("frames of 9 MiB", config_with(":1048576,\"pack", ":9437184,\"pack")),
            ("packs of 129 MiB", config_with(":16777216}", ":135266304}")),
            ("no chunk sizes", config_with("\"chunks\"", "\"pieces\"")),
        ],
    )
}

fn slots() -> Vec<RefusedCase> {
    let object = slot(SlotKind::Passphrase(KdfCost::DEFAULT)).encode();
    let generated = slot(SlotKind::GeneratedKey).encode();
    let unsealed = &object[..object.len() - 16];
    let forged_cost = |place, cost: u32| forged(&object, place, &cost.to_le_bytes());
    of(
        "key_slot",
        vec![
            ("nothing", vec![]),
            ("wrong checksum", with(&object, 100, &[0])),
            ("unknown magic", forged(&object, 0, b"HFKEYSLX")),
            ("version 2", forged(&object, 8, &[2, 0])),
            ("kind 0", forged(&object, 10, &[0])),
            ("kind 3", forged(&object, 10, &[3])),
            ("reserved byte set", forged(&object, 11, &[1])),
            ("Argon2 of 64 GiB", forged_cost(52, 64 << 20)),
            ("Argon2 of 1 MiB", forged_cost(52, 1 << 10)),
            ("Argon2 of 1,000,000 passes", forged_cost(56, 1_000_000)),
            ("Argon2 of no pass", forged_cost(56, 0)),
            ("Argon2 of no lane", forged_cost(60, 0)),
            ("Argon2 of 17 lanes", forged_cost(60, 17)),
            ("generated key with a cost", forged(&generated, 56, &[1])),
            ("label beyond the end", forged(&object, 224, &[0xff; 2])),
            ("label cut short", sealed_by_checksum(&without_last(unsealed))),
            ("bytes behind the label", sealed_by_checksum(&and(unsealed, &[0]))),
        ],
    )
}

fn packs_and_trailers() -> Vec<RefusedCase> {
    let object = header(1).encode();
    let session = object.len() - 3;
    let mut cases = of(
        "pack_header",
        vec![
            ("nothing", vec![]),
            ("unknown magic", with(&object, 0, b"HFPACK02")),
            ("version 2", with(&object, 8, &[2, 0])),
            ("write-only session", with(&object, session, &[1])),
            ("stanza of a session", and(&with(&object, session + 1, &[1, 0]), &[0])),
            ("4,097 sessions", with(&object, session - 34, &[0x01, 0x10])),
            ("two sessions announced, one there", with(&object, session - 34, &[2, 0])),
        ],
    );
    let trailer = encode_trailer(1000);
    cases.extend(of(
        "pack_trailer",
        vec![
            ("nothing", vec![]),
            ("unknown magic", with(&trailer, 4, b"HFPACKE2")),
            ("directory shorter than nonce and tag", encode_trailer(39).to_vec()),
            ("directory above 64 MiB", encode_trailer((64 << 20) + 1).to_vec()),
            ("bytes behind the magic", and(&trailer, &[0])),
        ],
    ));
    cases
}

fn directories() -> Vec<RefusedCase> {
    let bytes = directory::encode(&frames());
    let frame = |fields: &[u8]| and(&[1], &and(fields, &[0; 33]));
    of(
        "directory of two sessions",
        vec![
            ("nothing", vec![]),
            ("unknown type", with(&bytes, 1, &[2])),
            ("unknown algorithm", with(&bytes, 2, &[2])),
            ("session that the header does not have", with(&bytes, 3, &[2])),
            ("more frames than bytes", and(&varint(1 << 60), &bytes[1..])),
            ("more blobs than bytes", frame(&and(&[0, 0, 0, 40, 0], &varint(1 << 40)))),
            ("base frame", frame(&[0, 0, 0, 40, 1, 1])),
            ("four base frames", frame(&[0, 0, 0, 40, 4, 1])),
            ("frame shorter than nonce and tag", frame(&[0, 0, 0, 39, 0, 1])),
            ("frame of 33 MiB", frame(&and(&[0, 0, 0], &and(&varint(33 << 20), &[0, 1])))),
            ("blob of 17 MiB", and(&[1, 0, 0, 0, 40, 0, 1], &and(&[7; 32], &varint(17 << 20)))),
            ("blobs of 18 MiB in one frame", two_blobs_of_nine_mebibytes()),
            ("padding that is not zero", and(&bytes, &[0, 0, 1])),
            ("cut short", without_last(&bytes)),
        ],
    )
}

fn two_blobs_of_nine_mebibytes() -> Vec<u8> {
    let blob = and(&[7; 32], &varint(9 << 20));
    [&[1, 0, 0, 0, 40, 0, 2][..], &blob, &blob].concat()
}

/// An index body with one pack of these parts.
fn body_of(header: &[u8], directory: &[u8]) -> Vec<u8> {
    let lengths = [varint(header.len() as u64), varint(directory.len() as u64)];
    [&[1], &[0xa1; 32][..], &[0], &lengths[0], header, &lengths[1], directory].concat()
}

fn bodies() -> Vec<RefusedCase> {
    let body = index::encode(&packs());
    let (plain, object) = (header(0).encode(), index::prefix());
    let large = PackEntry { bytes: (256 << 20) + 1, ..packs().remove(0) };
    let mut cases = of(
        "index_object",
        vec![
            ("nothing", vec![]),
            ("unknown magic", with(&object, 0, b"HFINDEX2")),
            ("version 2", with(&object, 8, &[2, 0])),
            ("version cut short", without_last(&object)),
        ],
    );
    cases.extend(of(
        "index_body",
        vec![
            ("nothing", vec![]),
            ("more packs than bytes", and(&varint(1 << 40), &body[1..])),
            ("pack above 256 MiB", index::encode(&[large])),
            ("bytes behind the last pack", and(&body, &[0])),
            ("bytes behind a header", body_of(&and(&plain, &[0]), &[0])),
            ("directory with padding", body_of(&plain, &[0, 0])),
            ("pack header of another magic", body_of(&with(&plain, 0, b"x"), &[0])),
            ("directory cut short", body_of(&plain, &[])),
            (
                "frame of a session that is not there",
                body_of(&plain, &directory::encode(&frames())),
            ),
        ],
    ));
    cases
}

/// Names that would lead a restore out of its folder, and others that no file system allows.
fn names() -> Vec<RefusedCase> {
    let named = |name: &[u8]| encode_entry(&entry(name, EntryKind::Fifo));
    of(
        "entry",
        vec![
            ("no name", named(b"")),
            (".", named(b".")),
            ("..", named(b"..")),
            ("/", named(b"/")),
            ("name with a slash", named(b"../etc")),
            ("name with NUL", named(b"a\0b")),
            ("name of 4,097 bytes", named(&[b'n'; 4097])),
        ],
    )
}

/// A FIFO called `n` with these flags, this mode, and the given bytes after the group.
fn fifo(flags: u64, mode: u64, behind: &[u8]) -> Vec<u8> {
    let start = and(&[1, b'n', 6], &and(&varint(flags), &varint(mode)));
    [&start[..], &[0, 0, 0, 0], behind].concat()
}

/// The rest of an entry: two times and three numbers, all zero.
const REST: [u8; 7] = [0; 7];

fn entries() -> Vec<RefusedCase> {
    let billion = and(&[0], &varint(1_000_000_000));
    let attribute = |name: &[u8]| and(&[1], &and(name, &[0]));
    let attributes = |parts: &[&[u8]]| fifo(2, 0, &and(&REST, &parts.concat()));
    let plain = encode_entry(&entry(b"n", EntryKind::Fifo));
    of(
        "entry",
        vec![
            ("nothing", vec![]),
            ("unknown kind 0", with(&plain, 2, &[0])),
            ("unknown kind 8", with(&plain, 2, &[8])),
            ("unknown flag", fifo(32, 0, &REST)),
            ("FIFO with a second content list", fifo(4, 0, &REST)),
            ("FIFO that changed while it was read", fifo(8, 0, &REST)),
            ("mode above 07777", fifo(0, 0o10000, &REST)),
            ("10^9 nanoseconds", fifo(0, 0, &and(&billion, &REST[2..]))),
            ("no extended attributes where some are announced", attributes(&[&[0]])),
            ("more extended attributes than bytes", attributes(&[&varint(1 << 40)])),
            (
                "extended attributes out of order",
                attributes(&[&[2], &attribute(b"b"), &attribute(b"a")]),
            ),
            ("extended attribute twice", attributes(&[&[2], &attribute(b"a"), &attribute(b"a")])),
            ("nine extents in an entry", file_of(&[10])),
            ("user id above 32 bits", and(&[1, b'n', 6, 0, 0], &varint(1 << 32))),
            ("cut short", without_last(&plain)),
            ("bytes behind it", and(&plain, &[0])),
        ],
    )
}

/// An empty file called `n` with this content.
fn file_of(content: &[u8]) -> Vec<u8> {
    [&[1, b'n', 1, 0, 0, 0, 0, 0, 0], &REST[..], &[0, 0], content].concat()
}

fn nodes() -> Vec<RefusedCase> {
    let leaf = |names: &[&[u8]]| {
        let entries = names.iter().map(|name| entry(name, EntryKind::Fifo));
        encode_node(&Node::DirectoryLeaf(entries.collect()))
    };
    let branch = |names: &[&[u8]]| {
        let children = names.iter().map(|name| directory_child(name, 1));
        encode_node(&Node::DirectoryBranch(1, children.collect()))
    };
    let extents = encode_node(&Node::ContentLeaf(vec![data(1, 1)]));
    of(
        "node",
        vec![
            ("nothing", vec![]),
            ("unknown kind 0", vec![0, 0, 0]),
            ("unknown kind 5", vec![5, 1, 0]),
            ("leaf of level 1", vec![1, 1, 0]),
            ("branch of level 0", vec![4, 0, 0]),
            ("branch of level 17", with(&branch(&[b"a"]), 1, &[17])),
            ("names out of order", leaf(&[b"b", b"a"])),
            ("name twice", leaf(&[b"a", b"a"])),
            ("entry called ..", leaf(&[b".."])),
            ("names of a branch out of order", branch(&[b"b", b"a"])),
            ("directory branch without children", branch(&[])),
            ("more entries than bytes", assemble(NodeKind::DirectoryLeaf, 0, 1 << 40, &[0; 40])),
            ("more extents than bytes", assemble(NodeKind::ContentLeaf, 0, 1 << 40, &[1; 40])),
            ("more children than bytes", assemble(NodeKind::ContentBranch, 1, 1 << 40, &[0; 40])),
            ("extent cut short", without_last(&extents)),
            ("bytes behind the last extent", and(&extents, &[0])),
            ("count in two bytes where one would do", vec![3, 0, 0x80, 0]),
        ],
    )
}

/// The JSON of a record, with a valid `previous`.
fn json_record(body: &str) -> Vec<u8> {
    format!("{{\"previous\":\"{}\",{body}}}", "0".repeat(64)).into_bytes()
}

fn records() -> Vec<RefusedCase> {
    let object = record::prefix();
    let mut cases = of(
        "record_object",
        vec![
            ("nothing", vec![]),
            ("unknown magic", with(&object, 0, b"HFRECORE")),
            ("version 0", with(&object, 8, &[0, 0])),
            ("version 2", with(&object, 8, &[2, 0])),
        ],
    );
    cases.extend(of(
        "writer_record",
        vec![
            ("nothing", vec![]),
            ("not JSON", b"fence".to_vec()),
            ("unknown kind", json_record(r#""kind":"fences","generation":1"#)),
            ("kind of the other chain", json_record(r#""kind":"checkpoint""#)),
            ("give-up", json_record(r#""kind":"give-up","records":[]"#)),
            ("no kind", json_record(r#""generation":1"#)),
            ("no previous record", br#"{"kind":"fence","generation":1}"#.to_vec()),
            ("negative generation", json_record(r#""kind":"fence","generation":-1"#)),
            ("short id", json_record(r#""kind":"pin","snapshot":"00""#)),
            ("snapshot without a session", json_record(r#""kind":"snapshot","paths":[]"#)),
            ("bytes behind the JSON", and(&json_record(r#""kind":"fence","generation":1"#), b"0")),
        ],
    ));
    cases.extend(of(
        "generation_record",
        vec![
            ("kind of the other chain", json_record(r#""kind":"fence","generation":1"#)),
            ("sweep without packs", json_record(r#""kind":"sweep","condemn":1"#)),
            ("give-up without records", json_record(r#""kind":"give-up""#)),
            ("give-up of no object", json_record(r#""kind":"give-up","records":[{}]"#)),
            (
                "give-up of a short hash",
                json_record(r#""kind":"give-up","records":[{"object":"gen/0","found":"00"}]"#),
            ),
            ("nested too deeply", json_record(&format!("\"x\":{}", "[".repeat(200)))),
        ],
    ));
    cases
}
