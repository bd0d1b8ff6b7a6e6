//! Makes the calls of one statement: verbs to methods of the traced sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Type};

use super::convert::{closed, end_of, ends_of, errno, fd_of, name_of, state_of, waited};
use super::files;
use super::method::{self, Order};
use super::resolve::Purpose;
use super::side::{Bounded, Done, Ledger, Shared};
use super::sock::{Held, Sock, Store};
use super::tell;
use crate::call::address::{self, Family};
use crate::call::{Action, Arg, Call, Data, Do, Failure, Name, Outcome, Statement, Value};
use crate::net::traced::{Address, Traced, Tracer, Value as OptionValue, find_option};

/// Bytes that a receive asks for by default: the tutorial's number.
const READ_SIZE: usize = 1024;
/// What `makefile` asks for at once, as Python does (io.DEFAULT_BUFFER_SIZE).
const FILE_BUFFER: usize = 8192;

/// Does what a side is told.
pub struct Hand {
    side: String,
    shared: Shared,
    tracer: Tracer,
    ledger: Ledger,
    wait: Arc<Mutex<Bounded>>,
    store: Store,
}

/// Facts for the reader beside the outcome.
#[derive(Default)]
struct Beside {
    /// The socket that it was about.
    socket: Option<u32>,
    lines: Vec<String>,
    /// State of a connection whose socket is closed.
    state: Option<String>,
    /// End of a closed socket.
    end: Option<(u8, u16)>,
}

impl Hand {
    /// Nothing is open yet.
    pub fn new(
        side: &str,
        shared: Shared,
        tracer: Tracer,
        ledger: Ledger,
        wait: Arc<Mutex<Bounded>>,
    ) -> Self {
        Self {
            side: side.to_owned(),
            shared,
            tracer,
            ledger,
            wait,
            store: Store::default(),
        }
    }

    /// Makes a statement's calls.
    pub fn make(&mut self, statement: &Statement) -> Done {
        let clock = self.shared.clock;
        self.ledger.clear();
        let began = clock.now();
        let mut beside = Beside::default();
        let mut times = 0;
        let mut outcome = Ok(Value::Done);
        match &statement.action {
            Action::Call(call) => {
                for _ in 0..call.times {
                    let until = clock.mono().plus(self.shared.limit);
                    self.wait
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .until = until;
                    outcome = self.call(call, &mut beside);
                    if outcome.is_err() {
                        break;
                    }
                    times += 1;
                }
                if call.times > 1 {
                    beside
                        .lines
                        .push(format!("{times} of {} times", call.times));
                }
            }
            Action::Names => beside.lines = self.names(),
            _ => {}
        }
        if let (Err(Failure::Timeout), Some(number)) = (&outcome, beside.socket)
            && self
                .store
                .socket(number)
                .is_some_and(|sock| sock.timeout.is_none())
        {
            let limit = tell::span(self.shared.limit);
            beside.lines.push(format!(
                "our own limit of {limit} ended it (--limit; s.timeout sets another)"
            ));
        }
        let blocked = clock.mono().since(began.0);
        let (first, calls, more_calls) = self.ledger.take();
        let (state, end) = self.after(&mut beside);
        self.ledger.clear();
        Done {
            statement: statement.clone(),
            began: (first.unwrap_or(began.0), began.1),
            calls,
            more_calls,
            outcome,
            blocked,
            state,
            lines: beside.lines,
            end,
        }
    }

    /// State and local end of the socket after its call.
    fn after(&mut self, beside: &mut Beside) -> (Option<String>, Option<(u8, u16)>) {
        let sock = beside.socket.and_then(|number| self.store.socket(number));
        let Some(sock) = sock else {
            return (beside.state.take(), beside.end);
        };
        let tables = Arc::clone(&self.shared.tables);
        (state_of(sock, &tables), end_of(sock))
    }

    fn call(&mut self, call: &Call, beside: &mut Beside) -> Outcome {
        let outcome = match call.verb.does {
            Do::Socket => self.socket(call, beside),
            Do::SocketPair => self.pair(call),
            Do::Accept => self.accept(call, beside),
            Do::Close => self.close(call, beside),
            Do::MakeFile => self.makefile(call, beside),
            Do::ReadLine | Do::Read | Do::Write | Do::Flush => self.on_file(call, beside),
            _ => self.on_socket(call, beside),
        }?;
        self.assign(call, &outcome)?;
        Ok(outcome)
    }

