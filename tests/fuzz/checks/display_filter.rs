//! Display filters of any text over frames of any bytes: a fault lies inside the text and is shown
//! without a control character; what compiles obeys the laws of `not`, `and` and `xor`.

use std::cell::RefCell;

use rawsock::decode::{Decoder, Packet};
use rawsock::display::{Seen, Where};

use super::frame::{self, LINKS};

thread_local! {
    static KIT: RefCell<(Decoder, Packet)> = RefCell::new((Decoder::new(), Packet::new()));
}

/// A byte with the length of the text, the text, and a frame.
pub fn check(data: &[u8]) {
    let Some((len, rest)) = data.split_first() else {
        return;
    };
    let (text, rest) = rest.split_at(rest.len().min(usize::from(*len)));
    let text = String::from_utf8_lossy(text);
    KIT.with_borrow_mut(|(decoder, packet)| {
        let filter = match Where::compile(&text, decoder) {
            Ok(filter) => filter,
            Err(fault) => {
                assert!(fault.at.start <= fault.at.end && fault.at.end <= text.len());
                let shown = fault.caret(&text);
                assert!(
                    !shown.chars().any(|c| c.is_control() && c != '\n'),
                    "{shown:?}"
                );
                return;
            }
        };
        let Some(frame) = frame::frame(rest, LINKS) else {
            return;
        };
        decoder.decode(&frame, packet);
        let seen = Seen::new(&frame, packet);
        let matches = filter.matches(&seen);
        for (other, expected) in [
            (format!("not ({text})"), !matches),
            (format!("({text}) and ({text})"), matches),
            (format!("({text}) xor ({text})"), false),
        ] {
            // Only the nesting may be too deep now.
            if let Ok(filter) = Where::compile(&other, decoder) {
                assert_eq!(filter.matches(&seen), expected, "{other}");
            }
        }
    });
}
