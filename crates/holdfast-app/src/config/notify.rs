//! `[notify]`: where runs are reported.

use std::path::PathBuf;

use crate::settings::WebUrl;
use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::Choice;

/// `[notify]`: where runs are reported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notify {
    /// A monitor compatible with healthchecks.io, which notices missing runs.
    pub healthchecks: Option<Healthchecks>,
    /// A URL that receives the report of each run as JSON.
    pub webhook: Option<Webhook>,
    /// A file for the textfile collector of the Prometheus node exporter.
    pub prometheus: Option<Prometheus>,
}

/// A monitor compatible with healthchecks.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthchecks {
    /// Ping URL of the check.
    pub address: Address,
}

/// A URL that receives the report of each run as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub address: Address,
    /// File with the value of the `Authorization` header.
    pub authorization_file: Option<PathBuf>,
    /// Which runs to report.
    pub when: When,
}

/// A file for the textfile collector of the Prometheus node exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prometheus {
    /// The file; its name must end in `.prom`.
    pub textfile: PathBuf,
}

/// A URL, or the file that holds it: knowing such a URL often suffices to write to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The address.
    Url(WebUrl),
    /// The file.
    File(PathBuf),
}

/// Which runs to report.
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

impl SettingTable for Notify {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let healthchecks = section.table(
            "healthchecks",
            "A monitor compatible with healthchecks.io, pinged at the start and end of every run.",
        );
        let webhook =
            section.table("webhook", "A URL that receives the report of each run as JSON.");
        let prometheus = section.table(
            "prometheus",
            "A file for the textfile collector of the Prometheus node exporter.",
        );
        Some(Self { healthchecks, webhook, prometheus })
    }
}

impl SettingTable for Healthchecks {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        Some(Self { address: address(section)? })
    }
}

impl SettingTable for Webhook {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let address = address(section);
        let authorization_file = section
            .optional("authorization-file", "File with the value of the Authorization header.");
        let when =
            section.optional("when", "Which runs to report: always (the default) or failure.");
        let when = when.unwrap_or_default();
        Some(Self { address: address?, authorization_file, when })
    }
}

impl SettingTable for Prometheus {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let textfile: Option<PathBuf> = section
            .required("textfile", "The file, in the collector's folder; its name ends in .prom.");
        let textfile = textfile?;
        if textfile.extension().is_none_or(|extension| extension != "prom") {
            let message = "the name of `textfile` must end in .prom, or the collector will \
                           ignore it";
            section.refuse(
                "textfile",
                message,
                "textfile = \"/var/lib/prometheus/node-exporter/documenso.prom\"",
            );
        }
        Some(Self { textfile })
    }
}

/// Reads exactly one of the two keys for a URL.
fn address(section: &mut SettingSection<'_, '_>) -> Option<Address> {
    let exactly_one = section.exactly_one(&["url", "url-file"]);
    let url = section.optional("url", "The URL.");
    let file =
        section.optional("url-file", "File that holds the URL, for URLs that must be kept secret.");
    let address = url.map(Address::Url).or(file.map(Address::File));
    address.filter(|_| exactly_one)
}
