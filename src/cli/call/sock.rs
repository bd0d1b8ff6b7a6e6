//! What a side holds: its sockets, files and names, all of them bounded.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::call::{Failure, Value};
use crate::net::traced::Traced;

/// Most sockets of one side.
const MAX_SOCKETS: usize = 256;
/// Most bytes that names stand for, over all sides.
const MAX_HELD: usize = 256 << 20;

/// A socket of the script.
pub struct Sock {
    /// The socket.
    pub traced: Traced,
    /// The user's limit (`s.timeout`); `None`: none, so ours holds.
    pub timeout: Option<Duration>,
    /// Both ends, as they were told last.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// The protocol that the kernel chose; 0 for unix sockets.
    pub protocol: u8,
}

/// A file over a socket.
#[derive(Debug, Default)]
pub struct Filed {
    /// Which socket.
    pub socket: u32,
    /// Received and not read.
    pub read: Vec<u8>,
    /// Written and not sent.
    pub written: Vec<u8>,
    /// The peer has closed.
    pub ended: bool,
}

/// What a name of this side stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A socket, by its number here.
    Socket(u32),
    /// A file.
    File(u32),
}

/// Values by side and name: other sides may read them.
#[derive(Clone, Default)]
pub struct Values(Arc<Mutex<HashMap<(String, String), Value>>>);

impl Values {
    /// What the name stands for: on this side, else on the only other one that has it.
    pub fn get(&self, side: &str, name: &str) -> Option<Value> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = held.get(&(side.to_owned(), name.to_owned())) {
            return Some(value.clone());
        }
        let mut others = held.iter().filter(|((_, known), _)| known == name);
        let first = others.next();
        if others.next().is_some() {
            return None;
        }
        first.map(|(_, value)| value.clone())
    }

    /// Gives a value a name; refuses what would hold too much memory.
    pub fn set(&self, side: &str, name: &str, value: Value) -> Result<(), Failure> {
        let size = |value: &Value| match value {
            Value::Bytes(bytes) | Value::From { bytes, .. } => bytes.len(),
            _ => 64,
        };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (side.to_owned(), name.to_owned());
        held.remove(&key);
        let all: usize = held.values().map(size).sum();
        if all.saturating_add(size(&value)) > MAX_HELD {
            return Err(Failure::Refused(format!(
                "the names of this script would hold more than {MAX_HELD} bytes"
            )));
        }
        held.insert(key, value);
        Ok(())
    }

    /// A name that stands for something else now.
    pub fn remove(&self, side: &str, name: &str) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&(side.to_owned(), name.to_owned()));
    }

    /// Names and values, in order, for `vars`.
    pub fn list(&self) -> Vec<((String, String), Value)> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = held
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        list.sort_by(|one, other| one.0.cmp(&other.0));
        list
    }
}

/// The sockets and files of one side.
#[derive(Default)]
pub struct Store {
    sockets: BTreeMap<u32, Sock>,
    files: BTreeMap<u32, Filed>,
    names: HashMap<String, Held>,
    next: u32,
    /// The socket that was made or named last.
    pub last: Option<u32>,
}

impl Store {
    /// Room for one more.
    pub fn has_room(&self) -> bool {
        self.sockets.len() < MAX_SOCKETS
    }

    /// Takes a socket in; gives its number.
    pub fn add(&mut self, sock: Sock) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.sockets.insert(self.next, sock);
        self.last = Some(self.next);
        self.next
    }

    /// Takes a file in; gives its number.
    pub fn add_file(&mut self, socket: u32) -> u32 {
        self.next = self.next.wrapping_add(1);
        let file = Filed {
            socket,
            ..Filed::default()
        };
        self.files.insert(self.next, file);
        self.next
    }

    /// What a name stands for here.
    pub fn named(&self, name: &str) -> Option<Held> {
        self.names.get(name).copied()
    }

    /// Names a socket or file; gives the socket that has no name any more, for closing, as Python
    /// does.
    pub fn name(&mut self, name: &str, held: Held) -> Option<u32> {
        let before = self.names.insert(name.to_owned(), held);
        match before {
            Some(Held::Socket(number)) if before != Some(held) => {
                let used = self
                    .names
                    .values()
                    .any(|held| *held == Held::Socket(number))
                    || self.files.values().any(|file| file.socket == number);
                (!used).then_some(number)
            }
            _ => None,
        }
    }

    /// A name that stands for a value now; as [`Store::name`].
    pub fn forget(&mut self, name: &str) {
        self.names.remove(name);
    }

    /// A socket.
    pub fn socket(&mut self, number: u32) -> Option<&mut Sock> {
        self.sockets.get_mut(&number)
    }

    /// A file and its socket.
    pub fn file(&mut self, number: u32) -> Option<(&mut Filed, &mut Sock)> {
        let file = self.files.get_mut(&number)?;
        let sock = self.sockets.get_mut(&file.socket)?;
        Some((file, sock))
    }

    /// Takes a socket out, for closing.
    pub fn take(&mut self, number: u32) -> Option<Sock> {
        if self.last == Some(number) {
            self.last = None;
        }
        self.sockets.remove(&number)
    }

    /// Takes a file out.
    pub fn take_file(&mut self, number: u32) -> bool {
        self.files.remove(&number).is_some()
    }

    /// Sockets with their names, for `vars`.
    pub fn list(&self) -> Vec<(String, String)> {
        use std::os::fd::{AsFd, AsRawFd};
        let mut list: Vec<(String, String)> = self
            .names
            .iter()
            .map(|(name, held)| {
                let text = match held {
                    Held::Socket(number) => match self.sockets.get(number) {
                        Some(sock) => format!("socket, fd {}", sock.traced.as_fd().as_raw_fd()),
                        None => "a closed socket".to_owned(),
                    },
                    Held::File(_) => "a file over a socket".to_owned(),
                };
                (name.clone(), text)
            })
            .collect();
        list.sort();
        list
    }
}
