//! What each command needs and may do: one table that `drop`, `caps` and capabilities.md share.

/// One row: a command, the rights it opens with, and the system calls it keeps afterwards.
#[derive(Debug)]
pub struct Need {
    /// Name on the command line.
    pub command: &'static str,
    /// Rights that it uses before the drop, best first, in words.
    pub needs: &'static str,
    /// What happens where the right is missing.
    pub without: &'static str,
    /// Files and directories that stay readable; those that do not exist are left out.
    pub files: &'static [&'static str],
    /// TCP ports that it may still connect to.
    pub tcp_ports: &'static [u16],
    /// Allowed system calls, in groups that rows share. Empty: the command reads nothing that
    /// others wrote and never drops.
    pub groups: &'static [&'static [Call]],
    /// What happens on any other call.
    pub on_other_call: OnOther,
}

impl Need {
    /// Every allowed system call, each once.
    pub fn calls(&self) -> impl Iterator<Item = &'static Call> {
        self.groups.iter().copied().flatten()
    }
}

/// The filter's answer to a call that no row lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOther {
    /// The process dies with SIGSYS.
    Kill,
    /// The call fails with `EPERM`. Only for the name resolver: it runs whatever name service
    /// modules the system has, and an optional one that is refused must not take the others along.
    Refuse,
    /// The call fails with `EPERM` and is counted, so that another version of libc, which may use
    /// other calls, never kills a capture; those of [`FATAL`] kill. In debug builds, which the
    /// tests run, every call kills.
    Count,
}

/// One allowed system call.
#[derive(Debug)]
pub struct Call {
    /// Its name in the man pages.
    pub name: &'static str,
    /// Its number on this processor.
    pub number: i64,
    /// Allowed only where every argument of one of these lists fits; empty: with any arguments.
    pub only: &'static [&'static [Arg]],
}

/// A condition on an argument: its low 32 bits, masked, equal the value.
#[derive(Debug)]
pub struct Arg {
    /// Counts from 0.
    pub index: u8,
    /// Bits to look at.
    pub mask: u32,
    /// What they must be.
    pub value: u32,
}

/// The whole argument is this number.
const fn is(index: u8, value: libc::c_int) -> Arg {
    Arg {
        index,
        mask: u32::MAX,
        value: value.cast_unsigned(),
    }
}

/// These bits of the argument are this.
const fn masked(index: u8, bits: libc::c_int, value: libc::c_int) -> Arg {
    Arg {
        index,
        mask: bits.cast_unsigned(),
        value: value.cast_unsigned(),
    }
}

/// All these bits of the argument are set.
const fn has(index: u8, bits: libc::c_int) -> Arg {
    Arg {
        index,
        mask: bits.cast_unsigned(),
        value: bits.cast_unsigned(),
    }
}

/// None of these bits of the argument is set.
const fn lacks(index: u8, bits: libc::c_int) -> Arg {
    Arg {
        index,
        mask: bits.cast_unsigned(),
        value: 0,
    }
}

/// Calls with any arguments, by their `libc` names.
macro_rules! calls {
    ($($call:ident)*) => {
        &[$(only!($call: &[])),*]
    };
}

/// One call and its argument lists.
macro_rules! only {
    ($call:ident: $only:expr) => {
        Call {
            name: stringify!($call).split_at("SYS_".len()).1,
            number: libc::$call,
            only: $only,
        }
    };
}

/// Memory for data: what is written can never be executed.
static MEMORY: &[Call] = &[
    only!(SYS_mprotect: &[&[lacks(2, libc::PROT_EXEC)]]),
    only!(SYS_munmap: &[]),
    only!(SYS_mremap: &[]),
    only!(SYS_madvise: &[]),
    only!(SYS_brk: &[]),
];

/// New memory that is no file and no code.
static NEW_MEMORY: &[Call] =
    &[only!(SYS_mmap: &[&[lacks(2, libc::PROT_EXEC), has(3, libc::MAP_ANONYMOUS)]])];

/// Ending: by return, by panic (std asks for ids and raises SIGABRT on itself), by signal.
static ENDING: &[Call] = calls![
    SYS_exit_group SYS_exit SYS_rt_sigreturn SYS_rt_sigprocmask SYS_sigaltstack SYS_getpid
    SYS_gettid SYS_tgkill SYS_restart_syscall
];

