//! Holds the sources to the dependency rule: core never names shell, one home for each package.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that turn bytes and times into values.
const CORE: &[&str] = &[
    "call", "compare", "craft", "decode", "defrag", "display", "error", "event", "filter", "flow",
    "lesson", "ping", "view", "wire",
];
/// Modules that own sockets, clocks and files.
const SHELL: &[&str] = &["capture", "cli", "lab", "net", "privilege", "sys"];

struct Source {
    path: PathBuf,
    /// First component below `src`, without `.rs`.
    module: String,
    /// Code lines: comments, and everything from the unit tests on, left out.
    lines: Vec<String>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                let relative = path.strip_prefix(&root).expect("below src");
                let first = relative
                    .iter()
                    .next()
                    .expect("a file name")
                    .to_string_lossy();
                found.push(Source {
                    module: first.trim_end_matches(".rs").to_owned(),
                    lines: text
                        .lines()
                        .take_while(|line| line.trim() != "#[cfg(test)]")
                        .filter(|line| !line.trim_start().starts_with("//"))
                        .map(str::to_owned)
                        .collect(),
                    path,
                });
            }
        }
    }
    assert!(found.len() > 6, "the walk found the sources");
    found
}

/// The identifier that a text begins with.
fn identifier(text: &str) -> String {
    let of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    text.trim().chars().take_while(of_name).collect()
}

/// Names of crate modules that a line of code mentions, `crate::{a, b}` included.
fn named_modules(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest
            .strip_prefix('{')
            .and_then(|inner| inner.split('}').next())
        {
            Some(list) => names.extend(list.split(',').map(identifier)),
            None => names.push(identifier(rest)),
        }
    }
    names
}

#[test]
fn core_never_names_shell() {
    for source in sources() {
        if !CORE.contains(&source.module.as_str()) {
            continue;
        }
        for line in &source.lines {
            for name in named_modules(line) {
                assert!(
                    !SHELL.contains(&name.as_str()),
                    "{}: core names {name}: {line}",
                    source.path.display()
                );
            }
        }
    }
}

#[test]
fn decode_and_craft_never_name_each_other() {
    for source in sources() {
        for line in &source.lines {
            for name in named_modules(line) {
                let crossed = matches!(
                    (source.module.as_str(), name.as_str()),
                    ("decode", "craft") | ("craft", "decode")
                );
                assert!(!crossed, "{}: {line}", source.path.display());
            }
        }
    }
}

#[test]
fn each_package_has_one_home() {
    for source in sources() {
        for line in &source.lines {
            let at = source.path.display();
            assert!(
                !line.contains("etherparse::") || source.module == "decode",
                "{at}: {line}"
            );
            assert!(
                !line.contains("pnet::packet") || source.module == "craft",
                "{at}: {line}"
            );
            let unsafe_here = line.contains("unsafe ") && !line.contains("unsafe_code");
            assert!(!unsafe_here || source.module == "sys", "{at}: {line}");
        }
    }
}

#[test]
fn every_module_is_placed_in_core_or_shell() {
    for source in sources() {
        let module = source.module.as_str();
        let known =
            CORE.contains(&module) || SHELL.contains(&module) || matches!(module, "lib" | "main");
        assert!(
            known,
            "{}: say in tests/layering.rs whether `{module}` is core or shell",
            source.path.display()
        );
    }
}

#[test]
fn the_rule_finds_a_breach() {
    assert_eq!(named_modules("use crate::sys::clock;"), ["sys"]);
    assert_eq!(
        named_modules("use crate::{net, event::Mono};"),
        ["net", "event"]
    );
    assert_eq!(
        named_modules("    crate::cli::run(crate::net::x)"),
        ["cli", "net"]
    );
}
