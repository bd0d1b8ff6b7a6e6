//! rawsock: a raw-socket packet tool for Linux.
//!
//! Two halves. The core turns bytes and times into values: no socket, no clock, no stdout, no
//! unsafe. The shell owns those. `tests/layering.rs` holds the sources to it.
//!
//! | core | |
//! |---|---|
//! | [`decode`] | bytes to a field tree with Wireshark's keys; one protocol, one file |
//! | [`craft`] | values to bytes, right or wrong, by pnet |
//! | [`ping`] | the sans-IO engine: schedule, matching, statistics |
//! | [`compare`] | the same messages over several kinds of sockets: figures of a run |
//! | [`filter`] | pcap-filter expressions to classic BPF, and an interpreter |
//! | [`defrag`] | fragments to datagrams, in bounded memory |
//! | [`display`] | `--where`: expressions over the field tree |
//! | [`flow`] | packets to conversations, streams and figures, in bounded memory |
//! | [`lesson`] | the lessons: steps, questions, and finding the answers in what was shown |
//! | [`view`] | values to text and JSON; one view, one file |
//! | [`call`] | the language of `rawsock call` |
//! | [`event`] | what a run reports, as one ordered list: calls, packets, fates; times and stamps |
//! | [`wire`] | what becomes of each frame between two hosts: delay, loss, exact fates |
//! | [`error`] | errors, exit codes, hints |
//!
//! | shell | |
//! |---|---|
//! | [`net`] | ping's sockets and session, routes, interfaces, name resolution |
//! | [`capture`] | live capture and capture files |
//! | [`lab`] | hosts in anonymous network namespaces, veth by netlink |
//! | [`privilege`] | what each command needs; open, drop, run |
//! | [`sys`] | system calls, the only unsafe |
//! | [`cli`] | one file or folder a subcommand |
//!
//! A ping goes `cli::ping` (options, plan, open, drop) -> [`net::session`] (one turn: send, receive)
//! -> [`ping::Pinger`] (verdicts) -> [`view::ping`] or [`view::json`].

pub mod call;
pub mod capture;
pub mod cli;
pub mod compare;
pub mod craft;
pub mod decode;
pub mod defrag;
pub mod display;
pub mod error;
pub mod event;
pub mod filter;
pub mod flow;
pub mod lab;
pub mod lesson;
pub mod net;
pub mod ping;
pub mod privilege;
#[expect(unsafe_code, reason = "the one module that may hold unsafe")]
pub mod sys;
pub mod view;
pub mod wire;