/// What std itself needs between two lines of a program, and text on open descriptors.
static RUNNING: &[Call] = &[
    only!(SYS_read: &[]),
    only!(SYS_write: &[]),
    only!(SYS_writev: &[]),
    only!(SYS_close: &[]),
    only!(SYS_fstat: &[]),
    only!(SYS_futex: &[]),
    only!(SYS_getrandom: &[]),
    only!(SYS_sched_yield: &[]),
];

/// std checks in debug builds that a descriptor which it closes is open.
static CHECKING: &[Call] = &[only!(SYS_fcntl: &[&[is(1, libc::F_GETFD)], &[is(1, libc::F_GETFL)]])];

/// Clocks; mostly answered without a call (vdso(7)).
static CLOCKS: &[Call] = calls![
    SYS_clock_gettime SYS_clock_getres SYS_clock_nanosleep SYS_nanosleep SYS_gettimeofday
];

/// Waiting for descriptors.
#[cfg(target_arch = "x86_64")]
static WAITING: &[Call] = calls![SYS_ppoll SYS_poll];
/// Waiting for descriptors.
#[cfg(not(target_arch = "x86_64"))]
static WAITING: &[Call] = calls![SYS_ppoll];

/// Talking on sockets that are open already: packets, routes, and the resolver's.
static OPEN_SOCKETS: &[Call] =
    calls![SYS_sendto SYS_sendmsg SYS_recvfrom SYS_recvmsg SYS_getsockopt SYS_shutdown];

/// Starting the count of transmit stamps at 0 again after a failed send, on kernels before 6.13
/// (`sys::stamp::restart_count`). No other option can be set.
static STAMP_COUNT: &[Call] = &[only!(SYS_setsockopt: &[&[
    is(1, libc::SOL_SOCKET),
    is(2, libc::SO_TIMESTAMPING),
]])];

/// Collecting a resolver process that ended.
static CHILDREN: &[Call] = calls![SYS_wait4];

/// `rawsock ping`.
pub static PING: Need = Need {
    command: "ping",
    needs: "`CAP_NET_RAW`, or a group inside `net.ipv4.ping_group_range`",
    without: "exits 2, names what is missing and prints the command that grants it",
    files: &[],
    tcp_ports: &[],
    groups: &[
        OPEN_SOCKETS,
        WAITING,
        RUNNING,
        CHECKING,
        CLOCKS,
        MEMORY,
        NEW_MEMORY,
        ENDING,
        CHILDREN,
        STAMP_COUNT,
    ],
    on_other_call: OnOther::Kill,
};

/// New sockets for names: UDP, TCP, the local service's, and netlink (which addresses have we?).
static NAME_SOCKETS: &[Call] = &[
    only!(SYS_socket: &[
        &[is(0, libc::AF_INET), is_type(libc::SOCK_DGRAM)],
        &[is(0, libc::AF_INET), is_type(libc::SOCK_STREAM)],
        &[is(0, libc::AF_INET6), is_type(libc::SOCK_DGRAM)],
        &[is(0, libc::AF_INET6), is_type(libc::SOCK_STREAM)],
        &[is(0, libc::AF_UNIX)],
        &[is(0, libc::AF_NETLINK), is(2, libc::NETLINK_ROUTE)],
    ]),
    only!(SYS_bind: &[]),
    only!(SYS_connect: &[]),
    only!(SYS_getsockname: &[]),
    only!(SYS_sendmmsg: &[]),
    only!(SYS_recvmmsg: &[]),
    only!(SYS_setsockopt: &[]),
    only!(SYS_getpeername: &[]),
    // How many bytes wait (res_send), and is it a terminal (stdio).
    only!(SYS_ioctl: &[&[is_request(libc::FIONREAD)], &[is_request(libc::TCGETS)]]),
];

/// Configuration files and name service modules, which are code that dlopen(3) maps from files.
static NAME_FILES: &[Call] = &[
    only!(SYS_openat: &[]),
    only!(SYS_newfstatat: &[]),
    only!(SYS_statx: &[]),
    only!(SYS_lseek: &[]),
    only!(SYS_pread64: &[]),
    only!(SYS_readv: &[]),
    only!(SYS_readlinkat: &[]),
    only!(SYS_faccessat: &[]),
    only!(SYS_faccessat2: &[]),
    only!(SYS_getdents64: &[]),
    only!(SYS_getcwd: &[]),
    only!(SYS_mmap: &[
        &[lacks(2, libc::PROT_EXEC)],
        &[lacks(2, libc::PROT_WRITE), lacks(3, libc::MAP_ANONYMOUS)],
    ]),
];

