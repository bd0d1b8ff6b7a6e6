//! `rawsock sniff -D`: the interfaces, as tcpdump lists them.

use std::fmt::Write as _;

use pnet::datalink;

use crate::error::Error;
use crate::view::escape::escape;

/// Prints number, name, state and addresses of each interface.
pub fn run() -> Result<u8, Error> {
    let mut text = String::new();
    for one in datalink::interfaces() {
        let mut words = Vec::new();
        for (holds, word) in [
            (one.is_up(), "up"),
            (one.is_running(), "running"),
            (one.is_loopback(), "loopback"),
        ] {
            if holds {
                words.push(word.to_owned());
            }
        }
        words.extend(one.ips.iter().map(ToString::to_string));
        let _ = writeln!(
            text,
            "{}.{} [{}]",
            one.index,
            escape(&one.name),
            words.join(", ")
        );
    }
    text.push_str("any (all of them)\n");
    crate::cli::print(text.as_bytes())?;
    Ok(0)
}
