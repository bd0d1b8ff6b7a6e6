//! Options for what is captured, and how.

use std::path::PathBuf;

use clap::ArgAction;

use super::stamps::StampKind;
use crate::capture::MAX_PACKET;
use crate::capture::live::Device;
use crate::cli::parse;
use crate::cli::wanted::Wanted;
use crate::error::Error;

const CAPTURING: &str = "Capturing";

/// What is shown without a filter: what raw sockets are for. `icmp6` includes MLD.
const USUAL: &str = "icmp or igmp or icmp6";

/// What is captured, and how. The letters are tcpdump's.
#[expect(
    clippy::struct_excessive_bools,
    reason = "every flag of tcpdump is one bool of the command line"
)]
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CaptureArgs {
    /// Interface, by name or number; may be repeated [default: any]
    #[arg(short = 'i', long = "interface", value_name = "NAME", help_heading = CAPTURING)]
    pub interface: Vec<String>,
    /// List the interfaces
    #[arg(short = 'D', long = "list", alias = "list-interfaces", help_heading = CAPTURING)]
    pub list: bool,
    /// Read the filter from a file
    #[arg(short = 'F', value_name = "FILE", help_heading = CAPTURING, conflicts_with = "filter")]
    pub filter_file: Option<PathBuf>,
    /// Print the filter's program and end; -dd as C, -ddd as numbers
    #[arg(short = 'd', action = ArgAction::Count, help_heading = CAPTURING)]
    pub dump: u8,
    /// By which sockets: raw ones see received ICMP, IGMP and ICMPv6 only, without a link layer
    #[arg(long, value_enum, value_name = "KIND", default_value_t, help_heading = CAPTURING)]
    pub socket: Sockets,
    /// List the types of time stamps
    #[arg(short = 'J', long = "list-time-stamp-types", help_heading = CAPTURING)]
    pub list_stamps: bool,
    /// Whose time stamps: the kernel's or the card's
    #[arg(short = 'j', long = "time-stamp-type", value_enum, value_name = "TYPE", default_value_t, help_heading = CAPTURING)]
    pub stamps: StampKind,
    /// Only received or only sent packets
    #[arg(short = 'Q', alias = "direction", value_enum, value_name = "DIRECTION", default_value_t, help_heading = CAPTURING)]
    pub direction: Way,
    /// Not promiscuous: only what is for this host
    #[arg(short = 'p', alias = "no-promiscuous-mode", help_heading = CAPTURING)]
    pub not_promiscuous: bool,
    /// Most bytes of a packet to keep
    #[arg(short = 's', alias = "snapshot-length", value_name = "BYTES", default_value_t = MAX_PACKET, hide_default_value = true,
        value_parser = snaplen, help_heading = CAPTURING)]
    pub snaplen: u32,
    /// Size of each capture buffer in KiB
    #[arg(short = 'B', alias = "buffer-size", value_name = "KIB", default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(512..=1_048_576), help_heading = CAPTURING)]
    pub buffer: u32,
    /// Get packets one by one with recvmsg(2), not from the memory-mapped ring
    #[arg(long, help_heading = CAPTURING)]
    pub no_ring: bool,
    /// The filter means exactly what it means in libpcap
    #[arg(long, help_heading = CAPTURING)]
    pub pcap_compat: bool,
}

/// What packets are captured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sockets {
    /// Packet sockets: every frame
    #[default]
    Packet,
    /// Raw sockets of ICMP, IGMP and ICMPv6
    Raw,
}

/// Which way packets go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// Received
    In,
    /// Sent
    Out,
    /// Both
    #[default]
    Inout,
}

/// `-s`: 0 is all, as in tcpdump.
fn snaplen(text: &str) -> Result<u32, String> {
    let number = parse::number(text, 0, u64::from(MAX_PACKET))?;
    let number = u32::try_from(number).map_err(|error| error.to_string())?;
    Ok(if number == 0 { MAX_PACKET } else { number })
}

impl CaptureArgs {
    /// The filter in words, and whether it is the one for those who give none.
    pub fn expression(&self, words: &[String]) -> Result<(String, bool), Error> {
        let words = words.join(" ");
        let (text, usual) = match (&self.filter_file, &*words) {
            (Some(path), _) => (Wanted::text_of(path)?, false),
            (None, "") => (USUAL.to_owned(), true),
            (None, "all") => (String::new(), false),
            (None, _) => (words, false),
        };
        let way = match self.direction {
            Way::In => "inbound",
            Way::Out => "outbound",
            Way::Inout => return Ok((text, usual)),
        };
        if text.is_empty() {
            return Ok((way.to_owned(), usual));
        }
        // What is wrong in it is shown as it was typed.
        Wanted::parse(&text, self.pcap_compat)?;
        Ok((format!("({text}) and {way}"), usual))
    }

    /// The devices to open.
    pub fn devices(&self) -> Result<Vec<Device>, Error> {
        if self.interface.is_empty() {
            return Ok(vec![Device::any()]);
        }
        self.interface
            .iter()
            .map(|name| Device::find(name))
            .collect()
    }
}
