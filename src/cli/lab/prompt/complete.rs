//! What the Tab key offers at the prompt: hosts, commands of rawsock, their options.

use clap::{Args as _, CommandFactory};
use rustyline::Context;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;

use crate::cli::Cli;
use crate::cli::wire::WireArgs;

/// Words of the prompt itself.
const OWN: &[&str] = &["set", "clear", "log", "status", "jobs", "help", "exit"];

/// Knows the hosts.
pub struct Helper {
    hosts: Vec<String>,
}

impl Helper {
    pub fn new(hosts: Vec<String>) -> Self {
        Self { hosts }
    }

    /// What may stand behind these words.
    fn offers(&self, before: &[&str], begun: &str) -> Vec<String> {
        let definition = Cli::command();
        let long = |command: &clap::Command| -> Vec<String> {
            let longs = command.get_arguments().filter_map(clap::Arg::get_long);
            longs.map(|name| format!("--{name}")).collect()
        };
        match before {
            [] => {
                let own = OWN.iter().map(|word| (*word).to_owned());
                self.hosts.iter().cloned().chain(own).collect()
            }
            ["set", ..] => long(&WireArgs::augment_args(clap::Command::new("set"))),
            [host] if self.hosts.iter().any(|known| known == host) => definition
                .get_subcommands()
                .map(|command| command.get_name().to_owned())
                .collect(),
            [_, name, ..] if begun.starts_with('-') => {
                let command = definition.find_subcommand(name);
                command.map(long).unwrap_or_default()
            }
            _ => self.hosts.clone(),
        }
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..at).unwrap_or(line);
        let start = typed.rfind([' ', '\t']).map_or(0, |blank| blank + 1);
        let (before, begun) = typed.split_at(start);
        let before: Vec<&str> = before.split_whitespace().collect();
        let offers = self.offers(&before, begun).into_iter();
        let fitting = offers.filter(|offer| offer.starts_with(begun));
        let pairs = fitting.map(|offer| Pair {
            replacement: format!("{offer} "),
            display: offer,
        });
        Ok((start, pairs.collect()))
    }
}

impl Hinter for Helper {
    type Hint = String;
}
impl Highlighter for Helper {}
impl Validator for Helper {}
impl rustyline::Helper for Helper {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_commands_and_options_are_offered() {
        let helper = Helper::new(vec!["h1".into(), "h2".into()]);
        let offers = |before: &[&str], begun: &str| helper.offers(before, begun);
        assert!(offers(&[], "").contains(&"h2".to_owned()));
        assert!(offers(&[], "").contains(&"status".to_owned()));
        assert!(offers(&["h1"], "").contains(&"ping".to_owned()));
        assert!(offers(&["h1", "ping"], "-").contains(&"--count".to_owned()));
        assert_eq!(offers(&["h1", "ping"], ""), ["h1", "h2"]);
        assert!(offers(&["set"], "-").contains(&"--loss-up".to_owned()));
    }
}