    /// Gives names to what came, if it is a value; sockets and files were named when they were made.
    fn assign(&mut self, call: &Call, value: &Value) -> Result<(), Failure> {
        let parts = match (call.targets.as_slice(), value) {
            (
                [_, who],
                Value::Socket {
                    peer: Some(peer), ..
                },
            ) => {
                vec![(who, Value::Name(peer.clone()))]
            }
            ([], _) | (_, Value::Pair(..) | Value::File(_) | Value::Socket { .. }) => return Ok(()),
            ([data, who], Value::From { bytes, sender, .. }) => vec![
                (data, Value::Bytes(bytes.clone())),
                (who, Value::Name(sender.clone())),
            ],
            ([data], Value::From { bytes, .. }) => vec![(data, Value::Bytes(bytes.clone()))],
            ([name, ..], value) => vec![(name, value.clone())],
        };
        for (name, value) in parts {
            self.store.forget(name);
            self.shared.values.set(&self.side, name, value)?;
        }
        Ok(())
    }

    /// Names a new socket; the one that had the name before is closed, as in Python.
    fn name(&mut self, name: &str, held: Held) {
        self.shared.values.remove(&self.side, name);
        if let Some(lost) = self.store.name(name, held)
            && let Some(sock) = self.store.take(lost)
        {
            sock.traced.close();
        }
    }

    fn socket(&mut self, call: &Call, beside: &mut Beside) -> Outcome {
        let Some(Arg::Kind(kind)) = call.args.first() else {
            return Err(Failure::Refused("a socket has a kind".into()));
        };
        self.room()?;
        let (family, ty) = (Domain::from(kind.family), Type::from(kind.kind));
        if Family::of(kind.family).is_none() {
            return Err(Failure::Refused(format!(
                "family {}: sockets here are inet, inet6 and unix",
                kind.family
            )));
        }
        let made = Traced::socket(family, ty, kind.protocol, &self.tracer)
            .map_err(|error| errno(&error))?;
        let (number, fd) = self.take_in(made);
        beside.socket = Some(number);
        if let Some(sock) = self.store.socket(number) {
            beside.lines.push(chosen(sock, &self.ledger));
        }
        if let Some(name) = call.targets.first() {
            self.name(name, Held::Socket(number));
        }
        Ok(Value::Socket { fd, peer: None })
    }

    fn pair(&mut self, call: &Call) -> Outcome {
        self.room()?;
        let kind = match call.args.first() {
            // `socketpair dgram`; without words a stream.
            Some(Arg::Kind(kind)) => Type::from(kind.kind),
            _ => Type::STREAM,
        };
        let (one, other) = Traced::pair(kind, &self.tracer).map_err(|error| errno(&error))?;
        let mut fds = Vec::new();
        for (made, name) in [one, other].into_iter().zip(&call.targets) {
            let (number, fd) = self.take_in(made);
            self.name(name, Held::Socket(number));
            fds.push(fd);
        }
        match fds.as_slice() {
            [one, other] => Ok(Value::Pair(*one, *other)),
            _ => Err(Failure::Refused("a pair has two names".into())),
        }
    }

    fn accept(&mut self, call: &Call, beside: &mut Beside) -> Outcome {
        self.room()?;
        let number = self.number(call)?;
        beside.socket = Some(number);
        let sock = self.store.socket(number).ok_or_else(closed)?;
        let patient = sock.timeout != Some(Duration::ZERO);
        let (made, peer) = sock
            .traced
            .accept()
            .map_err(|error| waited(&error, patient))?;
        let (number, fd) = self.take_in(made);
        beside.socket = Some(number);
        if let Some(name) = call.targets.first() {
            self.name(name, Held::Socket(number));
        }
        Ok(Value::Socket {
            fd,
            peer: Some(name_of(peer)),
        })
    }

    fn close(&mut self, call: &Call, beside: &mut Beside) -> Outcome {
        if let Some(on) = &call.on
            && let Some(Held::File(number)) = self.store.named(&on.text)
        {
            return if self.store.take_file(number) {
                Ok(Value::Done)
            } else {
                Err(closed())
            };
        }
        let number = self.number(call)?;
        let mut sock = self.store.take(number).ok_or_else(closed)?;
        // What is left of the connection is looked up by its ends.
        let asked = self.ledger.len();
        let ends = ends_of(&mut sock);
        beside.end = end_of(&mut sock);
        self.ledger.cut(asked);
        let tcp = sock.protocol == 6 && sock.traced.kind() == Type::STREAM;
        sock.traced.close();
        if let (true, Some((local, peer))) = (tcp, ends) {
            beside.state = Some(self.left_over(local, peer));
        }
        Ok(Value::Done)
    }

