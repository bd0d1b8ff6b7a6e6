//! One comparison in a lab of its own: the server in h2, the client in h1, their wire between them.

use std::io;
use std::net::IpAddr;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::sides::{Book, Place, ask, echo};
use crate::compare::{Experiment, Message, Over, Recorded, Side};
use crate::error::Error;
use crate::lab::{Options, Run};
use crate::net::traced::Traced;

/// Port of the server, as in the tutorial.
const PORT: u16 = 9000;
/// How long a client waits for replies after its last send: a kernel that repairs doubles its own
/// waits from 0.2 s (RFC 6298), and where nobody repairs nothing comes late.
const FOR_REPAIR: Duration = Duration::from_secs(10);
const FOR_STRAYS: Duration = Duration::from_secs(1);
/// The server hears the end of a connection at the latest after this; then it is told.
const PARTING: Duration = Duration::from_secs(2);
/// The wire counts as quiet when nothing came for so long; a delayed acknowledgement takes 40 ms.
const IDLE: Duration = Duration::from_millis(60);
const LONGEST: Duration = Duration::from_secs(3);

/// Plays `experiment` over one kind of socket, in a lab of its own.
pub fn play(
    over: Over,
    options: &Options,
    experiment: &Experiment,
    patience: Option<Duration>,
    with_burst: bool,
) -> Result<Recorded, Error> {
    let mut run = Run::start(options)?;
    let recorded = play_in(&mut run, over, experiment, patience, with_burst)?;
    run.finish()?;
    Ok(recorded)
}

/// The same in a lab that is there already.
pub fn play_in(
    run: &mut Run,
    over: Over,
    experiment: &Experiment,
    patience: Option<Duration>,
    with_burst: bool,
) -> Result<Recorded, Error> {
    let failed = |source: io::Error| Error::Io {
        operation: "run",
        object: format!("the messages over {}", over.name()),
        source,
    };
    let place = place(run, over, PORT)?;
    let clock = run.clock();
    let (stop, stopper) = io::pipe().map_err(failed)?;
    let (client_book, server_book) = (Book::default(), Book::default());
    let tracer = server_book.tracer(clock, Some(stop.into()));
    let listener = in_server(run, &place, |place| place.serve(&tracer))?.map_err(failed)?;
    let (done, hears) = channel();
    let of_server = *experiment;
    let server = thread::spawn(move || {
        let received = echo(over, listener, &of_server);
        let _ = done.send(());
        received
    });
    let tracer = client_book.tracer(clock, None);
    let socket = run
        .host("h1")?
        .run(|| place.socket(&tracer))?
        .map_err(failed)?;
    let patience = patience.unwrap_or(if over.is_stream() {
        FOR_REPAIR
    } else {
        FOR_STRAYS
    });
    let asked = ask(&place, socket, experiment, patience);
    if over.connects() {
        // It ends by itself when it hears the FIN; told or not, the join below ends.
        let _ = hears.recv_timeout(PARTING);
    }
    wait_quiet(run)?;
    drop(stopper);
    let received = server
        .join()
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    let mut client = match asked {
        Ok(side) => side,
        // Under heavy loss a connection may not come about: nothing was sent, and that is told.
        Err(error) if over == Over::Tcp && is_loss(&error) => Side::default(),
        Err(error) => return Err(failed(error)),
    };
    client.calls = client_book.calls();
    let server = Side {
        receives: received.map_err(failed)?,
        calls: server_book.calls(),
        sends: Vec::new(),
    };
    let wire = (!over.is_unix()).then(|| run.events().map(|list| list.clone()));
    let wire = wire.transpose()?;
    let burst = if with_burst {
        Some(burst(run, over, experiment).map_err(failed)?)
    } else {
        None
    };
    Ok(Recorded {
        over,
        client,
        server,
        wire,
        burst,
    })
}

/// Waits until nothing is under way any more.
pub fn wait_quiet(run: &Run) -> Result<(), Error> {
    run.quiet(IDLE, LONGEST).map(|_| ())
}

fn is_loss(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Where a server in h2 is.
pub fn place(run: &Run, over: Over, port: u16) -> Result<Place, Error> {
    let addresses = run.names().addresses("h2").unwrap_or_default();
    let server = addresses.iter().copied().find(IpAddr::is_ipv4);
    Ok(Place {
        over,
        server: server.ok_or_else(|| Error::Usage {
            message: "h2 has no IPv4 address".into(),
            fix: None,
        })?,
        port,
    })
}

/// Unix sockets do not leave their host: there the server is in h1 too.
fn in_server<T: Send>(
    run: &Run,
    place: &Place,
    work: impl FnOnce(&Place) -> T + Send,
) -> Result<T, Error> {
    let host = if place.over.is_unix() { "h1" } else { "h2" };
    run.host(host)?.run(|| work(place))
}

/// How many receives three sends at once become, if the receiver looks only afterwards.
fn burst(run: &Run, over: Over, experiment: &Experiment) -> io::Result<usize> {
    const SENDS: u32 = 3;
    let lab = |error: Error| io::Error::other(error.to_string());
    let place = place(run, over, PORT + 1).map_err(lab)?;
    let book = Book::default();
    let tracer = book.tracer(run.clock(), None);
    let listener = in_server(run, &place, |place| place.serve(&tracer)).map_err(lab)??;
    let inside = || place.socket(&tracer);
    let mut client = run
        .host("h1")
        .and_then(|host| host.run(inside))
        .map_err(lab)??;
    client.settimeout(Some(LONGEST));
    let mut receiver: Traced = if over.connects() {
        client.connect(&place.address())?;
        listener.accept()?.0
    } else {
        listener
    };
    let mut sent = 0;
    for number in 0..SENDS {
        let reply = false;
        let bytes = Message { number, reply }.bytes(experiment);
        sent += bytes.len();
        if over.connects() {
            client.sendall(&bytes)?;
        } else {
            client.sendto(&bytes, &place.address())?;
        }
    }
    wait_quiet(run).map_err(lab)?;
    receiver.settimeout(Some(LONGEST));
    let (mut got, mut receives) = (0, 0);
    let mut buffer = vec![0; 65_536];
    // One receive for each datagram at most, and the bytes of a stream all in one. A raw socket
    // delivers a header too, so bytes do not tell there.
    while receives < SENDS as usize && (got < sent || !over.is_stream()) {
        got += receiver.recvfrom(&mut buffer, 0)?.len;
        receives += 1;
    }
    Ok(receives)
}
