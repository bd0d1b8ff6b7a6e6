//! What `rawsock echo` keeps after the drop: sockets that are open; with `--reconnect`, plain new
//! ones and one TCP port.

use super::{
    CHILDREN, CLOCKS, Call, ENDING, MEMORY, NEW_MEMORY, Need, OPEN_SOCKETS, OnOther, RUNNING,
    WAITING, is, is_request, is_type,
};

/// What an echo server or client still does with its sockets: accepts connections, asks for
/// addresses and options, resets a connection that it turns away, ends its capture.
static ECHOING: &[Call] = &[
    only!(SYS_accept: &[]),
    only!(SYS_accept4: &[]),
    only!(SYS_getsockname: &[]),
    only!(SYS_getpeername: &[]),
    only!(SYS_fcntl: &[&[is(1, libc::F_GETFD)], &[is(1, libc::F_GETFL)], &[is(1, libc::F_SETFL)]]),
    only!(SYS_ioctl: &[&[is_request(libc::SIOCGIFNAME)], &[is_request(libc::SIOCGIFFLAGS)]]),
];

/// Options of sockets that are open already.
static ECHO_OPTIONS: &[Call] = &[only!(SYS_setsockopt: &[
    &[is(1, libc::SOL_SOCKET), is(2, libc::SO_LINGER)],
    &[is(1, libc::SOL_SOCKET), is(2, libc::SO_ATTACH_FILTER)],
])];

/// New sockets of the kinds that need no right, and their options.
static NEW_CONNECTIONS: &[Call] = &[
    only!(SYS_socket: &[
        &[is(0, libc::AF_INET), is_type(libc::SOCK_DGRAM)],
        &[is(0, libc::AF_INET), is_type(libc::SOCK_STREAM)],
        &[is(0, libc::AF_INET6), is_type(libc::SOCK_DGRAM)],
        &[is(0, libc::AF_INET6), is_type(libc::SOCK_STREAM)],
        &[is(0, libc::AF_UNIX)],
    ]),
    only!(SYS_bind: &[]),
    only!(SYS_connect: &[]),
    only!(SYS_setsockopt: &[]),
];

/// `rawsock echo`.
pub static ECHO: Need = Need {
    command: "echo",
    needs: "nothing; `raw`, `icmp` and the packets of `--trace`: `CAP_NET_RAW`; ports below 1024: \
            `CAP_NET_BIND_SERVICE`",
    without: "exits 2 and prints the command that grants it; a trace goes on without packets",
    files: &[],
    tcp_ports: &[],
    groups: &[
        OPEN_SOCKETS,
        ECHOING,
        ECHO_OPTIONS,
        WAITING,
        RUNNING,
        CLOCKS,
        MEMORY,
        NEW_MEMORY,
        ENDING,
        CHILDREN,
    ],
    on_other_call: OnOther::Kill,
};

/// `rawsock echo client --reconnect`; the one TCP port that it was asked for is added at run time.
pub static ECHO_AGAIN: Need = Need {
    command: "(echo --reconnect)",
    needs: "as `echo`; it keeps the right to open and connect plain sockets, TCP to one port only",
    without: "-",
    files: &[],
    tcp_ports: &[],
    groups: &[
        OPEN_SOCKETS,
        ECHOING,
        NEW_CONNECTIONS,
        WAITING,
        RUNNING,
        CLOCKS,
        MEMORY,
        NEW_MEMORY,
        ENDING,
        CHILDREN,
    ],
    on_other_call: OnOther::Kill,
};
