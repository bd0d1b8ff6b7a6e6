//! What the tutorial says of TCP against UDP, as `rawsock compare` measures it.

use rawsock::lab::Host;
use serde_json::Value;

use crate::harness::Outcome;
use crate::program::{RAWSOCK, Run, must};

crate::tests![
    tcp_is_a_stream_and_repairs_and_udp_is_neither,
    what_is_lost_holds_tcp_up_and_not_udp,
];

/// `compare --json` with these words; its parts, each with the results by protocol.
fn compare(words: &[&str]) -> Result<(Run, Vec<Value>), libtest_mimic::Failed> {
    let host = Host::new("h1")?;
    let args = [&["compare", "--json", "--over", "tcp,udp"], words].concat();
    let run = must(&host, RAWSOCK, &args)?;
    let parts = run.of_type("compare")?;
    Ok((run, parts))
}

fn of<'a>(part: &'a Value, over: &str) -> &'a Value {
    let results = part["results"].as_array().unwrap();
    results
        .iter()
        .find(|result| result["over"] == over)
        .unwrap()
}

fn calls(result: &Value) -> Vec<&str> {
    let sides = [&result["client_calls"], &result["server_calls"]];
    let calls = sides.into_iter().flat_map(|side| side.as_array().unwrap());
    calls.map(|call| call.as_str().unwrap()).collect()
}

fn tcp_is_a_stream_and_repairs_and_udp_is_neither() -> Outcome {
    let (run, parts) = compare(&["--loss", "20%", "--dup", "10%", "--seed", "7"])?;
    let [clean, lossy] = parts.as_slice() else {
        panic!("{run}");
    };
    let (tcp, udp) = (of(clean, "tcp"), of(clean, "udp"));
    // Three sends at once: one receive of the stream, three of the datagrams.
    assert_eq!(
        (&tcp["burst_receives"], &udp["burst_receives"]),
        (&1.into(), &3.into()),
        "{run}"
    );
    for call in ["listen", "accept", "connect", "recv"] {
        assert!(
            calls(tcp).contains(&call) && !calls(udp).contains(&call),
            "{call}: {run}"
        );
    }
    for call in ["sendto", "recvfrom"] {
        assert!(
            calls(udp).contains(&call) && !calls(tcp).contains(&call),
            "{call}: {run}"
        );
    }
    // 20 % lost, 10 % twice, each way.
    let (tcp, udp) = (of(lossy, "tcp"), of(lossy, "udp"));
    assert_eq!(tcp["at_client"]["complete"], 20, "{run}");
    assert!(udp["at_client"]["complete"].as_u64().unwrap() < 20, "{run}");
    assert!(
        udp["wire"]["fates"]["dropped"].as_u64().unwrap() > 0,
        "{run}"
    );
    Ok(())
}

fn what_is_lost_holds_tcp_up_and_not_udp() -> Outcome {
    let (run, parts) = compare(&["--latency", "-n", "100", "--loss", "5%", "--seed", "7"])?;
    let lossy = parts.last().unwrap();
    let (tcp, udp) = (of(lossy, "tcp"), of(lossy, "udp"));
    assert_eq!(tcp["at_server"]["complete"], 100, "{run}");
    assert!(
        udp["at_server"]["complete"].as_u64().unwrap() < 100,
        "{run}"
    );
    // A lost segment keeps those behind it waiting until it was sent again; a lost datagram nobody.
    let longest = |result: &Value| result["one_way"]["max_us"].as_f64().unwrap();
    assert!(longest(tcp) > longest(udp), "{run}");
    Ok(())
}
