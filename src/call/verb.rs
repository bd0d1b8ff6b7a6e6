//! The verbs: one table, from which the parser, the help and the completion of words come.

/// What a verb is used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Nothing: it makes something.
    Nothing,
    /// A socket.
    Socket,
    /// A file made by `makefile`.
    File,
    /// Either.
    Either,
}

/// What one argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Family, type and protocol of a new socket, all optional.
    Kind,
    /// An address: `127.0.0.1:9000`, `:9000`, `[::1]:9000`, `/path`, `@abstract`, `('::1', 9000)`.
    Address,
    /// Bytes: `'text'`, `0x00ff`, `@20M` (that many `x`), or a variable.
    Data,
    /// `sendto`'s: an address and bytes in either order.
    AddressAndData,
    /// How many bytes to ask for, by default 1024.
    Size,
    /// A number, may be left out.
    Number,
    /// Any of `peek waitall dontwait trunc oob more nosignal`.
    Flags,
    /// `rd`, `wr` or `rdwr`.
    How,
    /// Seconds, or `none`.
    Seconds,
    /// `on` or `off`.
    Switch,
    /// The name of a socket option.
    Option,
    /// An option's value.
    Value,
    /// One field of the table; all without it.
    Field,
}

/// What the runner has to do.
#[expect(missing_docs, reason = "each is a row of VERBS, with its words there")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Do {
    Socket,
    SocketPair,
    Bind,
    Listen,
    Accept,
    Connect,
    ConnectEx,
    Recv,
    Send,
    SendAll,
    RecvFrom,
    SendTo,
    Close,
    Shutdown,
    PeerName,
    SockName,
    SetTimeout,
    GetTimeout,
    FileNo,
    Ls,
    SetBlocking,
    GetBlocking,
    MakeFile,
    ReadLine,
    Read,
    Write,
    Flush,
    SetOption,
    GetOption,
    Options,
    TcpInfo,
    State,
}

/// One row.
#[derive(Debug)]
pub struct Verb {
    /// What it does.
    pub does: Do,
    /// Its name, as in Python where Python has it.
    pub name: &'static str,
    /// Other names for it.
    pub also: &'static [&'static str],
    /// What it is used on.
    pub on: On,
    /// Its arguments.
    pub takes: &'static [Take],
    /// How many of them must be there.
    pub needs: usize,
    /// The call may wait: it gets a bound.
    pub waits: bool,
    /// One line of help: usage, then what it gives.
    pub usage: &'static str,
    /// The words behind it.
    pub help: &'static str,
}

/// A row, its fields in the order of [`Verb`].
macro_rules! verb {
    ($does:ident $name:literal $([$($also:literal),*])? $on:ident $takes:tt $needs:literal $waits:literal
     $usage:literal $help:literal) => {
        Verb {
            does: Do::$does,
            name: $name,
            also: &[$($($also),*)?],
            on: On::$on,
            takes: verb!(@ $takes),
            needs: $needs,
            waits: $waits,
            usage: $usage,
            help: $help,
        }
    };
    (@ ($($take:ident)*)) => { &[$(Take::$take),*] };
}

