//! The pages of docs/applications: their app files are valid, and match the pages.

use std::path::{Path, PathBuf};

use holdfast_app::config::{self, AppFile};
use holdfast_app::kind::Class;
use holdfast_tests::project;

const FOLDER: &str = "docs/applications";

fn app_files() -> Vec<(PathBuf, AppFile)> {
    let paths = project::files(FOLDER, "toml");
    let load = |path: PathBuf| {
        let loaded = config::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.warnings, [], "{}", path.display());
        (path, loaded.file)
    };
    paths.into_iter().map(load).collect()
}

fn page(path: &Path) -> String {
    std::fs::read_to_string(path.with_extension("md")).expect("a page beside the app file")
}

#[test]
fn every_app_file_has_no_mistake_and_a_page() {
    let files = app_files();
    assert_eq!(files.len(), 5);
    for (path, file) in files {
        assert_eq!(path.file_stem().unwrap().to_str(), Some(file.app.name.as_str()));
        let page = page(&path);
        for section in
            ["The app file", "First run", "Schedule", "Restore drill", "The guide's list"]
        {
            assert!(page.contains(&format!("\n## {section}\n")), "{}: {section}", path.display());
        }
        assert!(page.contains(" loses silently\n") || page.contains(" lose silently\n"));
    }
}

/// Every check named on a page is in its app file, and vice versa.
#[test]
fn pages_and_app_files_name_the_same_checks() {
    for (path, file) in app_files() {
        let page = page(&path);
        let (_, list) = page.split_once("## The guide's list").unwrap();
        for line in list.lines().filter(|line| line.contains("check")) {
            let quoted = line.split('"').skip(1).step_by(2).filter(|name| name.contains(' '));
            for name in quoted.filter(|name| !line.starts_with(&format!("| \"{name}"))) {
                let known = file.checks.iter().any(|check| check.name.ends_with(name));
                assert!(known, "{}: no check is called {name:?}", path.display());
            }
        }
        for check in &file.checks {
            let end = check.name.rsplit(' ').take(3).collect::<Vec<_>>();
            let end = end.into_iter().rev().collect::<Vec<_>>().join(" ");
            assert!(page.contains(&end), "{}: {} is not told", path.display(), check.name);
        }
    }
}

/// Keys are never stored next to the data.
#[test]
fn every_application_keeps_its_keys_apart() {
    for (path, file) in app_files() {
        assert!(file.keys_repository.is_some(), "{}", path.display());
        let keys = file.sources.iter().filter(|source| source.class == Class::Keys).count();
        assert_eq!(keys, 1, "{}", path.display());
        assert!(!file.secrets.allow_keys_with_data);
    }
}
