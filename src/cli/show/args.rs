//! Options for how packets are shown, shared by the commands that show packets.

use clap::ArgAction;

const SHOWING: &str = "Showing";

/// How packets are shown. The letters are tcpdump's.
#[expect(
    clippy::struct_excessive_bools,
    reason = "every flag of tcpdump is one bool of the command line"
)]
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ShowArgs {
    /// The line, then every field; -vv adds the fields' names and bytes
    #[arg(short = 'v', action = ArgAction::Count, help_heading = SHOWING)]
    pub verbose: u8,
    /// Every field with its name and bytes, without the line
    #[arg(long, help_heading = SHOWING, conflicts_with_all = ["verbose", "json"])]
    pub tree: bool,
    /// One JSON object a line
    #[arg(long, help_heading = SHOWING, conflicts_with_all = ["verbose", "hex", "hex_ascii", "ascii"])]
    pub json: bool,
    /// Link-layer addresses in the line
    #[arg(short = 'e', help_heading = SHOWING)]
    pub link: bool,
    /// Bytes in hexadecimal; -xx from the link layer on
    #[arg(short = 'x', action = ArgAction::Count, help_heading = SHOWING)]
    pub hex: u8,
    /// Bytes in hexadecimal and ASCII; -XX from the link layer on
    #[arg(short = 'X', action = ArgAction::Count, help_heading = SHOWING)]
    pub hex_ascii: u8,
    /// Bytes in ASCII
    #[arg(short = 'A', help_heading = SHOWING)]
    pub ascii: bool,
    /// -t no time, -tt since 1970, -ttt since the line before, -tttt with the
    /// date, -ttttt since the first line
    #[arg(short = 't', action = ArgAction::Count, help_heading = SHOWING)]
    pub time: u8,
    /// Times with nine digits
    #[arg(long, help_heading = SHOWING)]
    pub nano: bool,
    /// Write out each line at once
    #[arg(short = 'l', help_heading = SHOWING)]
    pub line_buffered: bool,
    /// Addresses and ports as numbers: they always are, -n is for fingers that know it
    #[arg(short = 'n', action = ArgAction::Count, help_heading = SHOWING)]
    pub numeric: u8,
}