    /// What the kernel still has of a connection that no descriptor has.
    fn left_over(&self, local: SocketAddr, peer: SocketAddr) -> String {
        match self.shared.tables.tcp_state(local, peer) {
            Some(state) => state.to_owned(),
            None => "gone".to_owned(),
        }
    }

    fn makefile(&mut self, call: &Call, beside: &mut Beside) -> Outcome {
        let number = self.number(call)?;
        beside.socket = Some(number);
        let sock = self.store.socket(number).ok_or_else(closed)?;
        // Its buffers are kept here: a name may stand for it as long as the script runs.
        drop(sock.traced.makefile(FILE_BUFFER));
        let fd = fd_of(&sock.traced);
        let file = self.store.add_file(number);
        if let Some(name) = call.targets.first() {
            self.name(name, Held::File(file));
        }
        Ok(Value::File(fd))
    }

    fn on_file(&mut self, call: &Call, beside: &mut Beside) -> Outcome {
        let name = call.on.as_ref().map_or("", |on| &on.text);
        let Some(Held::File(number)) = self.store.named(name) else {
            return Err(Failure::Refused(format!(
                "`{name}` is no file of this side: f = s.makefile"
            )));
        };
        let bytes = match call.args.first() {
            Some(arg @ (Arg::Data(_) | Arg::Name(_))) => Some(self.bytes(arg)?),
            _ => None,
        };
        let size = self.size(call, FILE_BUFFER)?;
        let (file, sock) = self.store.file(number).ok_or_else(closed)?;
        beside.socket = Some(file.socket);
        let patient = sock.timeout != Some(Duration::ZERO);
        let waited = |error| waited(&error, patient);
        match call.verb.does {
            Do::ReadLine => {
                files::readline(file, sock, FILE_BUFFER, &mut beside.lines).map_err(waited)
            }
            Do::Read => files::read(file, sock, size, FILE_BUFFER).map_err(waited),
            Do::Write => files::write(file, &bytes.unwrap_or_default()),
            _ => files::flush(file, sock).map_err(waited),
        }
    }

    /// Everything that is one method on one socket.
    fn on_socket(&mut self, call: &Call, beside: &mut Beside) -> Outcome {
        let number = self.number(call)?;
        beside.socket = Some(number);
        let to = self.address(call, number)?;
        let bytes = match (call.verb.does, call.args.as_slice()) {
            (Do::Send | Do::SendAll, [data, ..]) | (Do::SendTo, [_, data, ..]) => {
                self.bytes(data)?
            }
            _ => Vec::new(),
        };
        let flags = call.args.iter().find_map(|arg| match arg {
            Arg::Flags(bits) => Some(*bits),
            _ => None,
        });
        let value = match call.args.get(1) {
            Some(Arg::Word(word)) => word.clone(),
            Some(Arg::Name(word)) => match self.shared.values.get(&self.side, &word.text) {
                Some(Value::Int(number)) => number.to_string(),
                _ => word.text.clone(),
            },
            _ => String::new(),
        };
        let order = Order {
            does: call.verb.does,
            args: &call.args,
            to,
            bytes,
            size: self.size(call, READ_SIZE)?,
            flags: flags.unwrap_or(0),
            value,
            alone: self.shared.names.is_lab(),
        };
        let tables = Arc::clone(&self.shared.tables);
        let sock = self.store.socket(number).ok_or_else(closed)?;
        method::make(sock, &order, &tables, &mut beside.lines)
    }

    /// A new socket of ours: its number and descriptor.
    fn take_in(&mut self, traced: Traced) -> (u32, i32) {
        let fd = fd_of(&traced);
        let asked = self.ledger.len();
        let protocol = find_option("SO_PROTOCOL").and_then(|option| traced.getsockopt(option).ok());
        self.ledger.cut(asked);
        let protocol = match protocol {
            Some(OptionValue::Named(_, number) | OptionValue::Int(number)) => number,
            _ => 0,
        };
        let number = self.store.add(Sock {
            traced,
            timeout: None,
            ends: None,
            protocol: u8::try_from(protocol).unwrap_or(0),
        });
        (number, fd)
    }

    fn room(&self) -> Result<(), Failure> {
        if self.store.has_room() {
            return Ok(());
        }
        Err(Failure::Refused(
            "this side has 256 sockets open already".into(),
        ))
    }

    /// The socket that a call is made on.
    fn number(&mut self, call: &Call) -> Result<u32, Failure> {
        let Some(on) = &call.on else {
            let none = || Failure::Refused("no socket is open here: s = socket".into());
            return self.store.last.ok_or_else(none);
        };
        match self.store.named(&on.text) {
            Some(Held::Socket(number)) => {
                self.store.last = Some(number);
                Ok(number)
            }
            Some(Held::File(_)) => Err(Failure::Refused(format!(
                "`{}` is a file: it has readline, read, write, flush and close",
                on.text
            ))),
            None => Err(Failure::Refused(format!(
                "`{}` is no socket of {}",
                on.text,
                if self.side.is_empty() {
                    "this script".to_owned()
                } else {
                    format!("side {}", self.side)
                }
            ))),
        }
    }