/// The same by their old names.
#[cfg(target_arch = "x86_64")]
static NAME_FILES_OLD: &[Call] = calls![
    SYS_open SYS_stat SYS_lstat SYS_access SYS_readlink SYS_epoll_wait SYS_poll SYS_time
];
/// The same by their old names, which this processor never had.
#[cfg(not(target_arch = "x86_64"))]
static NAME_FILES_OLD: &[Call] = &[];

/// What name service modules use besides: their locks, identity, waiting and signal masks.
static NAME_MODULES: &[Call] = calls![
    SYS_ppoll SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_eventfd2 SYS_timerfd_create
    SYS_timerfd_settime SYS_rt_sigaction SYS_fcntl SYS_uname SYS_sysinfo SYS_getuid SYS_geteuid
    SYS_getgid SYS_getegid SYS_prlimit64 SYS_set_robust_list SYS_rseq SYS_dup SYS_prctl
];

/// The request of ioctl(2).
#[expect(
    clippy::cast_possible_truncation,
    reason = "requests have 32 bits (asm-generic/ioctl.h); libc's type for them is wider"
)]
const fn is_request(request: libc::Ioctl) -> Arg {
    Arg {
        index: 1,
        mask: u32::MAX,
        value: request as u32,
    }
}

/// The socket type without its flags (SOCK_CLOEXEC, SOCK_NONBLOCK of socket(2)).
const fn is_type(kind: libc::c_int) -> Arg {
    Arg {
        index: 1,
        mask: 0xf,
        value: kind.cast_unsigned(),
    }
}

/// The child that resolves names, for every command that takes one.
///
/// It runs the name service modules of the system, so it may load their code; it may not write,
/// execute, or open any socket but those for names.
pub static RESOLVER: Need = Need {
    command: "(name resolver)",
    needs: "nothing; started for a target that is a name, and for `-H`",
    without: "an address as target needs no resolver",
    files: &[
        "/etc",
        "/lib",
        "/lib64",
        "/usr",
        "/run",
        "/var/lib/sss",
        "/nix/store",
        "/gnu/store",
        // Wherever their links lead (WSL: /mnt/wsl/resolv.conf).
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
    ],
    // DNS over TCP, for answers that do not fit a datagram (RFC 7766), and over TLS.
    tcp_ports: &[53, 853],
    groups: &[
        OPEN_SOCKETS,
        RUNNING,
        CLOCKS,
        MEMORY,
        ENDING,
        NAME_SOCKETS,
        NAME_FILES,
        NAME_FILES_OLD,
        NAME_MODULES,
    ],
    on_other_call: OnOther::Refuse,
};

/// A command that prints what it knows, reads nothing from outside, and so keeps no sandbox.
const fn only_prints(command: &'static str, needs: &'static str) -> Need {
    Need {
        command,
        needs,
        without: "-",
        files: &[],
        tcp_ports: &[],
        groups: &[],
        on_other_call: OnOther::Kill,
    }
}

/// `rawsock caps`: children try the rights.
pub static CAPS: Need = only_prints("caps", "nothing; it tells what is there");

/// `rawsock man`.
pub static MAN: Need = only_prints("man", "nothing");

/// `rawsock filter`: reads an expression of the user's own, and starts the resolver for host names.
pub static FILTER: Need = only_prints("filter", "nothing");

/// `rawsock completions`.
pub static COMPLETIONS: Need = only_prints("completions", "nothing");

/// Writing files that are open already: cutting back to the last whole record, and to the disk.
static OPEN_FILES: &[Call] = calls![SYS_ftruncate SYS_fdatasync];

/// Making the next file of a rotation, which Landlock allows in one directory only: created for
/// writing, never through a link; locked; the oldest one removed.
static NEXT_FILES: &[Call] = &[
    only!(SYS_openat: &[&[has(2, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW)]]),
    only!(SYS_unlinkat: &[]),
    only!(SYS_flock: &[]),
];
/// The same by calls that only x86 still has (musl uses them).
#[cfg(target_arch = "x86_64")]
static NEXT_FILES_OLD: &[Call] = &[
    only!(SYS_open: &[&[has(1, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW)]]),
    only!(SYS_unlink: &[]),
];
/// The same by calls that only x86 still has.
#[cfg(not(target_arch = "x86_64"))]
static NEXT_FILES_OLD: &[Call] = &[];

