//! The kinds of value that only ping's options take, each with its parser. No option is known here.

use std::path::PathBuf;

use crate::cli::parse;
use crate::craft::TooLong;
use crate::craft::ipv4_options::{Options, TimeStamps};
use crate::ping::Sizes;

/// `--socket`: how probes leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SocketChoice {
    /// hdrincl where the rights allow, else dgram
    #[default]
    Auto,
    /// raw socket, IP header built by hand
    Hdrincl,
    /// raw socket, IP header built by the kernel
    Raw,
    /// unprivileged ICMP datagram socket
    Dgram,
}

/// `-M`: what happens to a packet that is larger than the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MtuDiscovery {
    /// set DF, never fragment
    Do,
    /// set DF, fragment here what is too large
    Want,
    /// clear DF
    Dont,
    /// set DF, ignore what the kernel knows of the path
    Probe,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// on a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// always
    Always,
    /// never
    Never,
}

/// `-T`: the timestamp option of RFC 791.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpTimestamp {
    /// Times only.
    TsOnly,
    /// Times, each with the address that wrote it.
    TsAndAddr,
}

/// One `--ip-option`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpOption {
    /// Record route (RFC 791 3.1), nine slots.
    RecordRoute,
    /// Timestamps with addresses (RFC 791 3.1).
    Timestamp,
    /// Router alert (RFC 2113).
    RouterAlert,
    /// One byte of no operation.
    Nop,
    /// Bytes as given.
    Bytes(Vec<u8>),
}

impl IpOption {
    /// Appends the option to a header's list.
    pub fn append(&self, options: &mut Options) -> Result<(), TooLong> {
        match self {
            Self::RecordRoute => options.record_route(),
            Self::Timestamp => options.time_stamps(TimeStamps::AndAddress),
            Self::RouterAlert => options.router_alert(0),
            Self::Nop => options.nop(),
            Self::Bytes(bytes) => options.raw(bytes),
        }
    }
}

impl IpTimestamp {
    /// Appends the option to a header's list.
    pub fn append(self, options: &mut Options) -> Result<(), TooLong> {
        options.time_stamps(match self {
            Self::TsOnly => TimeStamps::Only,
            Self::TsAndAddr => TimeStamps::AndAddress,
        })
    }
}

/// Raw bytes; a type of its own, for clap takes a bare `Vec` as an option that may be repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// `--data`: where the payload comes from. A file is read by the shell, before the rights go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The content of a file.
    File(PathBuf),
}

/// `--sweep`: payload sizes in bytes, one after the other, then from the start again.
pub fn sweep(text: &str) -> Result<Sizes, String> {
    let (min, max, step) = parse::range(text, 1)?;
    if min > max || step == 0 {
        return Err("MIN is at most MAX, STEP at least 1".into());
    }
    Ok(Sizes::Sweep { min, max, step })
}

/// `TEXT`, `@FILE` or `hex:FF00`.
pub fn data(text: &str) -> Result<Data, String> {
    if let Some(hex) = text.strip_prefix("hex:") {
        return parse::hex(hex).map(Data::Bytes);
    }
    match text.strip_prefix('@') {
        Some("") => Err("a file name is missing after `@`".into()),
        Some(path) => Ok(Data::File(path.into())),
        None => Ok(Data::Bytes(text.as_bytes().to_vec())),
    }
}

/// `-p`: 1 to 16 bytes in hexadecimal; a lone last digit is a byte, as in iputils.
pub fn pattern(text: &str) -> Result<Bytes, String> {
    let split = text.len() - text.len() % 2;
    let bytes = match (text.get(..split), text.get(split..)) {
        (Some(pairs), Some(last)) if !last.is_empty() => parse::hex(&format!("{pairs}0{last}")),
        _ => parse::hex(text),
    }?;
    if !(1..=16).contains(&bytes.len()) {
        return Err("write 1 to 16 bytes as hexadecimal digits: `ff00`".into());
    }
    Ok(Bytes(bytes))
}

/// `-T`.
pub fn ip_timestamp(text: &str) -> Result<IpTimestamp, String> {
    match text {
        "tsonly" => Ok(IpTimestamp::TsOnly),
        "tsandaddr" => Ok(IpTimestamp::TsAndAddr),
        "tsprespec" => Err(
            "tsprespec needs a list of hops, and rawsock takes one HOST only; \
             write `tsandaddr`, or the whole option with `--ip-option HEX`"
                .into(),
        ),
        _ => Err("write tsonly or tsandaddr".into()),
    }
}

