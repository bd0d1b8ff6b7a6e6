//! Options for saving packets, shared by the commands that do.

use std::path::PathBuf;
use std::time::Duration;

use super::parse;
use super::show::Precision;
use crate::capture::{Format, Rotation, Series, Target};
use crate::error::Error;

const SAVING: &str = "Saving";

/// What is saved, and how. The letters are tcpdump's.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(group = clap::ArgGroup::new("rotated").args(["max_size", "span"]).multiple(true))]
pub struct SaveArgs {
    /// Save instead of showing: .pcap, .pcapng, either with .gz; `-` is standard output
    #[arg(short = 'w', value_name = "FILE", help_heading = SAVING)]
    pub write: Option<PathBuf>,
    /// Empty and use the file of -w, if it is a regular file of yours
    #[arg(long, requires = "write", conflicts_with_all = ["max_size", "span"], help_heading = SAVING)]
    pub force: bool,
    /// Format of -w, where its name does not tell it
    #[arg(long, value_enum, requires = "write", value_name = "FORMAT", help_heading = SAVING)]
    pub format: Option<FormatChoice>,
    /// Begin another file before one gets larger: 10 is 10,000,000 bytes, also 500k, 2G
    #[arg(short = 'C', value_name = "SIZE", value_parser = size, requires = "write", help_heading = SAVING)]
    pub max_size: Option<u64>,
    /// Begin another file after this time; the name of -w may have %Y%m%d-%H%M%S
    #[arg(short = 'G', value_name = "TIME", value_parser = span, requires = "write", help_heading = SAVING)]
    pub span: Option<Duration>,
    /// With -C keep the newest N files; with -G alone stop after N
    #[arg(short = 'W', value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "rotated", help_heading = SAVING)]
    pub files: Option<u32>,
    /// Write out each packet at once, to the file or as text
    #[arg(short = 'U', alias = "packet-buffered", help_heading = SAVING)]
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
    /// What will be created. Loads what names need, so it comes before the drop.
    /// `precision`: of the times in a pcap file, if one was asked for.
    pub fn series(&self, precision: Option<Precision>) -> Result<Option<Series>, Error> {
        let Some(path) = &self.write else {
            return Ok(None);
        };
        let mut target = Target::from_path(path);
        target.force = self.force;
        target.unbuffered = self.unbuffered;
        target.nanos = precision.map(|precision| precision == Precision::Nano);
        match self.format {
            Some(FormatChoice::Pcap) => target.format = Format::Pcap,
            Some(FormatChoice::Pcapng) => target.format = Format::Pcapng,
            None => {}
        }
        let rotation = Rotation {
            bytes: self.max_size,
            span: self.span,
            files: self.files,
        };
        Series::new(target, rotation).map(Some)
    }
}

/// `-C`: a bare number is millions of bytes, as in tcpdump.
fn size(text: &str) -> Result<u64, String> {
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        return Ok(parse::number(text, 1, 1_000_000)?.saturating_mul(1_000_000));
    }
    bytes(text)
}

/// Bytes: `1000`, `500k`, `10M`, `2G`, in powers of 1000.
pub fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (text.get(..at), 1000),
        Some((at, 'm' | 'M')) => (text.get(..at), 1_000_000),
        Some((at, 'g' | 'G')) => (text.get(..at), 1_000_000_000),
        _ => (Some(text), 1),
    };
    let number = parse::number(number.unwrap_or(""), 1, 1_000_000_000_000)?;
    Ok(number.saturating_mul(unit))
}

/// `-G`: not zero.
fn span(text: &str) -> Result<Duration, String> {
    match parse::duration(text)? {
        Duration::ZERO => Err("a file must cover some time".into()),
        span => Ok(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_tcpdump_counts_them() {
        assert_eq!(size("1"), Ok(1_000_000));
        assert_eq!(size("500k"), Ok(500_000));
        assert_eq!(size("2G"), Ok(2_000_000_000));
        for bad in ["", "k", "0", "0k", "1x", "-1", "1.5"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert!(span("0").is_err() && span("10m").is_ok());
    }
}
