//! The part of `rawsock ping --help` that teaches. The same text is in the manual page.

/// Examples, each of which a test runs.
pub const EXAMPLES: &str = "\
Examples:
  Once a second until Ctrl-C:
    rawsock ping 127.0.0.1
  Three probes, 200 ms apart:
    rawsock ping -c 3 -i 0.2 127.0.0.1
  What you ask for, what the kernel changes, what goes out on the wire:
    rawsock ping -c 1 --show-headers 127.0.0.1
  With Don't fragment set the kernel keeps identification 0:
    rawsock ping -c 1 --show-headers --df 127.0.0.1
  Header fields by hand:
    rawsock ping -c 1 --ip-id 0x1234 --ttl 3 --dscp ef 127.0.0.1
  Record the route, as -R does:
    rawsock ping -c 1 --ip-option nop --ip-option rr 127.0.0.1
  A payload of your own:
    rawsock ping -c 1 --data 'hello' 127.0.0.1
  Does every size come back?
    rawsock ping --sweep 0:1400:200 -c 8 -i 0.1 127.0.0.1
  Numbers for programs:
    rawsock ping -c 2 --json 127.0.0.1 | jq 'select(.seq).rtt_ms'
  Wait until a host answers, 30 seconds at most:
    rawsock ping --until 1 -w 30 127.0.0.1

Exit code: 0 answered, 1 no answer (or fewer than -c before -w), 2 error,
74 output lost, 143 and 129 ended by TERM and HUP.

Without rights (see `rawsock caps`) ping uses the kernel's ICMP socket;
header fields then need `sudo` or CAP_NET_RAW.";
