//! `[notify]`: who hears of a run.

use std::path::PathBuf;

use super::section::{Section, Table};
use super::url::WebUrl;
use super::value::Choice;

/// `[notify]`: who hears of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notify {
    /// A monitor in the manner of healthchecks.io, which misses runs that do not happen.
    pub healthchecks: Option<Healthchecks>,
    /// An address that gets the report of a run as JSON.
    pub webhook: Option<Webhook>,
    /// A file for the textfile collector of Prometheus' node exporter.
    pub prometheus: Option<Prometheus>,
}

/// A monitor in the manner of healthchecks.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthchecks {
    /// Address of the check.
    pub address: Address,
}

/// An address that gets the report of a run as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub address: Address,
    /// File with the value of the header `Authorization`.
    pub authorization_file: Option<PathBuf>,
    /// Of which runs it hears.
    pub when: When,
}

/// A file for the textfile collector of Prometheus' node exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prometheus {
    /// The file; its name must end in `.prom`.
    pub textfile: PathBuf,
}

/// An address, or the file that holds it: often whoever knows an address may write to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The address.
    Url(WebUrl),
    /// The file.
    File(PathBuf),
}

/// Of which runs one hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// All.
    #[default]
    Always,
    /// Those that failed or were incomplete.
    Failure,
}

impl Choice for When {
    const WORDS: &'static [(&'static str, Self)] =
        &[("always", Self::Always), ("failure", Self::Failure)];
}

impl Table for Notify {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let healthchecks = section.table(
            "healthchecks",
            "A monitor in the manner of healthchecks.io, which hears of the start and the end of \
             every run.",
        );
        let webhook = section.table("webhook", "An address that gets the report of a run as JSON.");
        let prometheus = section
            .table("prometheus", "A file for the textfile collector of Prometheus' node exporter.");
        Some(Self { healthchecks, webhook, prometheus })
    }
}

impl Table for Healthchecks {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        Some(Self { address: address(section)? })
    }
}

impl Table for Webhook {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let address = address(section);
        let authorization_file = section
            .optional("authorization-file", "File with the value of the header Authorization.");
        let when =
            section.optional("when", "Of which runs it hears: always (the default) or failure.");
        let when = when.unwrap_or_default();
        Some(Self { address: address?, authorization_file, when })
    }
}

impl Table for Prometheus {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let textfile: Option<PathBuf> = section
            .required("textfile", "The file, in the collector's folder; its name ends in .prom.");
        let textfile = textfile?;
        if textfile.extension().is_none_or(|extension| extension != "prom") {
            let message = "the name of `textfile` must end in .prom, or the collector ignores it";
            section.refuse(
                "textfile",
                message,
                "textfile = \"/var/lib/prometheus/node-exporter/documenso.prom\"",
            );
        }
        Some(Self { textfile })
    }
}

/// Asks for exactly one of the two keys for an address.
fn address(section: &mut Section<'_, '_>) -> Option<Address> {
    let exactly_one = section.exactly_one(&["url", "url-file"]);
    let url = section.optional("url", "The address.");
    let file = section
        .optional("url-file", "File that holds the address, if whoever knows it may write to it.");
    let address = url.map(Address::Url).or(file.map(Address::File));
    address.filter(|_| exactly_one)
}
