//! Tests of prune: a small world of snapshots, and everything that can go wrong in it.

mod abandoned;
mod crash;
mod due;
mod forks;
mod full;
mod hooked;
mod interleave;
mod mutation;
mod progress;
mod random;
mod readers;
mod repairs;
mod rescued;
mod steps;
mod world;
