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
    /// Allowed system calls, in groups that rows share.
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

/// Memory for data, never for code: without this pair nothing that came in can be executed.
static MEMORY: &[Call] = &[
    only!(SYS_mmap: &[&[lacks(2, libc::PROT_EXEC), has(3, libc::MAP_ANONYMOUS)]]),
    only!(SYS_mprotect: &[&[lacks(2, libc::PROT_EXEC)]]),
    only!(SYS_munmap: &[]),
    only!(SYS_mremap: &[]),
    only!(SYS_madvise: &[]),
    only!(SYS_brk: &[]),
];

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
    // std checks in debug builds that a descriptor which it closes is open.
    only!(SYS_fcntl: &[&[is(1, libc::F_GETFD)], &[is(1, libc::F_GETFL)]]),
];

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

/// Talking on sockets that are open already. `connect` and `getsockname` ask the kernel for the
/// source address of a route, on a UDP socket opened before; Landlock refuses it for TCP.
static OPEN_SOCKETS: &[Call] = calls![
    SYS_sendto SYS_sendmsg SYS_recvfrom SYS_recvmsg SYS_sendmmsg SYS_recvmmsg SYS_connect
    SYS_getsockname SYS_getsockopt
];

/// Collecting a resolver process that ended.
static CHILDREN: &[Call] = calls![SYS_wait4];

/// `rawsock ping`.
pub static PING: Need = Need {
    command: "ping",
    needs: "`CAP_NET_RAW`, or a group inside `net.ipv4.ping_group_range`",
    without: "exits 2, names what is missing and prints the command that grants it",
    groups: &[
        OPEN_SOCKETS,
        WAITING,
        RUNNING,
        CLOCKS,
        MEMORY,
        ENDING,
        CHILDREN,
    ],
    on_other_call: OnOther::Kill,
};

/// Every row, in the order of capabilities.md.
pub static COMMANDS: &[&Need] = &[&PING];
