//! capabilities.md says what the program does: its tables and option names, both ways. The
//! measured matrix is in `tests/privilege/matrix.rs`.

use std::collections::BTreeSet;

use clap::CommandFactory;
use rawsock::cli::Cli;
use rawsock::privilege::{COMMANDS, Need};

const DOCUMENT: &str = include_str!("../capabilities.md");

/// The lines between a heading and the next one.
fn section(heading: &str) -> Vec<&'static str> {
    let mut lines = DOCUMENT.lines().skip_while(|line| *line != heading);
    assert!(lines.next().is_some(), "no heading {heading}");
    lines.take_while(|line| !line.starts_with('#')).collect()
}

/// The rows of the only table of a section, without its head.
fn rows(heading: &str) -> Vec<&'static str> {
    let lines = section(heading).into_iter();
    lines.filter(|line| line.starts_with('|')).skip(2).collect()
}

#[test]
fn command_table_is_the_table_of_the_program() {
    let expected: Vec<String> = COMMANDS
        .iter()
        .map(|need| format!("| `{}` | {} | {} |", need.command, need.needs, need.without))
        .collect();
    assert_eq!(rows("## Commands"), expected);
}

#[test]
fn every_command_has_a_row() {
    let definition = Cli::command();
    let commands: BTreeSet<&str> = definition
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    let rows: BTreeSet<&str> = COMMANDS
        .iter()
        .map(|need| need.command)
        .filter(|name| !name.starts_with('('))
        .collect();
    assert_eq!(commands, rows);
}

/// A row of the sandbox table.
fn sandbox_row(need: &Need) -> String {
    let list = |items: Vec<String>| match items.len() {
        0 => "nothing".to_owned(),
        _ => items.join(" "),
    };
    let files = need.files.iter().map(|file| format!("`{file}`")).collect();
    let mut ports: Vec<String> = need.tcp_ports.iter().map(u16::to_string).collect();
    if need.command == "call" {
        // `drop_but_sockets` sets no rule for TCP.
        ports.push("all".into());
    }
    let mut calls: Vec<String> = need
        .calls()
        .map(|call| {
            let star = if call.only.is_empty() { "" } else { "\\*" };
            format!("{}{star}", call.name)
        })
        .collect();
    calls.sort();
    format!(
        "| `{}` | {} | {} | {} |",
        need.command,
        list(files),
        list(ports),
        list(calls)
    )
}

// Other processors lack some of the old calls.
#[cfg(target_arch = "x86_64")]
#[test]
fn sandbox_table_lists_every_call() {
    let expected: Vec<String> = COMMANDS
        .iter()
        .filter(|need| !need.groups.is_empty())
        .map(|need| sandbox_row(need))
        .collect();
    assert_eq!(rows("### Sandbox of each command"), expected);
}

#[test]
fn features_of_ping_are_its_options() {
    let definition = Cli::command();
    let ping = definition.find_subcommand("ping").unwrap();
    let options: BTreeSet<&str> = ping
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .filter_map(clap::Arg::get_long)
        .filter(|name| !["help", "version"].contains(name))
        .collect();
    let text = section("## What ping can do").join("\n");
    let named: BTreeSet<&str> = text
        .split('`')
        .filter_map(|word| word.strip_prefix("--"))
        .collect();
    assert_eq!(options, named);
}

#[test]
fn every_option_that_is_named_anywhere_exists() {
    let definition = Cli::command();
    let ping = definition.find_subcommand("ping").unwrap();
    let words = DOCUMENT.split('`').filter(|code| code.starts_with("ping "));
    let mut seen = 0;
    for option in words.flat_map(str::split_whitespace) {
        let known = match option.strip_prefix("--") {
            Some(long) => ping
                .get_arguments()
                .any(|argument| argument.get_long() == Some(long)),
            None => match option.strip_prefix('-').and_then(|o| o.chars().next()) {
                Some(short) => ping
                    .get_arguments()
                    .any(|argument| argument.get_short() == Some(short)),
                None => continue,
            },
        };
        assert!(known, "{option}");
        seen += 1;
    }
    assert!(seen > 3);
}
