//! Options of tcpdump that `sniff`, `read` and `filter` do not have: each is refused by its name,
//! with what to use instead. No letter of tcpdump means anything else here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Error;

/// An option, what it does in tcpdump, and what to do here.
pub type Refused = (&'static str, &'static str, &'static str);

/// Every option of tcpdump(1) that is not here.
pub const REFUSED: &[Refused] = &[
    (
        "-b",
        "BGP's AS numbers with dots",
        "BGP is not decoded: leave it out",
    ),
    (
        "-E",
        "decryption of ESP",
        "keys on a command line are seen by all: decrypt before",
    ),
    (
        "-f",
        "foreign addresses as numbers",
        "all addresses are numbers: leave it out",
    ),
    (
        "-H",
        "802.11s mesh headers",
        "802.11 is not decoded: leave it out",
    ),
    (
        "-I",
        "monitor mode of Wi-Fi",
        "802.11 is not decoded: `iw dev wlan0 set type monitor`",
    ),
    (
        "-L",
        "a list of link types",
        "an interface has one here: `rawsock sniff -i eth0 -d`",
    ),
    (
        "-M",
        "the secret of TCP-MD5 digests",
        "digests are not verified: leave it out",
    ),
    (
        "-N",
        "host names without domain",
        "all addresses are numbers: leave it out",
    ),
    (
        "-O",
        "the filter's compiler without optimiser",
        "the optimiser is always on: leave it out",
    ),
    (
        "-T",
        "packets as another protocol",
        "protocols go by their numbers: leave it out",
    ),
    (
        "-u",
        "undecoded NFS handles",
        "NFS is not decoded: leave it out",
    ),
    (
        "-V",
        "a file with the names of files",
        "rawsock read -r A -r B",
    ),
    (
        "-y",
        "the link type",
        "an interface has one here; `rawsock filter -y raw icmp`",
    ),
    (
        "-z",
        "a command for each finished file",
        "no option runs a program: watch the directory",
    ),
    (
        "-Z",
        "the user to become",
        "with sudo it becomes the user who called it: leave it out",
    ),
    (
        "--immediate-mode",
        "packets without delay",
        "they come within 10 ms; rawsock sniff --no-ring",
    ),
    (
        "--skip",
        "the number of packets to skip",
        "rawsock read FILE --where 'frame.number > 10'",
    ),
    (
        "--lengths",
        "lengths of packets in the line",
        "rawsock read FILE --fields frame.len",
    ),
    (
        "--print-sampling",
        "one of N packets as text",
        "rawsock sniff -w FILE",
    ),
];

/// Long names of some of them.
const LONG: &[(&str, &str)] = &[
    ("--linktype", "-y"),
    ("--list-data-link-types", "-L"),
    ("--monitor-mode", "-I"),
    ("--no-optimize", "-O"),
    ("--relinquish-privileges", "-Z"),
];

/// The refusal of an option of tcpdump, where that is why clap did not like a command line.
pub fn refusal(words: &[OsString], told: &clap::Error) -> Option<Error> {
    let command = words.get(1)?.to_str()?;
    if !["sniff", "read", "filter"].contains(&command) {
        return None;
    }
    let context = (told.kind(), told.get(ContextKind::InvalidArg));
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(option))) = context else {
        return None;
    };
    let short = LONG.iter().find(|(long, _)| long == option);
    let name = short.map_or(&**option, |(_, short)| short);
    let (_, does, instead) = REFUSED.iter().find(|(refused, ..)| *refused == name)?;
    Some(Error::Usage {
        message: format!("{option} of tcpdump is not here ({does})"),
        fix: Some((*instead).to_owned()),
    })
}