/// What a live capture asks of its packet sockets and interfaces: the gate is closed at the end,
/// and an interface is looked at.
static CAPTURING: &[Call] = &[
    only!(SYS_recvmsg: &[]),
    only!(SYS_getsockopt: &[]),
    only!(SYS_setsockopt: &[&[is(1, libc::SOL_SOCKET), is(2, libc::SO_ATTACH_FILTER)]]),
    only!(SYS_ioctl: &[&[is_request(libc::SIOCGIFNAME)], &[is_request(libc::SIOCGIFFLAGS)]]),
];

/// Opening a file for anything but reading.
macro_rules! for_writing {
    ($flags:expr) => {
        &[
            &[masked($flags, libc::O_ACCMODE, libc::O_WRONLY)],
            &[masked($flags, libc::O_ACCMODE, libc::O_RDWR)],
            &[masked($flags, libc::O_ACCMODE, libc::O_ACCMODE)],
            &[has($flags, libc::O_CREAT)],
            &[has($flags, libc::O_TRUNC)],
        ]
    };
}

/// What no version of any library needs after the drop: who calls it was taken over. Kills where
/// other calls are only refused, unless the row allows it.
pub static FATAL: &[Call] = &[
    only!(SYS_execve: &[]),
    only!(SYS_execveat: &[]),
    only!(SYS_ptrace: &[]),
    only!(SYS_socket: &[]),
    only!(SYS_openat: for_writing!(2)),
    only!(SYS_mmap: &[&[has(2, libc::PROT_EXEC)]]),
    only!(SYS_mprotect: &[&[has(2, libc::PROT_EXEC)]]),
    only!(SYS_pkey_mprotect: &[&[has(2, libc::PROT_EXEC)]]),
];
/// The same by calls that only x86 still has.
#[cfg(target_arch = "x86_64")]
pub static FATAL_OLD: &[Call] = &[only!(SYS_open: for_writing!(1)), only!(SYS_creat: &[])];
/// The same by calls that only x86 still has.
#[cfg(not(target_arch = "x86_64"))]
pub static FATAL_OLD: &[Call] = &[];

/// `rawsock sniff`.
pub static SNIFF: Need = Need {
    command: "sniff",
    needs: "`CAP_NET_RAW`",
    without: "exits 2 and prints the command that grants it",
    files: &[],
    tcp_ports: &[],
    groups: &[
        CAPTURING, OPEN_FILES, WAITING, RUNNING, CHECKING, CLOCKS, MEMORY, NEW_MEMORY, ENDING,
    ],
    on_other_call: OnOther::Count,
};

/// `rawsock sniff` that makes one file after the other.
pub static SNIFF_SERIES: Need = Need {
    command: "(sniff with -C or -G)",
    needs: "`CAP_NET_RAW`",
    without: "exits 2 and prints the command that grants it",
    files: &[],
    tcp_ports: &[],
    groups: &[
        NEXT_FILES,
        NEXT_FILES_OLD,
        CAPTURING,
        OPEN_FILES,
        WAITING,
        RUNNING,
        CHECKING,
        CLOCKS,
        MEMORY,
        NEW_MEMORY,
        ENDING,
    ],
    on_other_call: OnOther::Count,
};

/// `rawsock read`.
pub static READ: Need = Need {
    command: "read",
    ..READS_FILES
};

/// A command that reads capture files, and may write one file that is open already.
const READS_FILES: Need = Need {
    command: "",
    needs: "nothing but the files",
    without: "-",
    files: &[],
    tcp_ports: &[],
    groups: &[
        OPEN_FILES, WAITING, RUNNING, CHECKING, CLOCKS, MEMORY, NEW_MEMORY, ENDING,
    ],
    on_other_call: OnOther::Count,
};

/// `rawsock read` that makes one file after the other.
pub static READ_SERIES: Need = Need {
    command: "(read with -C or -G)",
    needs: "nothing but the files",
    without: "-",
    files: &[],
    tcp_ports: &[],
    groups: &[
        NEXT_FILES,
        NEXT_FILES_OLD,
        OPEN_FILES,
        WAITING,
        RUNNING,
        CHECKING,
        CLOCKS,
        MEMORY,
        NEW_MEMORY,
        ENDING,
    ],
    on_other_call: OnOther::Count,
};

