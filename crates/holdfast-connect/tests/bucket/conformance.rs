//! A bucket as a target does what every flat target must.

use holdfast_connect::bucket::BucketTargetOptions;
use holdfast_connect::target_conformance::flat_conformance;

use super::server::{bucket_name, open, shared};

#[test]
fn a_bucket_is_a_flat_target() {
    let bucket = bucket_name("conformance");
    super::boto::run(&shared().endpoint(), "s3.create_bucket(Bucket=arguments[0])", &[&bucket]);
    let spool = tempfile::tempdir().unwrap();
    let options = BucketTargetOptions { overwrite: true, ..BucketTargetOptions::new(spool.path()) };
    let target = open(&bucket).target(options).unwrap();
    let long = [b'x'; 1024];
    let names = [&b"a.\xffb"[..], b".\x01", b"..\xff", b"\x1b[31m", b"..dots", b"-f", b" ", &long];
    flat_conformance(&target, b"objects", &names);
}
