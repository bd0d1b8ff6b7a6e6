//! Options for saving packets, shared by the commands that do.

use std::path::PathBuf;

use crate::capture::{Format, Target};

const SAVING: &str = "Saving";

/// What is saved, and how. The letters are tcpdump's.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SaveArgs {
    /// Save instead of showing: .pcap, .pcapng, either with .gz; `-` is standard output
    #[arg(short = 'w', value_name = "FILE", help_heading = SAVING)]
    pub write: Option<PathBuf>,
    /// Empty and use the file of -w, if it is a regular file of yours
    #[arg(long, requires = "write", help_heading = SAVING)]
    pub force: bool,
    /// Format of -w, where its name does not tell it
    #[arg(long, value_enum, requires = "write", value_name = "FORMAT", help_heading = SAVING)]
    pub format: Option<FormatChoice>,
    /// Write each packet at once
    #[arg(short = 'U', requires = "write", help_heading = SAVING)]
    pub unbuffered: bool,
    /// Show the packets too
    #[arg(long, requires = "write", help_heading = SAVING)]
    pub print: bool,
}

/// A format by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FormatChoice {
    /// One link type, no names; what every tool reads
    Pcap,
    /// Interface names, comments, drop counts
    Pcapng,
}

impl SaveArgs {
    /// The file to create.
    pub fn target(&self) -> Option<Target> {
        let mut target = Target::from_path(self.write.as_deref()?);
        target.force = self.force;
        target.unbuffered = self.unbuffered;
        match self.format {
            Some(FormatChoice::Pcap) => target.format = Format::Pcap,
            Some(FormatChoice::Pcapng) => target.format = Format::Pcapng,
            None => {}
        }
        Some(target)
    }
}
