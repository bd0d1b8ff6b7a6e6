//! The long help of `rawsock echo`.

/// Examples and exit codes.
pub const EXAMPLES: &str = "\
Examples:
  rawsock echo server tcp              on 127.0.0.1:9000
  rawsock echo client tcp -m hello     in another terminal
  rawsock echo both udp -c 3 --trace   both ends, every call and packet
  rawsock echo client udp --connect -m hi [::1]:9000
  rawsock echo both tcp -m one -m 'two!' -m three --burst
  rawsock echo both unix-seqpacket -m hi --trace=calls
  rawsock echo both raw -m hi          an IP protocol of our own, 253
  rawsock echo server udp --rcvbuf 4096 --slow 1ms
  rawsock echo server tcp --no-accept  who fits into the queue?
  rawsock echo server tcp --tutorial   as the Python program of the tutorial

The client shows what comes back; without -m, -c or -s it sends the lines of
standard input. The server serves until Ctrl-C, --count or --for. It listens on
the loopback only, unless an address says otherwise.

Exit code: 0, also after Ctrl-C; 1 an answer is missing or the peer has closed
early; 2 error; 74 output lost; 143 and 129 ended by TERM and HUP.";
