//! The twenty methods of a socket, each once, in the order of a tutorial; each prints its call.
//! `./target/debug/examples/socket_methods`, on the loopback, bounded by timeouts.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{error, thread};

use rawsock::event::{Call, Mono};
use rawsock::net::traced::{Address, Calls, Traced, Tracer, find_option};
use rawsock::sys::clock::Clock;
use rawsock::view::calls;
use socket2::{Domain, Type};

/// Prints each call when it ends.
struct Print;

impl Calls for Print {
    fn call(&mut self, _: Mono, call: Call) {
        let mut line = String::new();
        calls::line(&call, &mut line);
        print!("{line}");
    }
}

fn main() -> Result<(), Box<dyn error::Error>> {
    let trace = Tracer::to(Clock::start(), Arc::new(Mutex::new(Print)));
    let here = Address::Inet("127.0.0.1:0".parse()?);

    let mut server = Traced::socket(Domain::IPV4, Type::STREAM, 0, &trace)?;
    server.settimeout(Some(Duration::from_secs(5)));
    server.bind(&here)?;
    server.listen(5)?;
    let at = server.getsockname()?;
    let port = at.port().unwrap_or(0);
    let mut udp = Traced::socket(Domain::IPV4, Type::DGRAM, 0, &trace)?;
    udp.bind(&at)?;
    // Somebody who calls: says a word, sends a datagram, and reads on.
    let caller = thread::spawn(move || -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(b"hello")?;
        UdpSocket::bind("127.0.0.1:0")?.send_to(b"datagram", ("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
    });
    let (conn, _) = server.accept()?;

    let mut client = Traced::socket(Domain::IPV4, Type::STREAM, 0, &trace)?;
    client.connect(&at)?;
    client.connect_ex(&at); // 106, EISCONN: a number in place of an error
    let mut buffer = [0; 1024];
    conn.recv(&mut buffer, 0)?;
    conn.send("你好".as_bytes())?;
    conn.sendall(b"all of it")?;
    udp.settimeout(Some(Duration::from_secs(5)));
    let got = udp.recvfrom(&mut buffer, 0)?;
    udp.sendto(b"back", got.from.as_ref().unwrap_or(&here))?;
    conn.close();
    let _ = caller.join();

    client.getpeername()?;
    client.getsockname()?;
    client.settimeout(Some(Duration::from_millis(1500)));
    client.gettimeout();
    client.fileno();
    client.setblocking(true);
    let (conn, _) = server.accept()?;
    conn.sendall(b"line one\nline two\n")?;
    let mut file = client.makefile(8192);
    file.readline()?;
    file.readline()?; // one recv fed both
    let option = find_option("SO_RCVBUF").ok_or("no such option")?;
    client.setsockopt(option, "10000")?;
    client.getsockopt(option)?; // 20000: the kernel doubles it
    Ok(())
}
