//! Options for how packets are shown, shared by the commands that show packets.

use std::io::{self, IsTerminal};

use clap::ArgAction;

use crate::decode::Decoder;
use crate::error::Error;
use crate::view::columns::Table;

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
    /// A table of these fields, one packet a line: ip.src,icmp.seq,frame.time
    ///
    /// The keys are those of --tree and --json; `outer.` before one leaves out what an ICMP error
    /// quotes. A field that occurs more than once is joined by commas; one that does not occur is
    /// empty.
    #[arg(long, value_name = "KEYS", help_heading = SHOWING,
        conflicts_with_all = ["verbose", "json", "tree", "hex", "hex_ascii", "ascii", "link"])]
    pub fields: Option<String>,
    /// What stands between the fields [default: ,]
    #[arg(long, value_name = "CHARACTER", requires = "fields", help_heading = SHOWING)]
    pub separator: Option<char>,
    /// Tabs between the fields, and no quotes
    #[arg(long, requires = "fields", conflicts_with = "separator", help_heading = SHOWING)]
    pub tsv: bool,
    /// Begin the table with the fields' names
    #[arg(long, requires = "fields", help_heading = SHOWING)]
    pub header: bool,
    /// Link-layer addresses in the line
    #[arg(short = 'e', help_heading = SHOWING)]
    pub link: bool,
    /// Bytes in hexadecimal; -xx from the link layer on
    #[arg(short = 'x', action = ArgAction::Count, help_heading = SHOWING)]
    pub hex: u8,
    /// Bytes in hexadecimal and ASCII; -XX from the link layer on
    #[arg(short = 'X', action = ArgAction::Count, help_heading = SHOWING)]
    pub hex_ascii: u8,
    /// Colours of -x and -X, by layer and field: auto, always, never; NO_COLOR is obeyed
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, hide_possible_values = true,
        help_heading = SHOWING)]
    pub color: Color,
    /// Bytes in ASCII
    #[arg(short = 'A', help_heading = SHOWING)]
    pub ascii: bool,
    /// -t no time, -tt since 1970, -ttt since the line before, -tttt with the
    /// date, -ttttt since the first line
    #[arg(short = 't', action = ArgAction::Count, help_heading = SHOWING)]
    pub time: u8,
    /// Digits of times, and of those in a pcap file
    #[arg(long = "time-stamp-precision", value_enum, value_name = "PRECISION", help_heading = SHOWING)]
    pub digits: Option<Precision>,
    /// Times with nine digits
    #[arg(long, conflicts_with_all = ["digits", "micro"], help_heading = SHOWING)]
    pub nano: bool,
    /// Times with six digits, also in a pcap file
    #[arg(long, conflicts_with = "digits", help_heading = SHOWING)]
    pub micro: bool,
    /// Short lines: of each layer its first words and its length
    #[arg(short = 'q', help_heading = SHOWING, conflicts_with_all = ["verbose", "tree", "json", "fields"])]
    pub quiet: bool,
    /// Write out each line at once
    #[arg(short = 'l', help_heading = SHOWING)]
    pub line_buffered: bool,
    /// Addresses and ports as numbers: they always are, -n is for fingers that know it
    #[arg(short = 'n', action = ArgAction::Count, help_heading = SHOWING)]
    pub numeric: u8,
}

/// Digits of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Precision {
    /// Six
    Micro,
    /// Nine
    Nano,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Decides where that depends on the terminal and on NO_COLOR, so it comes before the drop.
    #[must_use]
    pub fn decided(self) -> Self {
        let quiet = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Self::Auto if io::stdout().is_terminal() && !quiet() => Self::Always,
            Self::Auto => Self::Never,
            decided => decided,
        }
    }
}

impl ShowArgs {
    /// What was asked for. Without: six digits in a line, in a file what there is.
    pub fn precision(&self) -> Option<Precision> {
        match (self.nano, self.micro) {
            (true, _) => Some(Precision::Nano),
            (_, true) => Some(Precision::Micro),
            _ => self.digits,
        }
    }

    /// The table of `--fields`.
    pub fn table(&self) -> Result<Option<Table>, Error> {
        let Some(list) = &self.fields else {
            return Ok(None);
        };
        let separator = self.separator.unwrap_or(if self.tsv { '\t' } else { ',' });
        // A line must end where the packet does, and a quote can only be a quote.
        if separator == '"' || (separator.is_control() && separator != '\t') {
            let message = "--separator: a quote or a control character cannot part fields".into();
            return Err(Error::Usage { message, fix: None });
        }
        let table = Table::compile(list, separator, &Decoder::new());
        table.map(Some).map_err(|fault| Error::filter(&fault, list))
    }
}
