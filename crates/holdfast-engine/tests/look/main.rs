//! Looking into snapshots, against plain models of trees.

mod archives;
mod differences;
mod listing;
mod showing;
mod support;
mod tar_reader;
