//! Capabilities and descriptors of this process: the calls that neither std nor nix has.
//!
//! Users, groups and no_new_privs are in nix; `privilege` puts all of them in order.

use std::io;
use std::os::fd::RawFd;

use nix::errno::Errno;

/// The highest capability number that the ABI has room for (two 32-bit words, capabilities(7)).
const LAST_POSSIBLE: libc::c_ulong = 63;

/// Takes every capability out of the bounding set (prctl(2), PR_CAPBSET_DROP).
///
/// `EPERM` without CAP_SETPCAP: then nothing was changed.
pub fn drop_bounding_set() -> io::Result<()> {
    for capability in 0..=LAST_POSSIBLE {
        // SAFETY: PR_CAPBSET_DROP takes one number and no pointer.
        let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        if result == -1 {
            return match Errno::last() {
                // The first number that this kernel does not know: all known ones are gone.
                Errno::EINVAL if capability > 0 => Ok(()),
                errno => Err(errno.into()),
            };
        }
    }
    Ok(())
}

/// Empties the ambient set (prctl(2), PR_CAP_AMBIENT_CLEAR_ALL).
pub fn clear_ambient_set() -> io::Result<()> {
    // SAFETY: PR_CAP_AMBIENT_CLEAR_ALL takes numbers and no pointer.
    let result = unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        )
    };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// `struct __user_cap_header_struct` of linux/capability.h.
#[repr(C)]
struct CapHeader {
    version: u32,
    pid: libc::c_int,
}

/// `struct __user_cap_data_struct` of linux/capability.h; version 3 takes two.
#[repr(C)]
#[derive(Clone, Copy)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`: 64-bit sets.
const VERSION_3: u32 = 0x2008_0522;

/// No capability.
const NOTHING: CapData = CapData {
    effective: 0,
    permitted: 0,
    inheritable: 0,
};

/// Empties the effective, permitted and inheritable sets of the calling thread (capset(2)).
pub fn clear_capabilities() -> io::Result<()> {
    set([NOTHING; 2])
}

/// [`clear_capabilities`], but CAP_NET_RAW stays effective where it is permitted.
pub fn keep_net_raw() -> io::Result<()> {
    /// CAP_NET_RAW of linux/capability.h.
    const NET_RAW: u32 = 1 << 13;
    let mut header = CapHeader {
        version: VERSION_3,
        pid: 0,
    };
    let mut now = [NOTHING; 2];
    // SAFETY: both pointers are to live values of the layout that version 3 names (one header,
    // two data words); the kernel may write both and keeps no pointer.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, now.as_mut_ptr()) };
    Errno::result(result)?;
    let kept = now[0].permitted & NET_RAW;
    let raw = CapData {
        effective: kept,
        permitted: kept,
        inheritable: 0,
    };
    set([raw, NOTHING])
}

/// capset(2) for the calling thread.
fn set(data: [CapData; 2]) -> io::Result<()> {
    let header = CapHeader {
        version: VERSION_3,
        pid: 0,
    };
    // SAFETY: both pointers are to live values of the layout that version 3 names (one header,
    // two data words); the kernel only reads them.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) };
    Errno::result(result).map(drop).map_err(Into::into)
}

/// Closes the open descriptors from `first` to `last`, both included (close_range(2), Linux 5.9).
pub fn close_range(first: RawFd, last: RawFd) -> io::Result<()> {
    // SAFETY: takes numbers and no pointer. That nobody owns these descriptors any more is the
    // promise of the caller: `privilege::drop` documents it.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    Errno::result(result).map(drop).map_err(Into::into)
}
