//! Reaching a lab from another terminal: an abstract socket, which nothing can leave behind, and
//! both sides look at each other's user. The keeper hands namespaces out and passes on what the
//! wire says, unread.

use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{ControlMessage, MsgFlags, getsockopt, sendmsg};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::enter::Door;
use super::run::{Run, Wire};
use crate::error::Error;
use crate::sys::{fds, netns};
use crate::wire::{Reply, Request};

/// What the names of all labs' sockets begin with; the user's number and the keeper's follow.
const PREFIX: &str = "rawsock-lab-";
/// Longest wait for one read or write of the other side.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest question, and longest message of an answer.
const MAX_QUESTION: usize = 128 * 1024;
const MAX_ANSWER: usize = 1 << 20;

/// What another terminal may ask.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Question {
    /// The namespaces of a host.
    Enter(String),
    /// Something for the wire.
    Wire(Request),
    /// The end.
    Down,
}

/// The keeper's socket. Opened before the keeper leaves the network in which others look for it.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
}

impl Listener {
    /// Opens `@rawsock-lab-UID-PID`.
    pub fn open() -> Result<Self, Error> {
        let name = format!("{PREFIX}{}-{}", geteuid(), std::process::id());
        let opened =
            SocketAddr::from_abstract_name(&name).and_then(|at| UnixListener::bind_addr(&at));
        opened
            .map(|listener| Self { listener })
            .map_err(|source| Error::Io {
                operation: "open",
                object: format!("the socket @{name}"),
                source,
            })
    }

    /// Answers from now on, in a thread; the stream that comes back ends when someone asks for the
    /// end of the lab.
    pub fn serve(self, run: &Run) -> Result<UnixStream, Error> {
        let failed = |source| Error::Io {
            operation: "serve",
            object: "the lab's socket".into(),
            source,
        };
        let (ended, ends) = UnixStream::pair().map_err(failed)?;
        let hosts: io::Result<Vec<(String, OwnedFd)>> = run
            .hosts()
            .iter()
            .map(|host| {
                Ok((
                    host.name().to_owned(),
                    host.namespace().try_clone_to_owned()?,
                ))
            })
            .collect();
        let keeper = Keeper {
            wire: run.wire(),
            hosts: hosts.map_err(failed)?,
            user: netns::current_user().map_err(failed)?,
            names: run.names().text(),
        };
        thread::Builder::new()
            .name("control".into())
            .spawn(move || {
                for client in self.listener.incoming() {
                    // One at a time, and none for long. What goes wrong is the client's.
                    let over = client.is_ok_and(|client| keeper.answer(&client).unwrap_or(false));
                    if over {
                        break;
                    }
                }
                drop(ends);
            })
            .map_err(failed)?;
        Ok(ended)
    }
}

/// What the thread answers from.
struct Keeper {
    wire: Arc<Wire>,
    hosts: Vec<(String, OwnedFd)>,
    user: OwnedFd,
    names: String,
}

impl Keeper {
    /// Answers one client; `true` if that ends the lab.
    fn answer(&self, client: &UnixStream) -> io::Result<bool> {
        let who = getsockopt(client, PeerCredentials)?;
        client.set_read_timeout(Some(PATIENCE))?;
        client.set_write_timeout(Some(PATIENCE))?;
        let say = |reply: &Reply| write_message(client, &reply.encode());
        if who.uid() != geteuid().as_raw() {
            say(&Reply::Refused("this lab is another user's".into()))?;
            return Ok(false);
        }
        let question = read_message(client, MAX_QUESTION)?;
        match serde_json::from_slice(&question) {
            Ok(Question::Enter(name)) => self.hand_out(client, &name)?,
            Ok(Question::Wire(request)) => {
                // All of it first: a client that stops reading must not stop the wire.
                let mut replies = Vec::new();
                let asked = self.wire.ask(&request, |reply| replies.push(reply));
                if let Err(error) = asked {
                    replies.push(Reply::Refused(error.to_string()));
                }
                replies.iter().try_for_each(say)?;
            }
            Ok(Question::Down) => {
                say(&Reply::Done)?;
                return Ok(true);
            }
            Err(_) => say(&Reply::Refused(
                "the lab does not know this question".into(),
            ))?,
        }
        Ok(false)
    }

