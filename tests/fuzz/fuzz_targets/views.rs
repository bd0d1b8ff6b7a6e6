//! No view lets a control character through, and the JSON parses.
#![no_main]

mod frame;

use rawsock::view::{line, packet_json, tree};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(frame) = frame::frame(data) else {
        return;
    };
    let mut packet = rawsock::decode::Packet::new();
    rawsock::decode::Decoder::new().decode(&frame, &mut packet);
    let mut out = String::new();
    line::render_line(
        &frame,
        &packet,
        line::Style {
            time: true,
            link: true,
        },
        &mut out,
    );
    tree::render_tree(
        &frame,
        &packet,
        tree::Style {
            keys: true,
            ranges: true,
        },
        &mut out,
    );
    assert!(!out.chars().any(|c| c.is_control() && c != '\n'));
    out.clear();
    packet_json::render_json(&packet_json::About::default(), &frame, &packet, &mut out);
    serde_json::from_str::<serde_json::Value>(&out).expect("JSON");
});
