//! The table: every row of the tutorial, its command and its proof.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

/// What proves a row.
enum Proof {
    /// A test function: file below tests/, name.
    Test(&'static str, &'static str),
    /// The row has no concept in it, and no feature on purpose.
    Nothing,
}
use Proof::{Nothing, Test};

/// One row.
struct Row {
    id: &'static str,
    command: &'static str,
    proofs: &'static [Proof],
}

const SCRIPTS: &str = "tutorial/scripts.rs";
const CALL: &str = "tutorial/call.rs";
const WIRE: &str = "tutorial/wire.rs";
const PEERS: &str = "tutorial/peers.rs";
const COMPARED: &str = "tutorial/compared.rs";

const fn row(id: &'static str, command: &'static str, proofs: &'static [Proof]) -> Row {
    Row {
        id,
        command,
        proofs,
    }
}

/// In the order of the tutorial.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("P1", "call: s = socket inet stream; s.name; s.peer", &[Test(CALL, "the_first_socket_is_descriptor_3_and_the_kernels_choice_is_shown"), Test(CALL, "both_ends_make_the_four_numbers")]),
    row("P2", "call: s.fileno; s.ls", &[Test(CALL, "everything_is_a_file"), Test(SCRIPTS, "what_is_a_socket")]),
    row("P3", "examples/threads_vs_sockets.rs", &[Test("net/echo_examples.rs", "three_ways_to_hand_over")]),
    row("P4", "lesson 0", &[Test("lesson.rs", "all_lessons_answer_themselves_in_both_languages")]),
    row("P5", "call -c 'socket; connect HOST:80'", &[Test(PEERS, "a_python_tcp_server_is_served_by_call_lines")]),
    row("P6", "call: socket FAMILY TYPE [PROTO]", &[Test(CALL, "the_first_socket_is_descriptor_3_and_the_kernels_choice_is_shown"), Test("../src/call/parse_tests.rs", "a_socket_has_defaults_and_many_spellings")]),
    row("P7", "call: socket unix stream|dgram|seqpacket", &[Test(SCRIPTS, "families"), Test("net/echo.rs", "every_kind_answers")]),
    row("P8", "call: socket inet", &[Test(SCRIPTS, "families"), Test("net/echo.rs", "every_kind_answers")]),
    row("P9", "call: socket inet6", &[Test(SCRIPTS, "families"), Test("net/echo.rs", "every_kind_answers")]),
    row("P10", "call: socket inet stream", &[Test(SCRIPTS, "tcp_server_client"), Test("net/echo.rs", "every_kind_answers")]),
    row("P11", "call: socket inet dgram", &[Test(SCRIPTS, "udp_server_client"), Test("net/echo.rs", "every_kind_answers")]),
    row("P12", "call: socket inet raw icmp|igmp; ping; sniff", &[Test(SCRIPTS, "raw_sockets"), Test("net/ping_answers.rs", "right_answers_are_replies"), Test("lesson.rs", "all_lessons_answer_themselves_in_both_languages")]),
    row("P13", "call: socket inet raw 253; ping --ttl --df ..", &[Test(SCRIPTS, "raw_sockets"), Test("net/echo_examples.rs", "a_protocol_of_our_own_has_no_ports")]),
    row("P14", "examples/hdrincl_ping.rs; ping --socket hdrincl", &[Test("net/examples.rs", "a_header_by_hand_is_answered"), Test(SCRIPTS, "raw_sockets"), Test("explain.rs", "headers_are_compared_foretold_and_ruled")]),
    row("P15", "call: socket unix seqpacket; socket inet seqpacket", &[Test(SCRIPTS, "families"), Test("net/echo_examples.rs", "seqpacket_keeps_messages_and_connections")]),
    row("P16", "", &[Nothing]),
    row("T1", "call: s = socket inet stream", &[Test(CALL, "the_first_socket_is_descriptor_3_and_the_kernels_choice_is_shown")]),
    row("T2", "call: s.bind ('127.0.0.1', 9000)", &[Test(SCRIPTS, "tcp_server_client"), Test(CALL, "binds_that_fail_are_named")]),
    row("T3", "call: s.listen 5", &[Test(SCRIPTS, "backlog"), Test("net/echo.rs", "six_fit_into_a_backlog_of_five"), Test("lesson.rs", "all_lessons_answer_themselves_in_both_languages")]),
    row("T4", "echo server tcp", &[Test("net/echo.rs", "a_client_that_leaves_ends_nothing")]),
    row("T5", "call: conn, addr = s.accept", &[Test(SCRIPTS, "tcp_server_client")]),
    row("T6", "call: conn.recv(1024).decode()", &[Test(SCRIPTS, "sticky_packets"), Test("../src/call/value.rs", "bytes_are_shown_as_they_are_typed")]),
    row("T7", "echo server tcp --tutorial", &[Test("net/echo_peers.rs", "the_tutorials_tcp_programs_mix_with_ours")]),
    row("T8", "echo server tcp --tutorial; call: conn.sendall", &[Test(SCRIPTS, "tcp_server_client"), Test("net/echo_peers.rs", "the_tutorials_tcp_programs_mix_with_ours")]),
    row("T9", "call: c.connect, packets beneath", &[Test(WIRE, "a_handshake_is_three_packets_under_connect")]),
    row("T10", "echo client tcp --tutorial", &[Test("net/echo_peers.rs", "the_tutorials_tcp_programs_mix_with_ours")]),
    row("T11", "call: c.recv 1024", &[Test(PEERS, "a_python_tcp_server_is_served_by_call_lines"), Test("net/echo_peers.rs", "the_tutorials_tcp_programs_mix_with_ours")]),
    row("T12", "echo server tcp, echo client tcp, echo both tcp", &[Test("net/echo_examples.rs", "tcp_server_and_client_talk")]),
    row("T13", "explain utf8; call: 'text'.encode()", &[Test(SCRIPTS, "sticky_packets"), Test("explain.rs", "the_glossary")]),
    row("X1", "call: TCP connect to a UDP port", &[Test(WIRE, "a_tcp_client_of_a_udp_server_gets_a_reset"), Test(SCRIPTS, "wrong_protocol"), Test("compare.rs", "every_client_against_every_server")]),
    row("X2", "call: UDP to a TCP port", &[Test(WIRE, "a_udp_client_of_a_tcp_server_gets_an_icmp_error"), Test(SCRIPTS, "wrong_protocol"), Test("compare.rs", "every_client_against_every_server")]),
    row("X3", "call: raw and unix kinds", &[Test(WIRE, "a_protocol_that_nobody_has_is_unreachable"), Test(CALL, "unix_kinds_do_not_mix_and_stale_files_refuse"), Test("compare.rs", "every_client_against_every_server")]),
    row("U1", "call: u.bind, u.recvfrom", &[Test(SCRIPTS, "udp_server_client"), Test("net/echo_peers.rs", "the_tutorials_udp_programs_mix_with_ours")]),
    row("U2", "call: s.sendto addr 'Server has receive your data'", &[Test(SCRIPTS, "udp_server_client"), Test(PEERS, "a_python_udp_server_is_served_by_call_lines"), Test("net/echo_peers.rs", "the_tutorials_udp_programs_mix_with_ours")]),
    row("U3", "call: one descriptor for all peers", &[Test(SCRIPTS, "udp_server_client"), Test("lesson.rs", "all_lessons_answer_themselves_in_both_languages")]),
    row("U4", "call: c.sendto, c.recvfrom", &[Test(PEERS, "a_python_udp_server_is_served_by_call_lines"), Test("net/echo_peers.rs", "the_tutorials_udp_programs_mix_with_ours")]),
    row("U5", "call: sendto a port that nobody has", &[Test(SCRIPTS, "udp_loss"), Test(SCRIPTS, "wrong_protocol"), Test("net/echo_examples.rs", "udp_without_a_server_is_silent_unless_connected")]),
    row("U6", "echo server udp --steps", &[Test(SCRIPTS, "udp_server_client"), Test("net/echo.rs", "steps_are_the_tutorials")]),
    row("U7", "echo client udp --steps", &[Test(SCRIPTS, "udp_server_client"), Test("net/echo.rs", "steps_are_the_tutorials")]),
    row("D1", "call: 3 sends, 1 receive, or 3", &[Test(SCRIPTS, "sticky_packets"), Test(COMPARED, "tcp_is_a_stream_and_repairs_and_udp_is_neither")]),
    row("D2", "compare --latency", &[Test(COMPARED, "what_is_lost_holds_tcp_up_and_not_udp")]),
    row("D3", "compare --loss 20% --dup 10%", &[Test(COMPARED, "tcp_is_a_stream_and_repairs_and_udp_is_neither")]),
    row("D4", "call: sticky and lost", &[Test(SCRIPTS, "sticky_packets"), Test(SCRIPTS, "udp_loss"), Test(COMPARED, "tcp_is_a_stream_and_repairs_and_udp_is_neither")]),
    row("D5", "call: listen and accept for TCP alone", &[Test(SCRIPTS, "tcp_server_client"), Test(SCRIPTS, "udp_server_client"), Test(COMPARED, "tcp_is_a_stream_and_repairs_and_udp_is_neither")]),
    row("D6", "call: send and recv, sendto and recvfrom; a connected UDP socket has both", &[Test(SCRIPTS, "sticky_packets"), Test(SCRIPTS, "udp_server_client"), Test(COMPARED, "tcp_is_a_stream_and_repairs_and_udp_is_neither")]),
    row("D7", "call: a table of the differences", &[Test(COMPARED, "tcp_is_a_stream_and_repairs_and_udp_is_neither")]),
    row("bind()", "call: s.bind A", &[Test(CALL, "binds_that_fail_are_named"), Test(SCRIPTS, "twenty_methods")]),
    row("listen()", "call: s.listen 5", &[Test(SCRIPTS, "backlog"), Test(SCRIPTS, "twenty_methods")]),
    row("accept()", "call: c = s.accept", &[Test(SCRIPTS, "timeouts"), Test(SCRIPTS, "twenty_methods")]),
    row("connect()", "call: s.connect A", &[Test(PEERS, "errors_are_those_of_python"), Test(SCRIPTS, "twenty_methods")]),
    row("connect_ex()", "call: s.connect_ex A", &[Test(SCRIPTS, "timeouts"), Test(PEERS, "errors_are_those_of_python")]),
    row("recv()", "call: c.recv 1024 [peek|waitall|dontwait|trunc]", &[Test(SCRIPTS, "sticky_packets"), Test(SCRIPTS, "closing")]),
    row("send()", "call: s.send 'x'", &[Test(SCRIPTS, "timeouts"), Test(WIRE, "an_empty_send_is_no_packet_on_tcp_and_one_on_udp"), Test(PEERS, "errors_are_those_of_python")]),
    row("sendall()", "call: s.sendall @20M", &[Test(CALL, "a_blocked_side_does_not_hold_the_other_up"), Test(SCRIPTS, "twenty_methods")]),
    row("recvfrom()", "call: u.recvfrom 1024", &[Test(SCRIPTS, "udp_server_client"), Test(SCRIPTS, "sticky_packets")]),
    row("sendto()", "call: u.sendto A 'x'", &[Test(SCRIPTS, "udp_loss"), Test(PEERS, "errors_are_those_of_python")]),
    row("close()", "call: s.close, s.shutdown rd|wr", &[Test(WIRE, "close_sends_fin_or_with_linger_zero_a_reset"), Test(SCRIPTS, "closing")]),
    row("getpeername()", "call: s.peer", &[Test(CALL, "both_ends_make_the_four_numbers"), Test(PEERS, "errors_are_those_of_python")]),
    row("getsockname()", "call: s.name", &[Test(CALL, "both_ends_make_the_four_numbers"), Test(SCRIPTS, "what_is_a_socket")]),
    row("settimeout()", "call: s.timeout 1.5", &[Test(SCRIPTS, "timeouts"), Test(SCRIPTS, "twenty_methods")]),
    row("gettimeout()", "call: s.timeout", &[Test(SCRIPTS, "timeouts"), Test(PEERS, "errors_are_those_of_python")]),
    row("fileno()", "call: s.fileno", &[Test(CALL, "everything_is_a_file")]),
    row("setblocking()", "call: s.blocking off", &[Test(SCRIPTS, "timeouts")]),
    row("makefile()", "call: f = s.makefile, f.readline, f.write, f.flush", &[Test(SCRIPTS, "sticky_packets"), Test(SCRIPTS, "the_example_of_all_methods_says_each_in_order")]),
    row("setsockopt()", "call: s.set SO_RCVBUF 10000", &[Test(PEERS, "errors_are_those_of_python"), Test(SCRIPTS, "udp_loss")]),
    row("getsockopt()", "call: s.get SO_ERROR; s.opts", &[Test(PEERS, "errors_are_those_of_python"), Test(SCRIPTS, "twenty_methods")]),
];

