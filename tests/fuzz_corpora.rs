//! The fuzz targets' checks on stable Rust, over the corpora that the fuzzers left: what was found
//! once stays found. `tests/fuzz` looks for more.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "fuzz/checks/mod.rs"]
mod checks;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// Names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.expect("readable").file_name();
            name.into_string().expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "the harness shows it where a check panics"
)]
fn every_corpus_passes() {
    for (target, check) in checks::ALL {
        let directory = fuzz().join("corpora").join(target);
        let inputs = names(&directory);
        assert!(inputs.len() >= 5, "{target} has {} inputs", inputs.len());
        for name in inputs {
            let bytes = fs::read(directory.join(&name)).expect("readable");
            println!("{target}/{name}");
            check(&bytes);
        }
    }
}

#[test]
fn every_check_has_a_target_and_a_corpus() {
    let checks: Vec<&str> = checks::ALL.iter().map(|(name, _)| *name).collect();
    let mut targets = names(&fuzz().join("fuzz_targets"));
    for target in &mut targets {
        *target = target.trim_end_matches(".rs").to_owned();
    }
    assert_eq!(targets, checks);
    assert_eq!(names(&fuzz().join("corpora")), checks);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("readable");
    let bins: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name = \""))
        .map(|rest| rest.trim_end_matches('"'))
        .filter(|name| *name != "rawsock-fuzz")
        .collect();
    assert_eq!(bins, checks);
}
