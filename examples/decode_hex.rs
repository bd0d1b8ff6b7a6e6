//! Decodes bytes that are typed or pasted: `decode_hex 45 00 00 1c ...`, or `ethernet:` before them
//! where a frame begins. Shows the tree and the same packet as JSON.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use rawsock::decode::{Decoder, Direction, Flags, Frame, LinkType, Packet};
use rawsock::event::{Stamp, Timestamp};
use rawsock::view::packet_json::{About, render_json};
use rawsock::view::tree::{Style, render_tree};

/// `45 00`, `4500` and `45:00` are the same.
fn bytes(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits: Vec<char> = text.chars().filter(|c| !" :\n\t".contains(*c)).collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| match pair.len() {
            2 => Ok(u8::from_str_radix(&pair, 16)?),
            _ => Err("an odd number of digits".into()),
        })
        .collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let text = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let (link, digits) = match text.split_once("ethernet:") {
        Some((_, digits)) => (LinkType::Ethernet, digits),
        None => (LinkType::Raw, &*text), // IPv4 or IPv6, as its version says
    };
    let bytes = bytes(digits)?;
    let frame = Frame {
        at: Timestamp(0),
        stamp: Stamp::User,
        iface: 0,
        link,
        dir: Direction::Unknown,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len())?,
        bytes: &bytes,
    };
    let mut packet = Packet::new();
    Decoder::new().decode(&frame, &mut packet);

    let mut out = String::new();
    let style = Style {
        keys: true,
        ranges: true,
    };
    render_tree(&frame, &packet, style, &mut out);
    render_json(&About::default(), &frame, &packet, &mut out);
    println!("{out}");
    Ok(())
}
