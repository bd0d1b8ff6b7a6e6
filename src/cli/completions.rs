//! `rawsock completions`: what a shell needs to complete our options.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use crate::error::Error;

/// Print completions for a shell
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(rawsock completions bash)
  rawsock completions zsh > ~/.zfunc/_rawsock
  rawsock completions fish > ~/.config/fish/completions/rawsock.fish")]
pub struct Args {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rawsock", &mut script);
    super::print(&script)?;
    Ok(0)
}
