//! The examples about plain sockets run, on the loopback of a host of ours, and show what they
//! are about.

use std::path::Path;

use libtest_mimic::Failed;
use rawsock::lab::Host;

use crate::harness::{Outcome, wait_for};
use crate::program::{RAWSOCK, Run, run, start};

crate::tests![
    tcp_server_and_client_talk,
    udp_server_and_client_talk,
    udp_without_a_server_is_silent_unless_connected,
    seqpacket_keeps_messages_and_connections,
    packets_stick_on_tcp_only,
    udp_loss_adds_up,
    three_ways_to_hand_over,
    a_protocol_of_our_own_has_no_ports,
    wrong_protocols_are_refused,
];

fn example(name: &str) -> String {
    let beside = Path::new(RAWSOCK).with_file_name("examples");
    beside.join(name).display().to_string()
}

fn shows(name: &str, expected: &[&str]) -> Result<Run, Failed> {
    let host = Host::new("h1")?;
    let run = run(&host, &example(name), &[])?;
    assert_eq!(run.code(), Some(0), "{run}");
    for text in expected {
        assert!(run.stdout.contains(text), "{text}: {run}");
    }
    Ok(run)
}

fn talk(server: &str, client: &str, words: &[&str]) -> Result<(Run, Run), Failed> {
    let host = Host::new("h1")?;
    let running = start(&host, &example(server), words)?;
    let limit = std::time::Duration::from_secs(10);
    wait_for("the server", limit, || {
        running
            .stdout()
            .contains(" on 127.0.0.1:9000")
            .then_some(())
    })?;
    let client = run(&host, &example(client), &["9000"])?;
    Ok((running.finish()?, client))
}

fn tcp_server_and_client_talk() -> Outcome {
    let (server, client) = talk("tcp_echo_server", "tcp_echo_client", &["9000", "1"])?;
    assert!(client.stdout.ends_with("你好\n"), "{client}");
    assert!(
        server.stdout.contains("6 bytes from 127.0.0.1:"),
        "{server}"
    );
    assert!(server.stdout.contains("has left"), "{server}");
    Ok(())
}

fn udp_server_and_client_talk() -> Outcome {
    let (server, client) = talk("udp_echo_server", "udp_echo_client", &["9000", "2"])?;
    assert!(
        client.stdout.contains("127.0.0.1:9000 answers 你好"),
        "{client}"
    );
    assert!(client.stdout.contains("the answer is 你好"), "{client}");
    assert_eq!(server.stdout.matches("6 bytes from").count(), 2, "{server}");
    Ok(())
}

fn udp_without_a_server_is_silent_unless_connected() -> Outcome {
    let run = shows(
        "udp_echo_client",
        &["not connected: 6 bytes sent, then Resource temporarily"],
    )?;
    assert!(
        run.stdout
            .contains("connected: 6 bytes sent, then Connection refused"),
        "{run}"
    );
    Ok(())
}

fn seqpacket_keeps_messages_and_connections() -> Outcome {
    let expected = [
        "receive: one\n",
        "receive: two!\n",
        "4 of 10 bytes: 0123\n",
        "close: 0 bytes",
    ];
    shows("unix_seqpacket", &expected).map(drop)
}

fn packets_stick_on_tcp_only() -> Outcome {
    let expected = [
        "TCP, 3 sends: onetwo!three\n",
        "receive 4: 0123\nTCP, receive 4: 4567\nTCP, receive 4: 89\n",
        "UDP, one of 3: two!\n",
        "receive 4 of 10: 4,",
        "with lengths: three\n",
    ];
    shows("sticky_packets", &expected).map(drop)
}

fn udp_loss_adds_up() -> Outcome {
    let expected = [
        "reads back 8192\n",
        "1000 sends succeeded\n",
        " thrown away = 1000\n",
    ];
    shows("udp_loss", &expected).map(drop)
}

fn three_ways_to_hand_over() -> Outcome {
    let expected = [
        "lock and condition: 10000",
        "queue: 10000",
        "unix sockets: 10000",
    ];
    shows("threads_vs_sockets", &expected).map(drop)
}

fn a_protocol_of_our_own_has_no_ports() -> Outcome {
    let expected = [
        "server: 25 bytes = 20 of header (protocol 253) + hello\n",
        "client: HELLO\n",
    ];
    shows("raw_own_protocol", &expected).map(drop)
}

fn wrong_protocols_are_refused() -> Outcome {
    let expected = [
        "TCP to UDP: Connection refused (os error 111)",
        "UDP to TCP, not connected: Resource temporarily unavailable (os error 11)",
        "UDP to TCP, connected: Connection refused (os error 111)",
        "unix datagram to stream: Protocol wrong type for socket (os error 91)",
        "to a file without a server: Connection refused (os error 111)",
    ];
    shows("wrong_protocol", &expected).map(drop)
}
