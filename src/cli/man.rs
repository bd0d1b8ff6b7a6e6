//! `rawsock man`: the manual page, made from the definition of the command line.

use std::io;

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
    /// A command, such as ping
    pub command: Option<String>,
}

/// Prints the page in roff.
pub fn run(args: &Args) -> Result<u8, Error> {
    let page = page(args.command.as_deref())?;
    super::print(&page)?;
    Ok(0)
}

/// The page of a command, or of rawsock itself.
pub fn page(command: Option<&str>) -> Result<Vec<u8>, Error> {
    let mut whole = Cli::command();
    whole.build();
    let described = match command {
        None => whole,
        Some(name) => named(&whole, name)?,
    };
    let mut page = Vec::new();
    let title = described
        .get_display_name()
        .unwrap_or("rawsock")
        .to_uppercase();
    let rendered = Man::new(described)
        .title(title)
        .date(DATE)
        .manual("rawsock")
        .render(&mut page);
    rendered.map_err(|source: io::Error| super::lost_output(source))?;
    Ok(page)
}

fn named(whole: &clap::Command, name: &str) -> Result<clap::Command, Error> {
    let found = whole
        .get_subcommands()
        .find(|command| command.get_name() == name);
    let names: Vec<_> = whole
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    found.cloned().ok_or_else(|| Error::Usage {
        message: format!("there is no command {name}: {}", names.join(", ")),
        fix: Some("rawsock man ping | man -l -".to_owned()),
    })
}
