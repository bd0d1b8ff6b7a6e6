//! Tables for the reader: options, TCP_INFO, what /proc says of a descriptor.

use std::time::Duration;

use nix::sys::stat::fstat;

use super::convert::fd_of;
use super::sock::Sock;
use super::tables::Tables;
use crate::call::{Failure, Outcome, Value};
use crate::net::traced::TcpInfo;

/// `5 s`, `0.5 s`.
pub fn span(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

/// Every option with its value and what it is.
pub fn options(sock: &Sock, lines: &mut Vec<String>) {
    for (option, value) in sock.traced.options() {
        let value = value.to_string();
        lines.push(format!("{:20} {value:20} {}", option.name, option.explain));
    }
}

/// What TCP knows, or one field of it.
pub fn tcp_info(info: &TcpInfo, field: Option<&str>, lines: &mut Vec<String>) -> Outcome {
    let number = |number: u32| Value::Int(number.into());
    let fields = [
        ("state", Value::Text(info.state_name().to_owned())),
        ("rtt", Value::Seconds(info.rtt)),
        ("rttvar", Value::Seconds(info.rttvar)),
        ("rto", Value::Seconds(info.rto)),
        ("cwnd", number(info.snd_cwnd)),
        ("mss", number(info.snd_mss)),
        ("pmtu", number(info.pmtu)),
        ("unacked", number(info.unacked)),
        ("retransmits", number(info.retransmits.into())),
        ("retrans", number(info.total_retrans)),
    ];
    let Some(wanted) = field else {
        lines.push(info.to_string());
        return Ok(Value::Text(info.state_name().to_owned()));
    };
    let found = fields.iter().find(|(name, _)| *name == wanted);
    if let Some((_, value)) = found {
        return Ok(value.clone());
    }
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    Err(Failure::Refused(format!(
        "TCP_INFO has no {wanted} here: {}",
        names.join(" ")
    )))
}

/// The descriptor as /proc shows it, and its row in the table of /proc/net. Everything is a file:
/// the inode comes from fstat(2).
pub fn ls(sock: &Sock, tables: &Tables, lines: &mut Vec<String>) -> Outcome {
    let fd = fd_of(&sock.traced);
    let inode = match fstat(&sock.traced) {
        Ok(data) => data.st_ino,
        Err(errno) => return Err(Failure::Errno(errno as i32)),
    };
    let link = format!("/proc/self/fd/{fd} -> socket:[{inode}]");
    lines.push(link.clone());
    match tables.row(inode) {
        Some((table, row)) => lines.push(format!("/proc/net/{table}: {row}")),
        None => lines.push("in no table of /proc/net: it has no address yet".into()),
    }
    Ok(Value::Text(link))
}
