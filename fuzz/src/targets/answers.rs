//! Answers of buckets, and keys as names.

use holdfast_connect::bucket::answers;
use holdfast_connect::bucket::source::BucketDocument;
use holdfast_format::bucket::{key_of_name, name_of_key};

/// The first byte chooses what the rest is.
pub fn bucket_answers(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 10 {
        0 => names(rest),
        1 => listed(answers::objects(rest)),
        2 => listed(answers::versions(rest)),
        3 => drop(answers::tags(rest)),
        4 => drop(answers::grants(rest)),
        5 => {
            let (code, message) = answers::refusal(u16::from(*kind) * 3, rest);
            let words = [code, message.unwrap_or_default()].concat();
            assert!(!words.contains(char::is_control), "{words:?}");
        }
        6 => {
            if let Some(parts) = std::str::from_utf8(rest).ok().and_then(answers::parts) {
                assert!(parts.len() <= 10_000);
            }
        }
        7 => document(rest),
        8 => listed(answers::google_objects(rest)),
        _ => listed(answers::blobs(rest)),
    }
}

/// A name has one key and a key has one name, and both sort alike.
fn names(data: &[u8]) {
    if let Some(key) = key_of_name(data) {
        assert_eq!(name_of_key(&key).as_deref(), Some(data));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    if let (Some(one_name), Some(other_name)) = (name_of_key(one), name_of_key(other)) {
        assert_eq!(key_of_name(&one_name).as_deref(), Some(one));
        assert_eq!(one_name.cmp(&other_name), one.cmp(other));
    }
}

/// What a page lists can be named, and its next page is another one.
fn listed(page: Result<holdfast_connect::bucket::object::ListPage, String>) {
    let Ok(page) = page else { return };
    for object in &page.objects {
        if let Some(name) = name_of_key(&object.key) {
            assert_eq!(key_of_name(&name).as_ref(), Some(&object.key));
        }
        assert!(object.modified.nanoseconds < 1_000_000_000);
    }
    if let Some(next) = page.next {
        assert!(next.key.is_some() || next.token.is_some());
    }
}

fn document(data: &[u8]) {
    if let Ok(document) = BucketDocument::decode(data) {
        assert_eq!(BucketDocument::decode(&document.encode()), Ok(document));
    }
}
