//! `compare --mismatch`: every kind of client against every kind of server, one message each.

use std::io;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Type};

use super::play::{place, wait_quiet};
use super::sides::Book;
use crate::compare::RAW_PROTOCOL;
use crate::compare::mismatch::{Client, Server, Try};
use crate::error::Error;
use crate::event::List;
use crate::lab::{Options, Run};
use crate::net::traced::{Address, Traced, Tracer};

/// Longest wait of a client and of a server for each other.
const PATIENCE: Duration = Duration::from_millis(300);
const PORT: u16 = 9000;
/// Where unix servers are, in a folder that only the thread that binds and connects sees.
const SOCKET: &str = "/tmp/rawsock-mismatch";
const CLIENT: &str = "/tmp/rawsock-mismatch-client";
const MESSAGE: &[u8] = b"hello";

/// Tries all pairs.
pub fn all() -> Result<Vec<Try>, Error> {
    let mut tries = Vec::new();
    let pairs = |clients: &[Client], servers: &[Server]| -> Vec<(Client, Server)> {
        let each = |client: &Client| servers.iter().map(|server| (*client, *server)).collect();
        clients
            .iter()
            .flat_map(|client| -> Vec<_> { each(client) })
            .collect()
    };
    let inet = pairs(&Client::INET, &Server::INET);
    let unix = pairs(&Client::UNIX, &Server::UNIX);
    for (client, server) in inet.into_iter().chain(unix) {
        // A lab for each: what a kernel remembers of one must not change the next (it limits ICMP
        // errors to one a second and peer, icmp(7)).
        let mut run = Run::start(&Options::pair())?;
        tries.push(one(&mut run, client, server)?);
        run.finish()?;
    }
    Ok(tries)
}

fn one(run: &mut Run, client: Client, server: Server) -> Result<Try, Error> {
    let unix = Client::UNIX.contains(&client);
    let address = if unix {
        Address::Path(SOCKET.into())
    } else {
        place(run, crate::compare::Over::Udp, PORT)?.address()
    };
    let failed = |source: io::Error| Error::Io {
        operation: "try",
        object: format!("{} against {}", client.name(), server.name()),
        source,
    };
    let (client_book, server_book) = (Book::default(), Book::default());
    let to_server = server_book.tracer(run.clock(), None);
    let to_client = client_book.tracer(run.clock(), None);
    // Ask, serve, hear: one after the other, so that no thread waits for another.
    let (served, answered) = if unix {
        let all = || {
            private_folder()?;
            let listener = listen(server, &address, &to_server)?;
            let socket = open(client, &to_client)?;
            let asked = ask(client, &socket, &address);
            finish(client, socket, asked.is_ok(), server, listener)
        };
        run.host("h1")?.run(all)?
    } else {
        let listener = run
            .host("h2")?
            .run(|| listen(server, &address, &to_server))?;
        let socket = run
            .host("h1")?
            .run(|| open(client, &to_client))?
            .map_err(failed)?;
        let asked = ask(client, &socket, &address);
        wait_quiet(run)?;
        let listener = listener.map_err(failed)?;
        let finished = finish(client, socket, asked.is_ok(), server, listener);
        wait_quiet(run)?;
        finished
    }
    .map_err(failed)?;
    let wire: Option<List> = if unix {
        None
    } else {
        Some(run.events()?.clone())
    };
    Ok(Try {
        client,
        server,
        calls: client_book.calls(),
        served,
        answered,
        wire,
    })
}

fn address_of(protocol_has_ports: bool, address: &Address) -> Address {
    match address {
        Address::Inet(inet) if !protocol_has_ports => {
            Address::Inet(std::net::SocketAddr::new(inet.ip(), 0))
        }
        other => other.clone(),
    }
}

/// Covers /tmp with an empty file system of this thread's own, which ends with the thread: nothing is
/// left behind. A path, since an abstract name of another kind is just not found (unix(7)).
fn private_folder() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let nothing = None::<&str>;
    // First of all, so that nothing below is seen outside (mount_namespaces(7)).
    mount(
        nothing,
        "/",
        nothing,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        nothing,
    )?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(
        Some("tmpfs"),
        "/tmp",
        Some("tmpfs"),
        flags,
        Some("size=64k"),
    )?;
    Ok(())
}

