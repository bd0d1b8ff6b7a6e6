//! The command line as users meet it: help, errors of use, manual page, completions. Nothing here
//! needs a right or sends a packet.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn rawsock(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rawsock"));
    command.args(args).env_remove("COLUMNS").output().unwrap()
}

fn stdout(args: &[&str]) -> String {
    let output = rawsock(args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// All commands, as `rawsock -h` lists them.
fn commands() -> Vec<String> {
    let help = stdout(&["-h"]);
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let list = list.take_while(|line| !line.is_empty());
    let names: Vec<String> = list
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(names.iter().any(|name| name == "ping"), "{help}");
    names
}

#[test]
fn texts_are_as_written_down() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}

#[test]
fn short_help_fits_a_screen() {
    for command in ["ping", "caps", "filter", "man", "completions"] {
        let lines = stdout(&[command, "-h"]).lines().count();
        assert!(lines <= 24, "{command} -h has {lines} lines");
    }
    assert!(stdout(&["-h"]).lines().count() <= 24);
}

#[test]
fn no_help_is_wider_than_a_terminal() {
    let mut texts = vec![stdout(&["-h"]), stdout(&["--help"])];
    for command in &commands() {
        texts.push(stdout(&[command, "-h"]));
        texts.push(stdout(&[command, "--help"]));
    }
    for line in texts.iter().flat_map(|text| text.lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn every_letter_of_iputils_is_known() {
    let help = stdout(&["ping", "--help"]);
    for letter in "46AabcDeFfIiLlMmnOpQqRrSsTtUvWw3HhV".chars() {
        let option = format!("  -{letter}, --");
        assert!(help.contains(&option), "-{letter}");
    }
    for letter in "BCdN".chars() {
        let option = format!("-{letter}");
        let output = rawsock(&["ping", &option, "x", "127.0.0.1"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        if letter == 'N' {
            assert!(stderr.contains("-N is refused"), "{stderr}");
        }
    }
}

/// Complaints of mandoc, or `None` where it is not installed.
fn lint(page: &str) -> Option<String> {
    let mut mandoc = Command::new("mandoc")
        .args(["-T", "lint", "-W", "error"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    mandoc.stdin.take()?.write_all(page.as_bytes()).unwrap();
    let output = mandoc.wait_with_output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn manual_pages_hold_every_option_and_render() {
    let required = std::env::var_os("RAWSOCK_REQUIRE_NETNS").is_some_and(|value| value == "1");
    let mut pages = vec![stdout(&["man"])];
    pages.extend(commands().iter().map(|command| stdout(&["man", command])));
    let ping = stdout(&["man", "ping"]);
    for page in &pages {
        match lint(page) {
            Some(complaints) => assert_eq!(complaints, "", "{page}"),
            None if required => panic!("mandoc is not installed"),
            // Not by a print macro: libtest would hide it.
            None => std::io::stderr()
                .write_all(b"\n*** SKIPPED: mandoc is not installed ***\n")
                .unwrap(),
        }
    }
    let help = stdout(&["ping", "--help"]);
    let long = help.lines().filter_map(|line| {
        let option = line.trim_start().split("--").nth(1)?;
        let at_start = line.starts_with("  -") || line.starts_with("      --");
        at_start.then(|| {
            option
                .split([' ', '[', '=', '.'])
                .next()
                .unwrap_or_default()
        })
    });
    let mut count = 0;
    for option in long {
        let roff = format!("\\-\\-{}", option.replace('-', "\\-"));
        assert!(ping.contains(&roff), "{option}");
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn completions_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&["completions", shell]);
        assert!(script.contains("show-headers"), "{shell}");
    }
}

#[test]
fn what_was_typed_steers_no_terminal() {
    for args in [
        ["ping", "--\x1b[31m"],
        ["ping", "-c\x1b[2J"],
        ["man", "\x1b]0;x\x07"],
    ] {
        let output = rawsock(&args);
        assert_eq!(output.status.code(), Some(2));
        assert!(!output.stderr.contains(&0x1b), "{output:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rawsock"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[test]
fn a_full_disk_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_rawsock"))
        .args(["man", "ping"])
        .stdout(std::fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(74));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("cannot write standard output: No space left on device"),
        "{stderr}"
    );
}
