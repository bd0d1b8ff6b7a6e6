//! Who the process is: capabilities, user, groups, no_new_privs, dumpable.

use std::ffi::OsString;
use std::io;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{Gid, ROOT, Uid, getgid, getresuid, setgroups, setresgid, setresuid};

use super::{Report, failed};
use crate::error::Error;
use crate::sys::cred;

/// `nobody` and `nogroup`: by number, because a name service would have to open files.
const NOBODY: u32 = 65534;

/// A user and a group to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    uid: u32,
    gid: u32,
}

/// Gives up capabilities, the root user and its groups. `keep_root`: stays uid 0 where there is no
/// user to become but nobody. `keep_raw`: CAP_NET_RAW stays, where it was there.
pub(super) fn drop(keep_root: bool, keep_raw: bool, report: &mut Report) -> Result<(), Error> {
    // Needs CAP_SETPCAP. A user's own bounding set gives no right: with no_new_privs nothing that
    // could be executed would gain from it, and the filter refuses execve.
    match cred::drop_bounding_set() {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
            report
                .notes
                .push("bounding set kept: dropping it needs CAP_SETPCAP".into());
        }
        Err(error) => return Err(failed("drop", "the capability bounding set")(error)),
    }
    cred::clear_ambient_set().map_err(failed("clear", "the ambient capabilities"))?;
    if keep_raw {
        keep_over_change()?;
    }
    leave_root(keep_root, report)?;
    if keep_raw {
        cred::keep_net_raw().map_err(failed("drop", "capabilities but CAP_NET_RAW"))?;
    } else {
        cred::clear_capabilities().map_err(failed("drop", "capabilities"))?;
    }
    prctl::set_no_new_privs()
        .map_err(io::Error::from)
        .map_err(failed("set", "no_new_privs"))?;
    prctl::set_dumpable(false)
        .map_err(io::Error::from)
        .map_err(failed("clear", "the dumpable flag"))?;
    report.uid = Uid::effective().as_raw();
    report.gid = Gid::effective().as_raw();
    Ok(())
}

/// A change of the user would clear the permitted set of this thread too (capabilities(7)). The flag
/// lasts until execve, which the filter forbids.
pub(super) fn keep_over_change() -> Result<(), Error> {
    prctl::set_keepcaps(true)
        .map_err(io::Error::from)
        .map_err(failed("keep", "CAP_NET_RAW"))
}

/// What [`drop`] does for the process, for another thread of it; the user is the process's.
pub(super) fn drop_thread() -> Result<(), Error> {
    cred::clear_ambient_set().map_err(failed("clear", "the ambient capabilities"))?;
    cred::keep_net_raw().map_err(failed("drop", "capabilities but CAP_NET_RAW"))?;
    prctl::set_no_new_privs()
        .map_err(io::Error::from)
        .map_err(failed("set", "no_new_privs"))
}

/// Becomes the invoking user, or nobody, where any of the three user ids is root.
fn leave_root(keep_root: bool, report: &mut Report) -> Result<(), Error> {
    let ids = getresuid()
        .map_err(io::Error::from)
        .map_err(failed("read", "the user ids"))?;
    if ![ids.real, ids.effective, ids.saved].contains(&ROOT) {
        return only_real(ids.real)
            .map_err(failed("give up", "the user or group of the program file"));
    }
    let identity = if ids.real == ROOT {
        match invoker(std::env::var_os("SUDO_UID"), std::env::var_os("SUDO_GID")) {
            Some(user) => user,
            None if keep_root => {
                let note = "stays uid 0, without capabilities: the files are root's";
                report.notes.push(note.into());
                // Root's other groups are rights too. Refused in a user namespace.
                let _ = setgroups(&[]);
                return Ok(());
            }
            None => Identity {
                uid: NOBODY,
                gid: NOBODY,
            },
        }
    } else {
        // A setuid-root binary: the environment belongs to the caller and is not believed.
        Identity {
            uid: ids.real.as_raw(),
            gid: getgid().as_raw(),
        }
    };
    match become_user(identity).or_else(|errno| match errno {
        // Not mapped in this user namespace: nobody may be.
        Errno::EINVAL => become_user(Identity { uid: NOBODY, gid: NOBODY }),
        other => Err(other),
    }) {
        Ok(()) => {}
        // user_namespaces(7): the only mapped user is the one who made the namespace.
        Err(Errno::EINVAL) => report.notes.push(
            "stays uid 0 of its user namespace, which maps no other user: outside it is the user who made it".into(),
        ),
        Err(errno) => report
            .missing
            .push(format!("stays root (without capabilities): cannot change the user: {errno}")),
    }
    Ok(())
}

/// Back to the caller alone, where a setuid or setgid bit of the program file lent another user or
/// group that is not root. Always allowed: the real ids are ours (setresuid(2)).
fn only_real(uid: Uid) -> io::Result<()> {
    let gid = getgid();
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    Ok(())
}

/// Groups, gid, uid, in this order: each step takes away the right to do the one before.
fn become_user(identity: Identity) -> Result<(), Errno> {
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    match setgroups(&[]) {
        // user_namespaces(7): refused for good where /proc/PID/setgroups says "deny".
        Ok(()) | Err(Errno::EPERM) => {}
        Err(errno) => return Err(errno),
    }
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

/// The user that sudo names. Root is never the answer.
fn invoker(uid: Option<OsString>, gid: Option<OsString>) -> Option<Identity> {
    let number = |text: Option<OsString>| -> Option<u32> {
        text?
            .to_str()?
            .parse()
            .ok()
            .filter(|id| *id != 0 && *id != u32::MAX)
    };
    Some(Identity {
        uid: number(uid)?,
        gid: number(gid).unwrap_or(NOBODY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudo_user_is_believed_only_as_a_number_that_is_not_root() {
        let cases = [
            (
                Some("1000"),
                Some("1001"),
                Some(Identity {
                    uid: 1000,
                    gid: 1001,
                }),
            ),
            (
                Some("1000"),
                None,
                Some(Identity {
                    uid: 1000,
                    gid: NOBODY,
                }),
            ),
            (
                Some("1000"),
                Some("0"),
                Some(Identity {
                    uid: 1000,
                    gid: NOBODY,
                }),
            ),
            (Some("0"), Some("0"), None),
            (Some("4294967295"), Some("5"), None),
            (Some("-1"), Some("5"), None),
            (Some("1000 "), Some("5"), None),
            (Some("root"), Some("5"), None),
            (Some(""), None, None),
            (None, Some("1000"), None),
            (None, None, None),
        ];
        for (uid, gid, expected) in cases {
            assert_eq!(
                invoker(uid.map(OsString::from), gid.map(OsString::from)),
                expected,
                "{uid:?} {gid:?}"
            );
        }
    }
}