/// Every verb, in the order of a socket's life.
#[rustfmt::skip]
pub static VERBS: &[Verb] = &[
    verb!(Socket "socket" Nothing (Kind) 0 false "s = socket [inet|inet6|unix] [stream|dgram|raw|seqpacket] [PROTO]"
        "a new socket; without words: inet stream; `tcp` and `udp` are short for types"),
    verb!(SocketPair "socketpair" Nothing (Kind) 0 false "a, b = socketpair [stream|dgram|seqpacket]"
        "two unix sockets that are connected with each other"),
    verb!(Bind "bind" Socket (Address) 1 false "s.bind ADDR" "gives the socket an address of its own"),
    verb!(Listen "listen" Socket (Number) 0 false "s.listen [BACKLOG]" "lets connections queue up, 5 by default"),
    verb!(Accept "accept" Socket () 0 true "c = s.accept   or   c, who = s.accept"
        "takes a finished connection out of the queue: a new socket"),
    verb!(Connect "connect" Socket (Address) 1 true "s.connect ADDR" "TCP: the handshake; UDP: only notes the peer"),
    verb!(ConnectEx "connect_ex" Socket (Address) 1 true "s.connect_ex ADDR" "the same; gives the errno as a number, 0 for success"),
    verb!(Recv "recv" Socket (Size Flags) 0 true "s.recv [SIZE] [peek|waitall|dontwait|trunc]"
        "waits for bytes, 1024 at most by default; '' means that the peer has closed"),
    verb!(Send "send" Socket (Data) 1 true "s.send 'text'" "gives how many bytes were taken, maybe fewer"),
    verb!(SendAll "sendall" Socket (Data) 1 true "s.sendall @20M" "send again and again until all is taken"),
    verb!(RecvFrom "recvfrom" Socket (Size Flags) 0 true "d, who = s.recvfrom [SIZE] [peek|waitall|dontwait|trunc]"
        "one datagram and who sent it"),
    verb!(SendTo "sendto" Socket (AddressAndData) 1 true "s.sendto ADDR 'text'" "one datagram to an address"),
    verb!(Shutdown "shutdown" Socket (How) 1 false "s.shutdown rd|wr|rdwr" "closes one direction; wr sends FIN"),
    verb!(Close "close" Either () 0 false "s.close" "the descriptor is gone; TCP says goodbye by FIN, or RST"),
    verb!(PeerName "getpeername" ["peer"] Socket () 0 false "s.peer" "the other end's address"),
    verb!(SockName "getsockname" ["name"] Socket () 0 false "s.name" "the own address; shows what port 0 became"),
    verb!(SetTimeout "settimeout" Socket (Seconds) 1 false "s.timeout 1.5|none" "how long its calls may wait"),
    verb!(GetTimeout "gettimeout" Socket () 0 false "s.timeout" "that limit, None if there is none"),
    verb!(FileNo "fileno" Socket () 0 false "s.fileno" "the descriptor's number"),
    verb!(Ls "ls" Socket () 0 false "s.ls" "what /proc says of it: the inode and its row in the kernel's table"),
    verb!(SetBlocking "setblocking" Socket (Switch) 1 false "s.blocking on|off" "off: calls never wait, they fail with EAGAIN"),
    verb!(GetBlocking "getblocking" Socket () 0 false "s.blocking" "on or off"),
    verb!(MakeFile "makefile" Socket () 0 false "f = s.makefile" "a buffered file over the socket"),
    verb!(ReadLine "readline" File () 0 true "f.readline" "up to and with the next line feed"),
    verb!(Read "read" File (Size) 1 true "f.read SIZE" "exactly that many bytes, fewer only at the end"),
    verb!(Write "write" File (Data) 1 false "f.write 'text'" "into the buffer; nothing is sent yet"),
    verb!(Flush "flush" File () 0 true "f.flush" "sends what was written"),
    verb!(SetOption "setsockopt" ["set"] Socket (Option Value) 2 false "s.set SO_RCVBUF 10000" "sets an option; shows what it reads back as"),
    verb!(GetOption "getsockopt" ["get"] Socket (Option) 1 false "s.get SO_ERROR" "an option's value"),
    verb!(Options "opts" Socket () 0 false "s.opts" "every option that this socket has"),
    verb!(TcpInfo "tcpinfo" Socket (Field) 0 false "s.tcpinfo [state|rtt|cwnd|retrans|..]" "what TCP knows of the connection"),
    verb!(State "state" Socket () 0 false "s.state" "the TCP state: CLOSED, LISTEN, ESTABLISHED, .."),
];

/// Words that stand for two verbs: which one, the number of arguments tells.
const BY_COUNT: &[(&str, Do, Do)] = &[
    ("timeout", Do::GetTimeout, Do::SetTimeout),
    ("blocking", Do::GetBlocking, Do::SetBlocking),
];

