//! The part of `rawsock ping --help` that teaches. The same text is in the man page.

/// Examples, each of which a test runs.
pub const EXAMPLES: &str = "\
Examples:
  rawsock ping 127.0.0.1                       once a second until Ctrl-C
  rawsock ping -c 3 -i 0.2 127.0.0.1           three probes, 200 ms apart
  rawsock ping -c 1 --show-headers 127.0.0.1   what you ask for, what the kernel
                                               changes, what goes on the wire
  rawsock ping -c 1 --ip-id 0x1234 --ttl 3 --dscp ef 127.0.0.1
                                               header fields by hand
  rawsock ping -c 1 --ip-option rr 127.0.0.1   record the route (also -R)
  rawsock ping -c 1 --data 'hello' 127.0.0.1   a payload of your own
  rawsock ping --sweep 0:1400:200 -c 8 -i 0.1 127.0.0.1
                                               does every size come back?
  rawsock ping -c 2 --json 127.0.0.1 | jq .rtt_ms
                                               numbers for programs
  rawsock ping --until 1 -w 30 127.0.0.1       wait until a host answers

Exit code: 0 answered, 1 no answer (or fewer than -c before -w), 2 error,
74 output lost, 143 and 129 ended by TERM and HUP.

Without rights (`rawsock caps` shows what you have) ping uses the kernel's
ICMP socket; header fields then need `sudo` or CAP_NET_RAW.";
