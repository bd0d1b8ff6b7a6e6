//! System calls that a seccomp filter turns into SIGSYS (SECCOMP_RET_TRAP, seccomp(2)): the handler
//! lets the call fail with EPERM and counts it, so that a run goes on and can tell what it lacked.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;

/// Numbers that are counted one by one. Linux has 470 calls on the processors that we know.
const KNOWN: usize = 512;

static COUNTS: [AtomicU32; KNOWN] = [const { AtomicU32::new(0) }; KNOWN];
/// Numbers beyond: calls of another processor mode.
static OTHERS: AtomicU32 = AtomicU32::new(0);

/// `si_code` of a signal that seccomp raised (asm-generic/siginfo.h).
const SYS_SECCOMP: libc::c_int = 1;

/// What a refused call gives back.
const REFUSED: i32 = -libc::EPERM;

/// Takes SIGSYS from now on, and lets it come where a parent blocked it.
pub fn install() -> io::Result<()> {
    // SAFETY: all-zero is a valid sigaction: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = answer;
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: `action` is a whole sigaction, and its handler only stores into atomics and into the
    // context that it is given, which is safe in a handler (signal-safety(7)).
    let set = unsafe { libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) };
    Errno::result(set)?;
    let mut only = nix::sys::signal::SigSet::empty();
    only.add(nix::sys::signal::Signal::SIGSYS);
    only.thread_unblock().map_err(io::Error::from)
}

/// Call numbers and how often each was refused; -1 stands for numbers that no Linux call has.
pub fn counts() -> Vec<(i64, u32)> {
    let known = (0..).zip(&COUNTS);
    let all = known.chain([(-1, &OTHERS)]);
    all.map(|(number, count)| (number, count.load(Ordering::Relaxed)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

extern "C" fn answer(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel gives a siginfo_t and a ucontext_t that live until the
    // handler returns, and nobody else uses them (sigaction(2)).
    let (code, context) = unsafe { ((*info).si_code, &mut *context.cast::<libc::ucontext_t>()) };
    if code != SYS_SECCOMP {
        // Somebody sent it: no call was refused, and no register is ours to change.
        return;
    }
    let number = refuse(context);
    let count = usize::try_from(number).ok().and_then(|at| COUNTS.get(at));
    count.unwrap_or(&OTHERS).fetch_add(1, Ordering::Relaxed);
}

// The kernel has put back the registers as they were at the call (syscall_rollback), so the number
// is still there, and what the handler leaves is what the caller sees.

#[cfg(target_arch = "x86_64")]
fn refuse(context: &mut libc::ucontext_t) -> i64 {
    let register = &mut context.uc_mcontext.gregs[libc::REG_RAX as usize];
    std::mem::replace(register, REFUSED.into())
}

#[cfg(target_arch = "aarch64")]
fn refuse(context: &mut libc::ucontext_t) -> i64 {
    let registers = &mut context.uc_mcontext.regs;
    registers[0] = i64::from(REFUSED).cast_unsigned();
    registers[8].cast_signed()
}

#[cfg(target_arch = "riscv64")]
fn refuse(context: &mut libc::ucontext_t) -> i64 {
    let registers = &mut context.uc_mcontext.__gregs;
    registers[libc::REG_A0] = i64::from(REFUSED).cast_unsigned();
    registers[libc::REG_A0 + 7].cast_signed()
}
