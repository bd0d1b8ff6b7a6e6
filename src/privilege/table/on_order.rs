//! The rows of `rawsock call`, which makes sockets on the user's order, and of the child that looks
//! at their packets for it.

use super::{
    CAPTURING, CHECKING, CHILDREN, CLOCKS, Call, ENDING, MEMORY, NEW_MEMORY, Need, OPEN_SOCKETS,
    OnOther, RUNNING, WAITING, has, is, is_request,
};

/// Every socket of IPv4, IPv6 and unix, and everything that can be done with one.
static ANY_SOCKETS: &[Call] = &[
    only!(SYS_socket: &[
        &[is(0, libc::AF_INET)],
        &[is(0, libc::AF_INET6)],
        &[is(0, libc::AF_UNIX)],
    ]),
    only!(SYS_socketpair: &[&[is(0, libc::AF_UNIX)]]),
    only!(SYS_bind: &[]),
    only!(SYS_listen: &[]),
    only!(SYS_accept4: &[]),
    only!(SYS_connect: &[]),
    only!(SYS_getsockname: &[]),
    only!(SYS_getpeername: &[]),
    only!(SYS_setsockopt: &[]),
    // Blocking or not; and what std checks of a descriptor in debug builds.
    only!(SYS_fcntl: &[
        &[is(1, libc::F_SETFL)],
        &[is(1, libc::F_GETFL)],
        &[is(1, libc::F_GETFD)],
    ]),
];
/// The same by calls that only x86 still has.
#[cfg(target_arch = "x86_64")]
static ANY_SOCKETS_OLD: &[Call] = calls![SYS_accept];
/// The same by calls that only x86 still has.
#[cfg(not(target_arch = "x86_64"))]
static ANY_SOCKETS_OLD: &[Call] = calls![SYS_accept];

/// A thread for each side. The arguments of clone3(2) are in memory, out of a filter's sight: what
/// it makes inherits this filter, and can execute nothing.
static THREADS: &[Call] = &[
    only!(SYS_clone: &[&[has(0, libc::CLONE_THREAD)]]),
    only!(SYS_clone3: &[]),
    only!(SYS_set_robust_list: &[]),
    only!(SYS_rseq: &[]),
    only!(SYS_sched_getaffinity: &[]),
];

/// Tables of /proc/net that are open already, and the inode of a descriptor (glibc's fstat).
static OPEN_TABLES: &[Call] = &[
    only!(SYS_pread64: &[]),
    only!(SYS_newfstatat: &[&[has(3, libc::AT_EMPTY_PATH)]]),
];

/// A line of input with editing: the terminal's modes and size, and its signals.
static TERMINAL: &[Call] = &[
    only!(SYS_ioctl: &[
        &[is_request(libc::TCGETS)],
        &[is_request(libc::TCSETS)],
        &[is_request(libc::TCSETSW)],
        &[is_request(libc::TCSETSF)],
        &[is_request(libc::TIOCGWINSZ)],
        &[is_request(libc::FIONBIO)],
    ]),
    only!(SYS_rt_sigaction: &[]),
    only!(SYS_pipe2: &[]),
    only!(SYS_pselect6: &[]),
];
/// The same by calls that only x86 still has.
#[cfg(target_arch = "x86_64")]
static TERMINAL_OLD: &[Call] = calls![SYS_select];
/// The same by calls that only x86 still has.
#[cfg(not(target_arch = "x86_64"))]
static TERMINAL_OLD: &[Call] = &[];

/// The end of a lab's wire process.
static END_OF_WIRE: &[Call] = &[only!(SYS_kill: &[&[is(1, libc::SIGKILL)]])];

/// `rawsock call`.
pub static CALL: Need = Need {
    command: "call",
    needs: "nothing; `CAP_NET_RAW` for raw sockets and to show packets, and it keeps that one while it runs",
    without: "raw sockets fail with EPERM, as they do in any program; packets are left out, in one line it says how to get them",
    files: &[],
    tcp_ports: &[],
    groups: &[
        ANY_SOCKETS,
        ANY_SOCKETS_OLD,
        OPEN_SOCKETS,
        THREADS,
        OPEN_TABLES,
        TERMINAL,
        TERMINAL_OLD,
        WAITING,
        RUNNING,
        CLOCKS,
        MEMORY,
        NEW_MEMORY,
        ENDING,
        CHILDREN,
        END_OF_WIRE,
    ],
    on_other_call: OnOther::Count,
};

/// The child that captures and decodes for `call`. It can answer by a pipe and do nothing else.
pub static WITNESS: Need = Need {
    command: "(packets of call)",
    needs: "`CAP_NET_RAW`",
    without: "it is not started",
    files: &[],
    tcp_ports: &[],
    groups: &[
        CAPTURING, WAITING, RUNNING, CHECKING, CLOCKS, MEMORY, NEW_MEMORY, ENDING,
    ],
    on_other_call: OnOther::Count,
};
