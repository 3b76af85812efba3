//! Buckets on real servers: moto above all, whose objects are written and looked at with Amazon's
//! own client.

mod boto;
mod conformance;
mod failures;
mod fidelity;
mod keys;
mod proxy;
mod races;
mod restore;
mod second;
mod server;
mod serving;
mod tree;
mod versions;