impl Verb {
    /// The row of a verb.
    pub fn of(does: Do) -> &'static Self {
        let found = VERBS.iter().find(|verb| verb.does == does);
        // A test sees that every verb has a row.
        found.unwrap_or(&VERBS[0])
    }

    /// The verb with this name, used with `args` arguments.
    pub fn find(word: &str, args: usize) -> Option<&'static Self> {
        for (both, none, some) in BY_COUNT {
            if *both == word {
                return Some(Self::of(if args == 0 { *none } else { *some }));
            }
        }
        VERBS
            .iter()
            .find(|verb| verb.name == word || verb.also.contains(&word))
    }

    /// Every word that names a verb, for completion.
    pub fn words() -> impl Iterator<Item = &'static str> {
        let names = VERBS
            .iter()
            .flat_map(|verb| std::iter::once(verb.name).chain(verb.also.iter().copied()));
        names.chain(BY_COUNT.iter().map(|(word, ..)| *word))
    }
}

/// The verb that is nearest to a word, if one is near: for "did you mean".
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    let limit = if word.len() < 5 { 1 } else { 2 };
    let ranked = Verb::words().map(|known| (distance(word, known), known));
    let near = ranked.filter(|(distance, _)| *distance <= limit).min();
    near.map(|(_, known)| known)
}

/// Edits from one word to the other (Levenshtein), with a swap of neighbours as one.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) =
        (from.chars().take(32).collect(), to.chars().collect());
    let width = to.len() + 1;
    let mut rows: Vec<usize> = vec![0; width * (from.len() + 1)];
    let at = |row: usize, column: usize| row * width + column;
    for row in 0..=from.len() {
        for column in 0..width {
            rows[at(row, column)] = match (row, column) {
                (0, edits) | (edits, 0) => edits,
                _ => {
                    let same = from[row - 1] == to[column - 1];
                    let change = rows[at(row - 1, column - 1)] + usize::from(!same);
                    let less = rows[at(row - 1, column)].min(rows[at(row, column - 1)]) + 1;
                    let swapped = row > 1
                        && column > 1
                        && from[row - 1] == to[column - 2]
                        && from[row - 2] == to[column - 1];
                    let swap = if swapped {
                        rows[at(row - 2, column - 2)] + 1
                    } else {
                        usize::MAX
                    };
                    change.min(less).min(swap)
                }
            };
        }
    }
    rows[at(from.len(), to.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_word_names_two_verbs() {
        let mut seen = HashSet::new();
        for word in Verb::words() {
            assert!(seen.insert(word), "{word}");
        }
    }

    #[test]
    fn every_verb_has_a_row_and_needs_no_more_than_it_takes() {
        for verb in VERBS {
            assert_eq!(Verb::of(verb.does).name, verb.name);
            assert!(verb.needs <= verb.takes.len(), "{}", verb.name);
            assert!(!verb.help.is_empty() && !verb.usage.is_empty());
        }
        for (_, none, some) in BY_COUNT {
            assert!(Verb::of(*none).needs == 0 && Verb::of(*some).needs == 1);
        }
    }

    #[test]
    fn the_twenty_methods_of_the_tutorial_are_there_by_name() {
        for name in [
            "bind",
            "listen",
            "accept",
            "connect",
            "connect_ex",
            "recv",
            "send",
            "sendall",
            "recvfrom",
            "sendto",
            "close",
            "getpeername",
            "getsockname",
            "settimeout",
            "gettimeout",
            "fileno",
            "setblocking",
            "makefile",
            "setsockopt",
            "getsockopt",
        ] {
            assert_eq!(Verb::find(name, 1).map(|verb| verb.name), Some(name));
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_recognized() {
        assert_eq!(nearest("acept"), Some("accept"));
        assert_eq!(nearest("conenct"), Some("connect"));
        assert_eq!(nearest("sned"), Some("send"));
        assert_eq!(nearest("fly"), None);
    }
}
