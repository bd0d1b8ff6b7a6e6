//! `-D`: the interfaces, as tcpdump lists them, or as JSON.

use std::fmt::Write as _;

use pnet::datalink::{self, NetworkInterface};
use serde_json::json;

use crate::error::Error;
use crate::view::escape::escape;

/// Prints number, name, state and addresses of each interface.
pub fn run(as_json: bool) -> Result<u8, Error> {
    let all = datalink::interfaces();
    let text = if as_json {
        all.iter().fold(String::new(), |mut text, one| {
            let _ = writeln!(text, "{}", object(one));
            text
        })
    } else {
        lines(&all)
    };
    super::print(text.as_bytes())?;
    Ok(0)
}

fn lines(all: &[NetworkInterface]) -> String {
    let mut text = String::new();
    for one in all {
        let mut words: Vec<String> = states(one).into_iter().map(str::to_owned).collect();
        words.extend(one.ips.iter().map(ToString::to_string));
        let words = words.join(", ");
        let _ = writeln!(text, "{}.{} [{words}]", one.index, escape(&one.name));
    }
    text.push_str("any (all of them)\n");
    text
}

fn object(one: &NetworkInterface) -> serde_json::Value {
    json!({
        "type": "interface",
        "index": one.index,
        "name": one.name,
        "mac": one.mac.map(|mac| mac.to_string()),
        "state": states(one),
        "addresses": one.ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn states(one: &NetworkInterface) -> Vec<&'static str> {
    let all = [
        (one.is_up(), "up"),
        (one.is_running(), "running"),
        (one.is_loopback(), "loopback"),
    ];
    all.into_iter()
        .filter_map(|(holds, word)| holds.then_some(word))
        .collect()
}
