//! `rawsock man`: the manual page, made from the definition of the command line.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_mangen::Man;

use super::Cli;
use crate::error::Error;

/// Date of the page: the last change of an option.
const DATE: &str = "2026-11-22";

/// Print the manual page of rawsock or of one command
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  rawsock man | man -l -
  rawsock man ping | man -l -
  rawsock man ping > ~/.local/share/man/man1/rawsock-ping.1")]
pub struct Args {
    /// A command, such as ping or lab pair
    pub command: Vec<String>,
}

/// Prints the page in roff.
pub fn run(args: &Args) -> Result<u8, Error> {
    let name = args.command.join(" ");
    let page = page(Some(&*name).filter(|name| !name.is_empty()))?;
    super::print(&page)?;
    Ok(0)
}

/// The page of a command, `lab pair` also, or of rawsock itself.
pub fn page(command: Option<&str>) -> Result<Vec<u8>, Error> {
    let mut whole = Cli::command();
    whole.build();
    let described = match command {
        None => whole,
        Some(name) => named(&whole, name)?,
    };
    // A page shows everything, also what -h leaves out.
    let described = described.mut_args(|arg| arg.hide_short_help(false));
    let mut page = Vec::new();
    render(described, &mut page).map_err(super::lost_output)?;
    Ok(page)
}

fn render(mut command: clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    let usage = command.render_usage().to_string();
    let long = command.get_after_long_help().or(command.get_after_help());
    let notes = long.map(ToString::to_string).unwrap_or_default();
    let title = command
        .get_display_name()
        .unwrap_or("rawsock")
        .to_uppercase();
    let parent = command.has_subcommands();
    let man = Man::new(command).title(title).date(DATE).manual("rawsock");
    man.render_title(page)?;
    man.render_name_section(page)?;
    let usage = usage.trim_start_matches("Usage:").trim();
    section("SYNOPSIS", usage, page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if parent {
        man.render_subcommands_section(page)?;
    }
    extra(&notes, page)?;
    man.render_version_section(page)
}

/// The text behind the options: examples, exit codes and the rest, each under its own title.
fn extra(notes: &str, page: &mut Vec<u8>) -> io::Result<()> {
    for paragraph in notes.split("\n\n") {
        match paragraph.split_once(':') {
            Some(("Examples", examples)) => section("EXAMPLES", examples, page)?,
            Some(("Exit code", codes)) => section("EXIT STATUS", codes.trim_start(), page)?,
            _ => section("NOTES", paragraph, page)?,
        }
    }
    Ok(())
}

/// A section whose lines stay as they are.
fn section(title: &str, text: &str, page: &mut Vec<u8>) -> io::Result<()> {
    writeln!(page, ".SH \"{title}\"\n.nf")?;
    for line in text.trim_matches('\n').lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        let line = line.trim_end();
        // A dot or quote at the beginning would be a request (roff(7)).
        let guard = if line.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        writeln!(page, "{guard}{line}")?;
    }
    writeln!(page, ".fi")
}

fn named(whole: &clap::Command, name: &str) -> Result<clap::Command, Error> {
    let mut found = whole;
    for word in name.split_whitespace() {
        found = found.find_subcommand(word).ok_or_else(|| {
            let names: Vec<_> = found
                .get_subcommands()
                .map(clap::Command::get_name)
                .collect();
            Error::Usage {
                message: format!("there is no command {name}: {}", names.join(", ")),
                fix: Some("rawsock man ping | man -l -".to_owned()),
            }
        })?;
    }
    Ok(found.clone())
}