/// `--ip-option`.
pub fn ip_option(text: &str) -> Result<IpOption, String> {
    Ok(match text {
        "rr" => IpOption::RecordRoute,
        "ts" => IpOption::Timestamp,
        "ra" => IpOption::RouterAlert,
        "nop" => IpOption::Nop,
        _ => match parse::hex(text) {
            Ok(bytes) if (1..=40).contains(&bytes.len()) => IpOption::Bytes(bytes),
            Ok(_) => return Err("an IPv4 header has room for 1 to 40 bytes of options".into()),
            Err(_) => return Err("write rr, ts, ra, nop or hexadecimal digits".into()),
        },
    })
}

/// Options of an IPv6 extension header (RFC 8200 4.2): `ra` or hexadecimal, padding is added.
pub fn ipv6_options(text: &str) -> Result<Bytes, String> {
    if text == "ra" {
        return Ok(Bytes(vec![5, 2, 0, 0])); // router alert, RFC 2711
    }
    match parse::hex(text) {
        Ok(bytes) if bytes.len() <= 2046 => Ok(Bytes(bytes)),
        Ok(_) => Err("an extension header has room for 2046 bytes of options".into()),
        Err(_) => Err("write ra or the options as hexadecimal digits".into()),
    }
}

/// `--dscp`: 0 to 63 or a name of the IANA registry (RFC 2474, 2597, 3246, 5865, 8622).
pub fn dscp(text: &str) -> Result<u8, String> {
    let text = text.to_ascii_lowercase();
    if let Some((_, value)) = DSCP.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let value = parse::number(&text, 0, 63);
    value
        .map(|n| u8::try_from(n).unwrap_or(0))
        .map_err(|_| "write 0 to 63, or a name such as ef, af11, cs1, le".into())
}

const DSCP: [(&str, u8); 23] = [
    ("cs0", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("va", 44),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// `--ecn`: 0 to 3 or the names of RFC 3168.
pub fn ecn(text: &str) -> Result<u8, String> {
    match text.to_ascii_lowercase().as_str() {
        "0" | "not-ect" => Ok(0),
        "1" | "ect1" => Ok(1),
        "2" | "ect0" => Ok(2),
        "3" | "ce" => Ok(3),
        _ => Err("write not-ect, ect0, ect1, ce or 0 to 3".into()),
    }
}

/// A flag of the header: `0` or `1`.
pub fn bit(text: &str) -> Result<bool, String> {
    parse::number(text, 0, 1).map(|n| n == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_sources() {
        assert_eq!(data("hi"), Ok(Data::Bytes(b"hi".to_vec())));
        assert_eq!(data(""), Ok(Data::Bytes(vec![])));
        assert_eq!(data("hex:00ff"), Ok(Data::Bytes(vec![0, 255])));
        assert_eq!(data("@a b"), Ok(Data::File("a b".into())));
        assert!(data("@").is_err());
        assert!(data("hex:0").is_err());
    }

    #[test]
    fn patterns_as_in_iputils() {
        assert_eq!(pattern("ff00"), Ok(Bytes(vec![255, 0])));
        assert_eq!(pattern("a"), Ok(Bytes(vec![10])));
        assert_eq!(pattern("ffa"), Ok(Bytes(vec![255, 10])));
        for wrong in ["", "zz", "é", "ff0é", &"00".repeat(17)] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_of_the_traffic_class() {
        assert_eq!(dscp("EF"), Ok(46));
        assert_eq!(dscp("af41"), Ok(34));
        assert_eq!(dscp("63"), Ok(63));
        assert!(dscp("64").is_err());
        assert_eq!(ecn("ce"), Ok(3));
        assert!(ecn("4").is_err());
    }

    #[test]
    fn sweeps_go_up() {
        assert_eq!(
            sweep("8:64:8"),
            Ok(Sizes::Sweep {
                min: 8,
                max: 64,
                step: 8
            })
        );
        assert!(sweep("64:8").is_err());
        assert!(sweep("8:64:0").is_err());
    }

    #[test]
    fn options_have_room() {
        assert_eq!(ip_option("ra"), Ok(IpOption::RouterAlert));
        assert!(ip_option("lsrr").is_err());
        assert!(ip_option(&"01".repeat(41)).is_err());
        assert!(ip_timestamp("tsprespec").is_err());
        assert_eq!(ipv6_options("ra"), Ok(Bytes(vec![5, 2, 0, 0])));
    }
}