    fn hand_out(&self, client: &UnixStream, name: &str) -> io::Result<()> {
        let Some((_, net)) = self.hosts.iter().find(|(known, _)| known == name) else {
            let names: Vec<&str> = self.hosts.iter().map(|(name, _)| name.as_str()).collect();
            let text = format!("there is no host {name}: {}", names.join(", "));
            return write_message(client, &Reply::Refused(text).encode());
        };
        write_message(client, &Reply::Text(self.names.clone()).encode())?;
        let mut numbers = vec![self.user.as_raw_fd(), net.as_raw_fd()];
        numbers.extend(self.wire.pids().map(AsRawFd::as_raw_fd));
        sendmsg::<()>(
            client.as_raw_fd(),
            &[IoSlice::new(b"f")],
            &[ControlMessage::ScmRights(&numbers)],
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        Ok(())
    }
}

/// A connection to a lab of this user.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the lab with this keeper, or to the only one that there is.
    pub fn connect(keeper: Option<u32>) -> Result<Self, Error> {
        let running = running()?;
        let hint = || Some("rawsock lab pair".to_owned());
        let usage = |message: String, fix: Option<String>| Err(Error::Usage { message, fix });
        let list: Vec<String> = running.iter().map(u32::to_string).collect();
        let pid = match (keeper, running.as_slice()) {
            (Some(pid), all) if all.contains(&pid) => pid,
            (Some(pid), _) => return usage(format!("no lab of yours has the number {pid}"), None),
            (None, []) => return usage("no lab of yours runs here".into(), hint()),
            (None, [one]) => *one,
            (None, [first, ..]) => {
                let message = format!("several labs run: say which, {}", list.join(", "));
                return usage(message, Some(format!("rawsock lab status --lab {first}")));
            }
        };
        let failed = |source| Error::Io {
            operation: "reach",
            object: format!("the lab {pid}"),
            source,
        };
        let name = format!("{PREFIX}{}-{pid}", geteuid());
        let stream = SocketAddr::from_abstract_name(name)
            .and_then(|at| UnixStream::connect_addr(&at))
            .map_err(failed)?;
        // Anyone may take an abstract name.
        let who = getsockopt(&stream, PeerCredentials)
            .map_err(io::Error::from)
            .map_err(failed)?;
        if who.uid() != geteuid().as_raw() {
            return Err(failed(io::ErrorKind::PermissionDenied.into()));
        }
        let limit = Some(PATIENCE + PATIENCE + PATIENCE);
        stream.set_read_timeout(limit).map_err(failed)?;
        stream.set_write_timeout(limit).map_err(failed)?;
        Ok(Self { stream })
    }

    /// Asks the wire; `take` gets each message of the answer. One question a connection.
    pub fn ask(self, request: Request, take: impl FnMut(Reply)) -> Result<(), Error> {
        self.question(&Question::Wire(request), take)
    }

    /// Ends the lab.
    pub fn down(self) -> Result<(), Error> {
        self.question(&Question::Down, |_| {})?;
        // It is gone when its socket is.
        let mut rest = Vec::new();
        let _ = (&self.stream).take(1).read_to_end(&mut rest);
        Ok(())
    }

    /// The way into a host.
    pub fn enter(self, host: &str) -> Result<Door, Error> {
        let mut names = String::new();
        self.question(&Question::Enter(host.to_owned()), |reply| {
            if let Reply::Text(text) = reply {
                names = text;
            }
        })?;
        let mut byte = [0];
        let got = fds::receive(self.stream.as_fd(), &mut [IoSliceMut::new(&mut byte)]);
        let mut got = got.map_err(gone)?.into_iter();
        match (got.next(), got.next(), got.next()) {
            (Some(user), Some(net), pids) => Ok(Door {
                user,
                net,
                pids,
                names,
            }),
            _ => Err(gone(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn question(&self, question: &Question, mut take: impl FnMut(Reply)) -> Result<(), Error> {
        let text = serde_json::to_vec(question).unwrap_or_default();
        write_message(&self.stream, &text).map_err(gone)?;
        loop {
            let message = read_message(&self.stream, MAX_ANSWER).map_err(gone)?;
            let reply = Reply::decode(&message);
            let reply = reply.ok_or_else(|| gone(io::ErrorKind::InvalidData.into()))?;
            if let Reply::Refused(message) = reply {
                return Err(Error::Usage { message, fix: None });
            }
            let last = reply.is_last();
            take(reply);
            if last {
                return Ok(());
            }
        }
    }
}

/// The keepers of this user's labs that can be reached from this network.
pub fn running() -> Result<Vec<u32>, Error> {
    let path = "/proc/thread-self/net/unix";
    let text = fs::read(path).map_err(|source| Error::Io {
        operation: "read",
        object: path.into(),
        source,
    })?;
    let prefix = format!("@{PREFIX}{}-", geteuid());
    let text = String::from_utf8_lossy(&text);
    let names = text
        .lines()
        .filter_map(|line| line.split_whitespace().nth(7));
    let mut found: Vec<u32> = names
        .filter_map(|name| name.strip_prefix(&prefix)?.parse().ok())
        .collect();
    // Accepted connections have the name too.
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Length, then the bytes.
fn write_message(mut to: &UnixStream, bytes: &[u8]) -> io::Result<()> {
    let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let mut message = len.to_le_bytes().to_vec();
    message.extend_from_slice(bytes);
    to.write_all(&message)
}

fn read_message(mut from: &UnixStream, most: usize) -> io::Result<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = usize::try_from(u32::from_le_bytes(len)).map_err(io::Error::other)?;
    if len > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; len];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn gone(source: io::Error) -> Error {
    Error::Io {
        operation: "ask",
        object: "the lab".into(),
        source,
    }
}
