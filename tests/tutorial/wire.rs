//! What stands under a call: the packets that it caused, as the kernel really sent them.

use rawsock::lab::Host;

use crate::harness::Outcome;
use crate::lines::good;
use crate::program::{RAWSOCK, run};

crate::tests![
    a_handshake_is_three_packets_under_connect,
    a_tcp_client_of_a_udp_server_gets_a_reset,
    a_udp_client_of_a_tcp_server_gets_an_icmp_error,
    a_protocol_that_nobody_has_is_unreachable,
    close_sends_fin_or_with_linger_zero_a_reset,
    an_empty_send_is_no_packet_on_tcp_and_one_on_udp,
    packets_of_others_are_not_shown,
    without_the_right_a_line_says_how_to_get_packets: "setpriv",
];

/// Each packet has the words, in this order.
fn same(packets: &[String], words: &[&str]) {
    assert_eq!(packets.len(), words.len(), "{packets:#?}");
    for (packet, word) in packets.iter().zip(words) {
        assert!(packet.contains(word), "{word}: {packets:#?}");
    }
}

fn a_handshake_is_three_packets_under_connect() -> Outcome {
    let host = Host::new("h1")?;
    let lines = good(
        &host,
        "@b s = socket ; s.bind :9000 ; s.listen\n@a c = socket ; c.connect :9000 => 0",
    )?;
    same(
        &lines.packets("c.connect :9000"),
        &[" [S]", " [S.]", " [.]"],
    );
    assert_eq!(lines.of("c.connect :9000")["tcp_state"], "ESTABLISHED");
    assert_eq!(lines.packets("s.listen").len(), 0);
    Ok(())
}

fn a_tcp_client_of_a_udp_server_gets_a_reset() -> Outcome {
    let host = Host::new("h1")?;
    let lines = good(
        &host,
        "@b u = socket udp ; u.bind :9000\n@a c = socket ; c.connect_ex :9000 => 111",
    )?;
    let packets = lines.packets("c.connect_ex :9000");
    same(&packets, &[" [S]", " [R.]"]);
    assert!(
        packets[1].contains("seq 0,") && packets[1].contains("win 0"),
        "{packets:#?}"
    );
    Ok(())
}

fn a_udp_client_of_a_tcp_server_gets_an_icmp_error() -> Outcome {
    let host = Host::new("h1")?;
    let lines = good(
        &host,
        "@b s = socket ; s.bind :9000 ; s.listen
         @a u = socket udp ; u.sendto :9000 'hello' => 5 ; u.timeout 0.2 ; u.recv => timeout
         @a v = socket udp ; v.connect :9000 ; v.send 'hello' ; v.recv => ECONNREFUSED",
    )?;
    let packets = lines.packets("u.sendto :9000 'hello'");
    // An IP header of 20, ICMP's 8, and the quoted packet of 33: 41 without the outer header.
    same(&packets, &["UDP", "(3/3), length 41"]);
    Ok(())
}

fn a_protocol_that_nobody_has_is_unreachable() -> Outcome {
    // Headers by hand: a raw socket of protocol 253 of our own would be a listener.
    const V4: &str = "0x450000150001000040fd0000000000007f00000161";
    let source = format!("{}1", "0".repeat(31));
    let v6 = format!("0x600000000001fd40{source}{source}61");
    let host = Host::new("h1")?;
    let lines = good(
        &host,
        &format!(
            "i = socket inet raw icmp ; i6 = socket inet6 raw icmpv6
             x = socket inet raw raw ; x.sendto 127.0.0.1 {V4} => 21
             i.recv 100 => 49 bytes
             y = socket inet6 raw raw ; y.sendto ::1 {v6} => 41
             i6.recv 100 => 49 bytes"
        ),
    )?;
    let of =
        |sent: String, received: &str| [lines.packets(&sent), lines.packets(received)].concat();
    let all = of(format!("x.sendto 127.0.0.1 {V4}"), "i.recv 100");
    assert!(
        all.iter().any(|packet| packet.contains("(3/2)")),
        "{all:#?}"
    );
    // Parameter problem: unrecognised next header, at byte 6 (RFC 4443 3.4).
    let all = of(format!("y.sendto ::1 {v6}"), "i6.recv 100");
    assert!(
        all.iter().any(|packet| packet.contains("(4/1)")),
        "{all:#?}"
    );
    Ok(())
}

fn close_sends_fin_or_with_linger_zero_a_reset() -> Outcome {
    let host = Host::new("h1")?;
    let lines = good(
        &host,
        "@b s = socket ; s.bind :9000 ; s.listen
         @a c = socket ; c.connect :9000 ; c.close
         @a d = socket ; d.connect :9000 ; d.set SO_LINGER 1 0 ; d.close",
    )?;
    let fin = lines.packets("c.close");
    assert!(
        fin.first().is_some_and(|packet| packet.contains(" [F.]")),
        "{fin:#?}"
    );
    let reset = lines.packets("d.close");
    assert!(
        reset.iter().any(|packet| packet.contains(" [R.]")),
        "{reset:#?}"
    );
    assert!(
        !reset.iter().any(|packet| packet.contains(" [F.]")),
        "{reset:#?}"
    );
    let state = lines.of("c.close")["tcp_state"].as_str().unwrap();
    // The acknowledgement may take its time.
    assert!(matches!(state, "FIN-WAIT-1" | "FIN-WAIT-2"), "{state}");
    Ok(())
}

fn an_empty_send_is_no_packet_on_tcp_and_one_on_udp() -> Outcome {
    let host = Host::new("h1")?;
    let lines = good(
        &host,
        "@b s = socket ; s.bind :9000 ; s.listen ; u = socket udp ; u.bind :9000
         @a c = socket ; c.connect :9000 ; c.send ''
         @a v = socket udp ; v.sendto :9000 ''",
    )?;
    assert_eq!(lines.packets("c.send ''").len(), 0);
    same(&lines.packets("v.sendto :9000 ''"), &["UDP"]);
    Ok(())
}

fn packets_of_others_are_not_shown() -> Outcome {
    let host = Host::new("h1")?;
    // Another program of the same host, while ours only waits.
    let noise = host.run(|| std::net::UdpSocket::bind("127.0.0.1:0"))??;
    let noisy = std::thread::spawn(move || {
        for _ in 0..500 {
            let _ = noise.send_to(b"noise", "127.0.0.1:7");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    let lines = good(
        &host,
        "u = socket udp ; u.bind :9000 ; u.timeout 0.3 ; u.recv => timeout",
    )?;
    noisy.join().unwrap();
    for statement in &lines.statements {
        assert_eq!(
            statement["packets"].as_array().map(Vec::len),
            Some(0),
            "{statement}"
        );
    }
    Ok(())
}

fn without_the_right_a_line_says_how_to_get_packets() -> Outcome {
    let host = Host::new("h1")?;
    let args = [
        "--bounding-set=-all",
        "--inh-caps=-all",
        RAWSOCK,
        "call",
        "-c",
        "s = socket udp ; s.sendto :9 'x' => 1 ; socket inet raw icmp => EPERM",
    ];
    let run = run(&host, "setpriv", &args)?;
    assert_eq!(run.code(), Some(0), "{run}");
    // How to get the right depends on where this runs.
    let told = run.stderr.lines();
    let told: Vec<&str> = told
        .filter(|line| line.contains("packets are left out"))
        .collect();
    assert_eq!(told.len(), 1, "{run}");
    assert!(told[0].contains("CAP_NET_RAW"), "{run}");
    assert!(!run.stdout.contains(" UDP "), "{run}");
    Ok(())
}