/// What the wire process of a lab does: frames by the batch, counters, its keeper.
static RELAYING: &[Call] = &[
    only!(SYS_recvmmsg: &[]),
    only!(SYS_sendmmsg: &[]),
    only!(SYS_sendto: &[]),
    only!(SYS_recvfrom: &[]),
    only!(SYS_getsockopt: &[]),
    // To end with the keeper, which a change of user undoes.
    only!(SYS_prctl: &[&[is(0, libc::PR_SET_PDEATHSIG)]]),
];

/// `rawsock lab`: the keeper parses no frame and keeps its rights, which are those of its own
/// namespaces where it is not root.
pub static LAB: Need = Need {
    without: "exits 2, says which rule refuses and prints the command that allows it",
    ..only_prints("lab", "user namespaces, or root")
};

/// `rawsock compare`: builds labs, and looks at what was on their wires when it has no rights left.
pub static COMPARE: Need = Need {
    command: "compare",
    needs: "user namespaces, or root",
    without: "exits 2, says which rule refuses and prints the command that allows it",
    files: &[],
    tcp_ports: &[],
    groups: &[
        OPEN_FILES, WAITING, RUNNING, CHECKING, CLOCKS, MEMORY, NEW_MEMORY, ENDING,
    ],
    on_other_call: OnOther::Kill,
};

/// `rawsock lesson`: starts the commands of its steps, each of which drops its own rights, and reads
/// what they print.
pub static LESSON: Need = Need {
    without: "the steps that need a lab say which rule refuses it, and the lesson exits 1",
    ..only_prints(
        "lesson",
        "what the commands of its steps need: user namespaces, or root",
    )
};

/// The process that is the wire of a lab.
pub static LAB_WIRE: Need = Need {
    command: "(lab wire)",
    needs: "nothing: its packet sockets are handed to it",
    without: "-",
    files: &[],
    tcp_ports: &[],
    groups: &[
        RELAYING, OPEN_FILES, WAITING, RUNNING, CHECKING, CLOCKS, MEMORY, NEW_MEMORY, ENDING,
    ],
    on_other_call: OnOther::Kill,
};

mod echo;
mod on_order;

pub use echo::{ECHO, ECHO_AGAIN};
pub use on_order::{CALL, WITNESS};
/// `rawsock explain`.
pub static EXPLAIN: Need = Need {
    command: "explain",
    ..READS_FILES
};
/// `rawsock ladder`.
pub static LADDER: Need = Need {
    command: "ladder",
    ..READS_FILES
};

/// `rawsock filter` over files.
pub static FILTER_FILES: Need = Need {
    command: "(filter with -r)",
    needs: "nothing but the files",
    without: "-",
    files: &[],
    tcp_ports: &[],
    groups: &[
        WAITING, RUNNING, CHECKING, CLOCKS, MEMORY, NEW_MEMORY, ENDING,
    ],
    on_other_call: OnOther::Count,
};

/// `rawsock igmp`.
pub static IGMP: Need = Need {
    command: "igmp",
    needs: "nothing to join; `CAP_NET_RAW` for `igmp query`",
    without: "exits 2 and prints the command that grants it; inside `lab` it needs no root",
    files: &[],
    tcp_ports: &[],
    groups: &[
        SENDING, WAITING, RUNNING, CHECKING, CLOCKS, MEMORY, NEW_MEMORY, ENDING,
    ],
    on_other_call: OnOther::Kill,
};

/// Datagrams on a socket that is open.
static SENDING: &[Call] = calls![SYS_sendto];

/// Every row, in the order of capabilities.md.
pub static COMMANDS: &[&Need] = &[
    &PING,
    &RESOLVER,
    &SNIFF,
    &SNIFF_SERIES,
    &READ,
    &READ_SERIES,
    &LAB,
    &LAB_WIRE,
    &COMPARE,
    &LESSON,
    &ECHO,
    &ECHO_AGAIN,
    &IGMP,
    &CALL,
    &WITNESS,
    &EXPLAIN,
    &LADDER,
    &CAPS,
    &FILTER,
    &FILTER_FILES,
    &MAN,
    &COMPLETIONS,
];
