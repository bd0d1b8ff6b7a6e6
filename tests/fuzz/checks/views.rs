//! No view lets a control character through, and the JSON parses.

use std::cell::RefCell;

use rawsock::decode::{Decoder, Packet};
use rawsock::view::{line, packet_json, tree};

use super::frame::{self, LINKS};

thread_local! {
    static KIT: RefCell<(Decoder, Packet, String)> =
        RefCell::new((Decoder::new(), Packet::new(), String::new()));
}

/// Line, tree and JSON of a frame.
pub fn check(data: &[u8]) {
    let Some(frame) = frame::frame(data, LINKS) else {
        return;
    };
    KIT.with_borrow_mut(|(decoder, packet, out)| {
        decoder.decode(&frame, packet);
        out.clear();
        let style = line::Style {
            time: true,
            link: true,
            quiet: false,
        };
        line::render_line(&frame, packet, style, out);
        assert!(!out.chars().any(char::is_control), "{out:?}");
        out.clear();
        let style = tree::Style {
            keys: true,
            ranges: true,
        };
        tree::render_tree(&frame, packet, style, out);
        assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
        out.clear();
        packet_json::render_json(&packet_json::About::default(), &frame, packet, out);
        assert!(!out.chars().any(char::is_control), "{out:?}");
        let parsed: serde_json::Value = serde_json::from_str(out).expect("JSON");
        let layers = parsed["layers"].as_array().expect("an array of layers");
        assert_eq!(layers.len(), packet.layers().len());
    });
}
