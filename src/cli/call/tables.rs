//! The kernel's tables of sockets in /proc/net, opened before the drop: where a descriptor's inode
//! stands (`s.ls`), and what is left of a connection after close.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

/// Most bytes read of a table.
const MOST: usize = 8 << 20;

/// The open tables.
#[derive(Debug, Default)]
pub struct Tables {
    open: Vec<(&'static str, File)>,
}

impl Tables {
    /// Opens those that are there, of this thread's network.
    pub fn open() -> Self {
        const NAMES: [&str; 9] = [
            "tcp", "tcp6", "udp", "udp6", "unix", "raw", "raw6", "icmp", "icmp6",
        ];
        let open = NAMES.into_iter().filter_map(|name| {
            let file = File::open(format!("/proc/thread-self/net/{name}")).ok()?;
            Some((name, file))
        });
        Self {
            open: open.collect(),
        }
    }

    /// What must stay open.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.open.iter().map(|(_, file)| file.as_fd())
    }

    /// The row of a socket by its inode, and the table that it is in.
    pub fn row(&self, inode: u64) -> Option<(&'static str, String)> {
        let inode = inode.to_string();
        self.open.iter().find_map(|(name, file)| {
            let text = read(file);
            let row = text.lines().skip(1).find(|row| {
                let column = if *name == "unix" { 6 } else { 9 };
                row.split_ascii_whitespace().nth(column) == Some(inode.as_str())
            })?;
            Some((*name, row.trim().to_owned()))
        })
    }

    /// State of a TCP connection by its two ends, also of one that no descriptor has any more.
    pub fn tcp_state(&self, local: SocketAddr, peer: SocketAddr) -> Option<&'static str> {
        let wanted = if local.is_ipv4() { "tcp" } else { "tcp6" };
        // The table has no scopes.
        let [local, peer] = [local, peer].map(|end| SocketAddr::new(end.ip(), end.port()));
        let (_, file) = self.open.iter().find(|(name, _)| *name == wanted)?;
        let text = read(file);
        let state = text.lines().skip(1).find_map(|row| {
            let mut columns = row.split_ascii_whitespace().skip(1);
            let ends = [end(columns.next()?)?, end(columns.next()?)?];
            (ends == [local, peer]).then(|| columns.next())?
        })?;
        state_name(u8::from_str_radix(state, 16).ok()?)
    }
}

/// The whole table from its start.
fn read(file: &File) -> String {
    let mut bytes = vec![0; 64 * 1024];
    let mut text = Vec::new();
    while text.len() < MOST {
        match file.read_at(&mut bytes, text.len() as u64) {
            Ok(len) if len > 0 => text.extend(bytes.get(..len).unwrap_or(&[])),
            _ => break,
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// `0100007F:2328`: the address as words of this processor, the port as a number
/// (net/ipv4/tcp_ipv4.c get_tcp4_sock).
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(address.get(at..at + 8)?, 16).ok();
    let ip = if address.len() == 8 {
        IpAddr::from(Ipv4Addr::from(word(0)?.to_ne_bytes()))
    } else {
        let mut bytes = [0; 16];
        for (index, part) in bytes.chunks_mut(4).enumerate() {
            part.copy_from_slice(&word(index * 8)?.to_ne_bytes());
        }
        Ipv6Addr::from(bytes).into()
    };
    Some(SocketAddr::new(ip, port))
}

/// Names of include/net/tcp_states.h (RFC 9293 3.3.2).
fn state_name(state: u8) -> Option<&'static str> {
    const NAMES: [&str; 11] = [
        "ESTABLISHED",
        "SYN-SENT",
        "SYN-RECEIVED",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSED",
        "CLOSE-WAIT",
        "LAST-ACK",
        "LISTEN",
        "CLOSING",
    ];
    NAMES.get(usize::from(state).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_the_kernel_writes_them() {
        if cfg!(target_endian = "little") {
            assert_eq!(end("0100007F:2328"), "127.0.0.1:9000".parse().ok());
            let v6 = "00000000000000000000000001000000:0007";
            assert_eq!(end(v6), "[::1]:7".parse().ok());
        }
        for wrong in ["", ":", "0100007F", "01:1", "zz00007F:1"] {
            assert_eq!(end(wrong), None, "{wrong}");
        }
        assert_eq!(
            (state_name(6), state_name(0), state_name(12)),
            (Some("TIME-WAIT"), None, None)
        );
    }

    #[test]
    fn our_own_socket_has_a_row() {
        use std::os::unix::fs::MetadataExt;
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(socket));
        let inode = file.metadata().unwrap().ino();
        let (table, row) = Tables::open().row(inode).unwrap();
        assert_eq!(table, "udp");
        assert!(row.contains(&inode.to_string()));
        assert_eq!(Tables::open().row(u64::MAX), None);
    }
}
