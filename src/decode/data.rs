//! Bytes that no protocol claims.

use super::spec::specs;
use super::{Cx, Layer, Next, Packet, Proto, Sample, Show};

specs! {
    DATA = "data.data", "Data", Show::Plain, "RFC 792",
        "Payload bytes that no decoder claims: what the sender put in.";
    LEN = "data.len", "Length", Show::Unit("bytes"), "RFC 792",
        "How many of these bytes were captured.";
}

/// The protocol of last resort.
pub static PROTO: Proto = Proto {
    key: "data",
    name: "Data",
    rfc: "RFC 792",
    claims: &[],
    specs: &[SPECS],
    samples: &[Sample {
        name: "",
        bytes: &[0x68, 0x65, 0x6c, 0x6c, 0x6f],
    }],
    decode,
    summary,
};

fn decode(cx: &mut Cx<'_>) -> Next {
    cx.set_header(cx.have());
    cx.raw(&DATA, 0, cx.have());
    cx.uint(&LEN, 0, 0, cx.have());
    if cx.have() < cx.len() {
        let _ = cx.need(cx.len());
    }
    Next::Done
}

fn summary(_: &Packet, _: &Layer, _: &mut String) {}
