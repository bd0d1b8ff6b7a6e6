//! A protocol of your own in the field tree: it then shows in every view, and its keys work in
//! conditions. Here a thermometer that sends two bytes in UDP to port 7777.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::fmt::Write as _;

use rawsock::decode::{
    Claim, Cx, Decoder, Direction, Flags, Frame, Layer, LinkType, Next, Packet, Proto, Show, Spec,
    Value,
};
use rawsock::event::{Stamp, Timestamp};
use rawsock::view::line::{Style, render_line};
use rawsock::view::tree::{self, render_tree};

static CELSIUS: Spec = Spec {
    key: "thermo.celsius",
    label: "Temperature",
    explain: "Degrees Celsius; the room is the sender's.",
    rfc: "our own",
    show: Show::Unit("degrees"),
};

static THERMO: Proto = Proto {
    key: "thermo",
    name: "Thermometer",
    rfc: "our own",
    claims: &[Claim::UdpPort(7777)],
    specs: &[&[&CELSIUS]],
    samples: &[],
    decode,
    summary,
};

/// Reads what is there; a message that is cut short, or cold as space, becomes a problem.
fn decode(cx: &mut Cx<'_>) -> Next {
    cx.set_header(2);
    if !cx.need(2) {
        return Next::Done;
    }
    let celsius = cx.u16(0).map_or(0, u16::cast_signed);
    cx.add(&CELSIUS, 0, 2, Value::Int(celsius.into()));
    if celsius < -273 {
        let text = format!("{celsius} degrees are below absolute zero");
        cx.rule(0, 2, "thermo.impossible", "our own", text);
    }
    Next::data(2..cx.len())
}

fn summary(packet: &Packet, layer: &Layer, out: &mut String) {
    if let Some(Value::Int(celsius)) = packet.field(layer, &CELSIUS).map(|field| field.value) {
        let _ = write!(out, "thermometer {celsius} C");
    }
}

fn main() {
    let decoder = Decoder::new().with(&THERMO);
    let bytes = [
        0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0xf6, 0xcb, 192, 0, 2, 1, 192, 0, 2, 2, // IPv4
        0x04, 0, 0x1e, 0x61, 0, 10, 0, 0, // UDP from 1024 to 7777, without a checksum
        0xff, 0xf9, // -7
    ];
    let frame = Frame {
        at: Timestamp(0),
        stamp: Stamp::User,
        iface: 0,
        link: LinkType::Raw,
        dir: Direction::Unknown,
        flags: Flags::default(),
        wire_len: 30,
        bytes: &bytes,
    };
    let (mut packet, mut out) = (Packet::new(), String::new());
    decoder.decode(&frame, &mut packet);
    render_line(&frame, &packet, Style::default(), &mut out);
    out.push('\n');
    render_tree(&frame, &packet, tree::Style::default(), &mut out);
    println!("{out}");
}
