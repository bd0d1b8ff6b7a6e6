//! The resolver process: drops everything first, then answers questions until we end.

use std::ffi::CString;
use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsFd;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use socket2::Socket;

use super::message::{Address, Answer, Family, MAX_ADDRESSES, QUESTION, Question};
use crate::privilege::{self, Options, table};
use crate::sys::dns::{self, Refusal};
use crate::sys::process;

/// The whole life of the child; the exit code.
pub(super) fn live(socket: &Socket) -> u8 {
    if prepare(socket).is_none() {
        return 1;
    }
    let mut message = [0; QUESTION];
    loop {
        // An end of file or an error: whoever asked is gone.
        match (&*socket).read(&mut message) {
            Ok(len) if len > 0 => {
                let Some((id, question)) = Question::decode(message.get(..len).unwrap_or(&[]))
                else {
                    return 1;
                };
                if (&*socket).write_all(&answer(question).encode(id)).is_err() {
                    return 0;
                }
            }
            _ => return 0,
        }
    }
}

/// Leaves terminal, environment and rights behind. `None` where something could not be left.
fn prepare(socket: &Socket) -> Option<()> {
    // Ctrl-C and Ctrl-\ go to the whole foreground group; whether we end is not theirs to say.
    let mut terminal = SigSet::empty();
    let typed = [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
    ];
    for signal in typed {
        terminal.add(signal);
    }
    terminal.thread_block().ok()?;
    // A reader of our standard output must not wait for this process.
    let null = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .ok()?;
    nix::unistd::dup2_stdin(&null).ok()?;
    nix::unistd::dup2_stdout(&null).ok()?;
    nix::unistd::dup2_stderr(&null).ok()?;
    drop(null);
    process::clear_environment().ok()?;
    process::end_with_peer(socket).ok()?;
    let options = Options {
        require_sandbox: false,
        keep: &[socket.as_fd()],
    };
    privilege::drop(&table::RESOLVER, &options).ok()?;
    // After the drop: a change of user clears it (prctl(2)). Where the parent's Landlock domain
    // keeps its signals in, `end_with_peer` alone does it.
    prctl::set_pdeathsig(Signal::SIGKILL).ok()
}

fn answer(question: Question) -> Answer {
    let answer = match question {
        Question::Addresses(family, name) => addresses(family, name),
        Question::Name(address) => dns::name_of(socket_address(address)).map(Answer::Name),
    };
    answer.unwrap_or_else(|Refusal { code, errno }| Answer::Refused { code, errno })
}

fn addresses(family: Family, name: Vec<u8>) -> Result<Answer, Refusal> {
    let not_known = Refusal {
        code: libc::EAI_NONAME,
        errno: 0,
    };
    let name = CString::new(name).map_err(|_| not_known)?;
    let family = match family {
        Family::Any => libc::AF_UNSPEC,
        Family::V4 => libc::AF_INET,
        Family::V6 => libc::AF_INET6,
    };
    let (found, canonical) = dns::addresses(&name, family, MAX_ADDRESSES)?;
    let mut addresses: Vec<Address> = Vec::with_capacity(found.len());
    for address in found.into_iter().map(address) {
        // /etc/hosts may name one address twice.
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(Answer::Addresses(addresses, canonical))
}

fn address(socket: SocketAddr) -> Address {
    let scope = match socket {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(v6) => v6.scope_id(),
    };
    Address {
        ip: socket.ip(),
        scope,
    }
}

fn socket_address(address: Address) -> SocketAddr {
    match address.ip {
        std::net::IpAddr::V4(ip) => SocketAddrV4::new(ip, 0).into(),
        std::net::IpAddr::V6(ip) => SocketAddrV6::new(ip, 0, 0, address.scope).into(),
    }
}
