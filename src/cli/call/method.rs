//! One method on one socket.

use std::net::Shutdown;
use std::time::Duration;

use super::convert::{
    count, done, errno, linger_words, name_of, named, option_value, unknown_option, waited,
};
use super::sock::Sock;
use super::tables::Tables;
use super::tell;
use crate::call::{Arg, Do, Failure, Name, Outcome, Value};
use crate::net::traced::{Address, SocketOption, find_option};

/// The queue of `listen` without a number: the tutorial's.
const BACKLOG: i64 = 5;

/// A method with its arguments, names replaced by what they stand for.
pub struct Order<'a> {
    /// Which method.
    pub does: Do,
    /// The arguments as they were written.
    pub args: &'a [Arg],
    /// The address among them.
    pub to: Option<Address>,
    /// The bytes among them.
    pub bytes: Vec<u8>,
    /// How many bytes to ask for.
    pub size: usize,
    /// Flags of a receive.
    pub flags: i32,
    /// An option's value.
    pub value: String,
    /// Nobody but the script is on this network (a lab).
    pub alone: bool,
}

impl Order<'_> {
    fn word(&self) -> Option<&str> {
        match self.args.first() {
            Some(Arg::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn option(&self) -> Result<&'static SocketOption, Failure> {
        let name = self.word().unwrap_or("");
        find_option(name).ok_or_else(|| unknown_option(name))
    }
}

/// Makes the call. Sentences for the reader go to `lines`.
pub fn make(
    sock: &mut Sock,
    order: &Order<'_>,
    tables: &Tables,
    lines: &mut Vec<String>,
) -> Outcome {
    match order.does {
        Do::Recv | Do::RecvFrom | Do::Send | Do::SendAll | Do::SendTo => {
            transfer(sock, order, lines)
        }
        Do::Bind | Do::Connect | Do::ConnectEx => place(sock, order, lines),
        Do::SetOption | Do::GetOption | Do::Options | Do::TcpInfo | Do::State | Do::Ls => {
            inquire(sock, order, tables, lines)
        }
        _ => set_up(sock, order),
    }
}

/// Moving bytes.
fn transfer(sock: &mut Sock, order: &Order<'_>, lines: &mut Vec<String>) -> Outcome {
    let never_waits = sock.timeout == Some(Duration::ZERO) || order.flags & libc::MSG_DONTWAIT != 0;
    let waited = |error| waited(&error, !never_waits);
    match (order.does, &order.to) {
        (Do::Recv, _) => {
            let mut buffer = vec![0; order.size];
            let len = sock.traced.recv(&mut buffer, order.flags).map_err(waited)?;
            if len > order.size {
                lines.push(format!("MSG_TRUNC: the message had {len} bytes"));
            }
            buffer.truncate(len);
            Ok(Value::Bytes(buffer))
        }
        (Do::RecvFrom, _) => {
            let mut buffer = vec![0; order.size];
            let got = sock
                .traced
                .recvfrom(&mut buffer, order.flags)
                .map_err(waited)?;
            if let Some(lost) = got.overflow {
                lines.push(format!(
                    "SO_RXQ_OVFL: this socket's full queue has thrown away {lost} before it"
                ));
            }
            buffer.truncate(got.len);
            Ok(Value::From {
                bytes: buffer,
                whole: (got.full > got.len).then_some(got.full),
                sender: got.from.map_or(Name::Unnamed, name_of),
            })
        }
        (Do::Send, _) => sock.traced.send(&order.bytes).map(count).map_err(waited),
        (Do::SendTo, Some(to)) => sock
            .traced
            .sendto(&order.bytes, to)
            .map(count)
            .map_err(waited),
        _ => {
            let sent = sock.traced.sendall(&order.bytes);
            sent.map(|()| Value::None).map_err(waited)
        }
    }
}

/// Its own end and the other.
fn place(sock: &mut Sock, order: &Order<'_>, lines: &mut Vec<String>) -> Outcome {
    let patient = sock.timeout != Some(Duration::ZERO);
    let Some(to) = &order.to else {
        return Err(Failure::Refused("an address is missing".into()));
    };
    match order.does {
        Do::Bind => {
            sock.traced.bind(to).map_err(|error| errno(&error))?;
            if !to.is_loopback() && !order.alone {
                lines.push("not the loopback: others on the network may reach it".into());
            }
            Ok(Value::Done)
        }
        Do::Connect => sock
            .traced
            .connect(to)
            .map(done)
            .map_err(|error| waited(&error, patient)),
        _ => Ok(Value::Int(sock.traced.connect_ex(to).into())),
    }
}

/// Names, limits, and what needs no more than a call.
fn set_up(sock: &mut Sock, order: &Order<'_>) -> Outcome {
    let first = order.args.first();
    match order.does {
        Do::Listen => {
            let backlog = match first {
                Some(Arg::Number(number)) => *number,
                _ => BACKLOG,
            };
            let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
            sock.traced
                .listen(backlog)
                .map(done)
                .map_err(|error| errno(&error))
        }
        Do::Shutdown => {
            let how = match first {
                Some(Arg::How(libc::SHUT_RD)) => Shutdown::Read,
                Some(Arg::How(libc::SHUT_WR)) => Shutdown::Write,
                _ => Shutdown::Both,
            };
            sock.traced
                .shutdown(how)
                .map(done)
                .map_err(|error| errno(&error))
        }
        Do::PeerName => named(sock.traced.getpeername()),
        Do::SockName => named(sock.traced.getsockname()),
        Do::SetTimeout => {
            let timeout = match first {
                Some(Arg::Seconds(timeout)) => *timeout,
                _ => None,
            };
            sock.timeout = timeout;
            sock.traced.settimeout(timeout);
            Ok(Value::None)
        }
        Do::GetTimeout => Ok(sock.traced.gettimeout().map_or(Value::None, Value::Seconds)),
        Do::FileNo => Ok(Value::Int(sock.traced.fileno().into())),
        Do::SetBlocking => {
            let on = first != Some(&Arg::Switch(false));
            sock.timeout = (!on).then_some(Duration::ZERO);
            sock.traced.setblocking(on);
            Ok(Value::None)
        }
        Do::GetBlocking => Ok(Value::Switch(sock.timeout != Some(Duration::ZERO))),
        _ => Err(Failure::Refused("this is no method of a socket".into())),
    }
}

/// Options and tables.
fn inquire(
    sock: &mut Sock,
    order: &Order<'_>,
    tables: &Tables,
    lines: &mut Vec<String>,
) -> Outcome {
    match order.does {
        Do::SetOption => {
            let option = order.option()?;
            let value = linger_words(option.name, &order.value);
            sock.traced
                .setsockopt(option, &value)
                .map_err(|error| errno(&error))?;
            // What it reads back as is a line of its own: the kernel doubles buffers.
            let _ = sock.traced.getsockopt(option);
            Ok(Value::Done)
        }
        Do::GetOption => {
            let value = sock
                .traced
                .getsockopt(order.option()?)
                .map_err(|error| errno(&error))?;
            Ok(option_value(&value))
        }
        Do::Options => {
            tell::options(sock, lines);
            Ok(count(lines.len()))
        }
        Do::TcpInfo => {
            let info = sock.traced.tcp_info().map_err(|error| errno(&error))?;
            tell::tcp_info(&info, order.word(), lines)
        }
        Do::Ls => tell::ls(sock, tables, lines),
        _ => {
            let info = sock.traced.tcp_info().map_err(|error| errno(&error))?;
            Ok(Value::Text(info.state_name().to_owned()))
        }
    }
}
