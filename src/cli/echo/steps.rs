//! The numbered steps of `--steps`: the tutorial's two lists for datagrams, and the same for
//! connections.

use crate::net::echo::{Kind, Side};

/// A step: what brings it about (a method, or a word of `net::echo`), and what it is.
type Step = (&'static str, &'static str);

const DATAGRAM_SERVER: [Step; 6] = [
    ("socket", "create the socket"),
    ("bind", "bind it to the server's address"),
    ("loop", "enter the loop"),
    (
        "recvfrom",
        "receive a message, and the address it came from",
    ),
    ("print", "print what came and from whom"),
    ("close", "close the socket"),
];

const DATAGRAM_CLIENT: [Step; 6] = [
    ("socket", "create the socket"),
    ("address", "set the server's address"),
    ("loop", "enter the loop"),
    ("input", "take a message from the user"),
    ("sendto", "send it, and receive the answer"),
    ("close", "close the socket: nothing more is sent"),
];

const STREAM_SERVER: [Step; 7] = [
    ("socket", "create the socket"),
    ("bind", "bind it to the server's address"),
    ("listen", "listen: the kernel makes connections from now on"),
    ("accept", "accept a client: a new socket for it alone"),
    ("recv", "receive what the client sent, and print it"),
    ("send", "send the answer"),
    ("close", "close the socket"),
];

const STREAM_CLIENT: [Step; 6] = [
    ("socket", "create the socket"),
    ("connect", "connect: the three-way handshake"),
    ("input", "take a message from the user"),
    ("send", "send it"),
    ("recv", "receive the answer, and print it"),
    ("close", "close the socket"),
];

/// Number, count and text of the step that a method or word is; `None` if it is none.
pub fn step(side: Side, kind: Kind, key: &str) -> Option<(usize, usize, &'static str)> {
    let steps: &[Step] = match (side, kind.is_connected()) {
        (Side::Server, false) => &DATAGRAM_SERVER,
        (Side::Client, false) => &DATAGRAM_CLIENT,
        (Side::Server, true) => &STREAM_SERVER,
        (Side::Client, true) => &STREAM_CLIENT,
    };
    let key = match (kind.is_connected(), side, key) {
        // A connected datagram socket may use the methods of streams.
        (false, Side::Client, "send") => "sendto",
        (true, _, "sendall") => "send",
        (_, _, "connect_ex") => "connect",
        (_, _, key) => key,
    };
    let at = steps.iter().position(|(name, _)| *name == key)?;
    let (_, text) = steps.get(at)?;
    Some((at + 1, steps.len(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_datagram_lists_have_six_steps_each() {
        let step = |side, key| step(side, Kind::Udp, key).map(|(at, of, _)| (at, of));
        assert_eq!(step(Side::Server, "recvfrom"), Some((4, 6)));
        assert_eq!(step(Side::Client, "send"), Some((5, 6)));
        assert_eq!(step(Side::Client, "accept"), None);
    }
}