fn listen(server: Server, address: &Address, tracer: &Tracer) -> io::Result<Option<Traced>> {
    let (domain, kind, protocol) = match server {
        Server::Nobody => return Ok(None),
        Server::Tcp => (Domain::IPV4, Type::STREAM, 0),
        Server::Udp => (Domain::IPV4, Type::DGRAM, 0),
        Server::Raw => (Domain::IPV4, Type::RAW, RAW_PROTOCOL.into()),
        Server::UnixStream => (Domain::UNIX, Type::STREAM, 0),
        Server::UnixDgram => (Domain::UNIX, Type::DGRAM, 0),
        Server::UnixSeqpacket => (Domain::UNIX, Type::SEQPACKET, 0),
    };
    let mut socket = Traced::socket(domain, kind, protocol, tracer)?;
    socket.bind(&address_of(server != Server::Raw, address))?;
    if listens(server) {
        socket.listen(5)?;
    }
    socket.settimeout(Some(PATIENCE));
    Ok(Some(socket))
}

fn listens(server: Server) -> bool {
    matches!(
        server,
        Server::Tcp | Server::UnixStream | Server::UnixSeqpacket
    )
}

fn open(client: Client, tracer: &Tracer) -> io::Result<Traced> {
    let (domain, kind, protocol) = match client {
        Client::Tcp => (Domain::IPV4, Type::STREAM, 0),
        Client::Udp | Client::UdpConnected => (Domain::IPV4, Type::DGRAM, 0),
        Client::Raw => (Domain::IPV4, Type::RAW, RAW_PROTOCOL.into()),
        Client::UnixStream => (Domain::UNIX, Type::STREAM, 0),
        Client::UnixDgram => (Domain::UNIX, Type::DGRAM, 0),
        Client::UnixSeqpacket => (Domain::UNIX, Type::SEQPACKET, 0),
    };
    let mut socket = Traced::socket(domain, kind, protocol, tracer)?;
    if client == Client::UnixDgram {
        socket.bind(&Address::Path(CLIENT.into()))?;
    }
    socket.settimeout(Some(PATIENCE));
    Ok(socket)
}

fn connects(client: Client) -> bool {
    !matches!(client, Client::Udp | Client::Raw | Client::UnixDgram)
}

fn ask(client: Client, socket: &Traced, address: &Address) -> io::Result<()> {
    let address = address_of(client != Client::Raw, address);
    if connects(client) {
        socket.connect(&address)?;
        socket.send(MESSAGE).map(|_| ())
    } else {
        socket.sendto(MESSAGE, &address).map(|_| ())
    }
}

/// The server's turn, then the client's; what the server got, and whether the client was answered.
fn finish(
    client: Client,
    mut socket: Traced,
    asked: bool,
    server: Server,
    listener: Option<Traced>,
) -> io::Result<(usize, bool)> {
    let served = listener.map_or(Ok(0), |listener| serve(server, listener))?;
    let answered = asked && hear(client, &mut socket);
    socket.close();
    Ok((served, answered))
}

fn hear(client: Client, socket: &mut Traced) -> bool {
    let mut buffer = [0; 2048];
    let heard = if connects(client) {
        socket.recv(&mut buffer, 0)
    } else {
        socket.recvfrom(&mut buffer, 0).map(|got| got.len)
    };
    heard.is_ok_and(|len| len > 0)
}

/// Takes one message and sends it back; how many bytes came. That nobody came is no error.
fn serve(server: Server, mut listener: Traced) -> io::Result<usize> {
    let mut buffer = [0; 2048];
    let nothing = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock => Ok(0),
        _ => Err(error),
    };
    if listens(server) {
        let mut peer = match listener.accept() {
            Ok((peer, _)) => peer,
            Err(error) => return nothing(error),
        };
        peer.settimeout(Some(PATIENCE));
        let len = peer.recv(&mut buffer, 0).or_else(nothing)?;
        peer.send(buffer.get(..len).unwrap_or_default())?;
        return Ok(len);
    }
    match listener.recvfrom(&mut buffer, 0) {
        Ok(got) => {
            let header = if server == Server::Raw {
                super::sides::header_len(buffer.get(..got.len).unwrap_or_default())
            } else {
                0
            };
            let message = buffer.get(header..got.len).unwrap_or_default();
            if let Some(from) = got.from {
                listener.sendto(message, &from)?;
            }
            Ok(message.len())
        }
        Err(error) => nothing(error),
    }
}