/// How many rows each part of the tutorial has.
const PARTS: [(&str, usize); 5] = [("P", 16), ("T", 13), ("X", 3), ("U", 7), ("D", 7)];

/// The list of methods at its end.
const METHODS: [&str; 20] = [
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
];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("rows::no_row_of_the_tutorial_is_missing", || {
            none_is_missing();
            Ok(())
        }),
        Trial::test(
            "rows::every_row_has_a_command_and_a_test_that_is_there",
            all_have_proofs,
        ),
    ]
}

fn none_is_missing() {
    let parts = PARTS
        .iter()
        .flat_map(|(part, rows)| (1..=*rows).map(move |row| format!("{part}{row}")));
    let wanted: BTreeSet<String> = parts
        .chain(METHODS.iter().map(|name| format!("{name}()")))
        .collect();
    let there: BTreeSet<String> = ROWS.iter().map(|row| row.id.to_owned()).collect();
    assert_eq!(there, wanted);
    assert_eq!(ROWS.len(), wanted.len(), "a row is there twice");
}

fn all_have_proofs() -> Result<(), Failed> {
    for row in ROWS {
        assert!(!row.proofs.is_empty(), "{}", row.id);
        for proof in row.proofs {
            match proof {
                Test(file, name) => there(row, file, name)?,
                Nothing => assert_eq!(row.id, "P16", "only the advertising has nothing"),
            }
        }
    }
    Ok(())
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(file)
}

/// The file has a test of that name.
fn there(row: &Row, file: &str, name: &str) -> Result<(), Failed> {
    assert!(!row.command.is_empty(), "{}: no command", row.id);
    let text = fs::read_to_string(path(file)).map_err(|error| format!("{file}: {error}"))?;
    // Scripts become functions by a macro; every test is registered by its name.
    let written = text.contains(&format!("fn {name}("));
    let registered = text.contains(&format!("    {name},"));
    assert!(
        written || registered,
        "{}: no test {name} in {file}",
        row.id
    );
    Ok(())
}