    /// The address among the arguments.
    fn address(&mut self, call: &Call, number: u32) -> Result<Option<Address>, Failure> {
        let purpose = match call.verb.does {
            Do::Bind => Purpose::Bind,
            Do::Connect | Do::ConnectEx | Do::SendTo => Purpose::Reach,
            _ => return Ok(None),
        };
        let sock = self.store.socket(number).ok_or_else(closed)?;
        let family = Family::of(sock.traced.family().into());
        let family =
            family.ok_or_else(|| Failure::Refused("this family has no addresses here".into()))?;
        let written = match call.args.first() {
            Some(Arg::Address(written)) => written.clone(),
            Some(Arg::Name(word)) => match self.shared.values.get(&self.side, &word.text) {
                Some(Value::Name(Name::Inet(address))) => return Ok(Some(Address::Inet(address))),
                Some(Value::Name(Name::Path(path))) => crate::call::Address::Text(path),
                Some(Value::Name(Name::Abstract(name))) => {
                    return Ok(Some(Address::Abstract(name)));
                }
                Some(Value::Bytes(text)) => crate::call::Address::Text(text),
                Some(Value::Int(port)) => crate::call::Address::Text(port.to_string().into_bytes()),
                // A host may be called as a socket is.
                _ => crate::call::Address::Text(word.text.clone().into_bytes()),
            },
            _ => return Ok(None),
        };
        let place = address::read(&written, family).map_err(Failure::Refused)?;
        let found = self.shared.names.find(place, family, purpose);
        found.map(Some).map_err(Failure::Refused)
    }

    /// Bytes to send.
    fn bytes(&self, arg: &Arg) -> Result<Vec<u8>, Failure> {
        match arg {
            Arg::Data(Data::Bytes(bytes)) => Ok(bytes.clone()),
            Arg::Data(Data::Fill(size)) => Ok(vec![b'x'; *size]),
            Arg::Name(word) => match self.shared.values.get(&self.side, &word.text) {
                Some(Value::Bytes(bytes) | Value::From { bytes, .. }) => Ok(bytes),
                Some(other) => Err(Failure::Refused(format!(
                    "`{}` is {other}, not bytes",
                    word.text
                ))),
                None => Err(Failure::Refused(format!(
                    "`{}` stands for no bytes",
                    word.text
                ))),
            },
            _ => Ok(Vec::new()),
        }
    }

    /// How many bytes to ask for.
    fn size(&self, call: &Call, usual: usize) -> Result<usize, Failure> {
        if !matches!(call.verb.does, Do::Recv | Do::RecvFrom | Do::Read) {
            return Ok(0);
        }
        let asked = match call.args.first() {
            Some(Arg::Number(size)) => *size,
            Some(Arg::Name(word)) => match self.shared.values.get(&self.side, &word.text) {
                Some(Value::Int(size)) => size,
                _ => return Err(Failure::Refused(format!("`{}` is no number", word.text))),
            },
            _ => return Ok(usual),
        };
        let size = usize::try_from(asked)
            .ok()
            .filter(|size| *size <= crate::call::MAX_BYTES);
        size.ok_or_else(|| Failure::Refused(format!("{asked} is no size")))
    }

    /// What the names of this side stand for.
    fn names(&self) -> Vec<String> {
        let sockets = self.store.list().into_iter();
        let mut lines: Vec<String> = sockets
            .map(|(name, what)| format!("{name} = {what}"))
            .collect();
        for ((side, name), value) in self.shared.values.list() {
            if side == self.side {
                lines.push(format!("{name} = {value}"));
            }
        }
        lines
    }
}

/// `protocol 0: the kernel chose 6`.
fn chosen(sock: &mut Sock, ledger: &Ledger) -> String {
    let asked = ledger.len();
    let read = |name| {
        let option = find_option(name)?;
        sock.traced
            .getsockopt(option)
            .ok()
            .map(|value| value.to_string())
    };
    let told = ["SO_DOMAIN", "SO_TYPE", "SO_PROTOCOL"].map(read);
    ledger.cut(asked);
    let [domain, kind, protocol] = told.map(|value| value.unwrap_or_else(|| "?".into()));
    format!("the kernel chose: domain {domain}, type {kind}, protocol {protocol}")
}
