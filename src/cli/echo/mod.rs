//! `rawsock echo`: plain echo over TCP, UDP, raw and unix sockets, with every call shown. Opens,
//! binds and connects, drops, then talks.

mod args;
mod help;
mod keeper;
mod packets;
mod place;
mod plan;
mod report;
mod run;
mod steps;
mod words;

pub use args::Args;

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex};

use keeper::Keeper;
use packets::Packets;
use plan::{Plan, usage};
use report::{Report, Taking, tell};
use run::{Ends, Run};

use crate::error::Error;
use crate::net::echo::{Kind, Said, ServeAndWait, Server, Side, Voice, open_client, open_server};
use crate::net::resolve::Family;
use crate::net::traced::{Address, Poll, Traced, Tracer, Wait};
use crate::privilege::{self, Need, Reach, table};
use crate::sys::clock::Clock;
use crate::sys::signal::Signals;

/// Where the ends are.
struct Places {
    server: Address,
    /// The client's own address, if it has one to say.
    local: Option<Address>,
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    privilege::close_gaps()?;
    let plan = Plan::new(args, io::stdin().is_terminal(), std::process::id())?;
    let places = places(args, &plan)?;
    let own_network = network_is_our_own();
    plan::check_rate(&plan, &places.server, leads_nowhere())?;
    if args.mute_kernel {
        mute_kernel(own_network)?;
    }
    let mut signals = Signals::take().map_err(failed("block", "signals"))?;
    let clock = Clock::start();
    let packets = if plan.packets {
        capture(&plan, args, &places, &clock)?
    } else {
        None
    };
    let report = Arc::new(Mutex::new(Report::new(plan.style)));
    let wiring = Wiring {
        args,
        plan: &plan,
        places: &places,
        clock,
        report: &report,
        signals: &mut signals,
    };
    wiring.open_and_run(packets)
}

/// What is needed to open the ends.
struct Wiring<'a> {
    args: &'a Args,
    plan: &'a Plan,
    places: &'a Places,
    clock: Clock,
    report: &'a Arc<Mutex<Report>>,
    signals: &'a mut Signals,
}

impl Wiring<'_> {
    fn voice(&self, side: Side) -> Voice {
        Voice::new(self.report.clone(), side)
    }

    fn tracer(&self, side: Side, wait: Arc<Mutex<dyn Wait>>) -> Tracer {
        let taking = Taking {
            report: Arc::clone(self.report),
            side,
        };
        let sink = self.plan.traces.then(|| Arc::new(Mutex::new(taking)) as _);
        Tracer::new(self.clock, sink, wait)
            .spinning(self.args.spin)
            .with_tcp_info(self.args.tcpinfo)
    }

    fn open_and_run(self, packets: Option<Packets>) -> Result<u8, Error> {
        let stop = self.signals.as_fd().try_clone_to_owned();
        let stop = Arc::new(stop.map_err(failed("open", "signals"))?);
        let served: Arc<Mutex<Option<Server>>> = Arc::default();
        let poll = Arc::new(Mutex::new(Poll::shared(self.clock, Arc::clone(&stop))));
        let server_tracer = self.tracer(Side::Server, Arc::clone(&poll) as _);
        let wait: Arc<Mutex<dyn Wait>> = if self.plan.serves {
            let served = Arc::clone(&served);
            Arc::new(Mutex::new(ServeAndWait::new(
                served,
                Arc::clone(&stop),
                self.clock,
            )))
        } else {
            poll
        };
        let client_tracer = self.tracer(Side::Client, wait);

        // A socket file belongs to the user who asked for it, hence it is made on the way down.
        let path = match &self.places.server {
            Address::Path(path) if self.plan.serves => Some(path.clone()),
            _ => None,
        };
        let early = match path {
            None => Some(self.open(&server_tracer, &client_tracer)?),
            Some(_) => None,
        };
        let mut keep: Vec<BorrowedFd<'_>> = vec![self.signals.as_fd(), stop.as_fd()];
        keep.extend(packets.iter().flat_map(Packets::descriptors));
        if let Some(ends) = &early {
            let server = ends.server.as_ref();
            keep.extend(server.map(|(server, _)| server.socket().as_fd()));
            let client = ends.client.as_ref().and_then(|client| client.as_ref().ok());
            keep.extend(client.map(AsFd::as_fd));
        }
        let need = self.need();
        let options = privilege::Options {
            require_sandbox: self.args.require_sandbox,
            keep: &keep,
        };
        let create = path.as_ref().map(|path| privilege::Creates {
            open: || {
                let ends = self.open(&server_tracer, &client_tracer)?;
                Ok((ends, Keeper::start(path)?))
            },
            beneath: None,
        });
        let reach = if self.plan.kind.is_unix() {
            Reach::AbstractNames
        } else {
            Reach::Nothing
        };
        let (dropped, created) = privilege::drop_local(&need, &options, reach, create)?;
        for missing in &dropped.missing {
            tell(&format!("warning: {missing}"));
        }
        let (late, keeper) = created.unzip();
        let Some(ends) = early.or(late) else {
            return Err(usage("nothing was opened", None));
        };
        let (server_voice, client_voice) = (self.voice(Side::Server), self.voice(Side::Client));
        let client_local = self.client_local();
        let run = Run {
            args: self.args,
            plan: self.plan,
            clock: self.clock,
            report: self.report,
            signals: self.signals,
            served: &served,
            client_tracer,
            server_voice,
            client_voice,
            client_local,
        };
        let code = run.go(ends, packets);
        drop(keeper);
        code
    }

    /// Opens what this process has of both ends, in the order in which they need each other.
    fn open(&self, server_tracer: &Tracer, client_tracer: &Tracer) -> Result<Ends, Error> {
        let local = local_addresses();
        let mut peer = self.places.server.clone();
        let mut server = None;
        if self.plan.serves {
            let voice = self.voice(Side::Server);
            let (opening, at) = (&self.plan.server, &self.places.server);
            let (socket, at) = open_server(opening, at, server_tracer, &voice)?;
            warn(self.plan.kind, &at);
            let serving = self.plan.serving.clone();
            let made = Server::new(socket, at.clone(), serving, voice, local.clone());
            server = Some((made, at.clone()));
            peer = reachable(at);
        }
        let client = self
            .plan
            .asks
            .then(|| self.open_client(client_tracer, &peer));
        Ok(Ends {
            peer,
            server,
            client,
            local,
        })
    }

    fn open_client(&self, tracer: &Tracer, peer: &Address) -> Result<Traced, Error> {
        let voice = self.voice(Side::Client);
        let opening = &self.plan.client;
        let local = self.client_local();
        let socket = open_client(opening, peer, local.as_ref(), tracer, &voice)?;
        voice.say(Said::Step("address"));
        run::connect(self.plan, &socket, peer, &voice)?;
        Ok(socket)
    }

    /// The client's own address. unix-dgram without a name could get no answer.
    fn client_local(&self) -> Option<Address> {
        self.places
            .local
            .clone()
            .or_else(|| (self.plan.kind == Kind::UnixDgram).then_some(Address::Unnamed))
    }

    /// The row of the table, with the port that a reconnecting client needs.
    fn need(&self) -> Need {
        let port = self.places.server.port();
        if self.args.reconnect && self.plan.asks {
            let ports: &'static [u16] = match port {
                // One small leak in a process that makes one.
                Some(port) if self.plan.kind == Kind::Tcp => Vec::leak(vec![port]),
                _ => &[],
            };
            return Need {
                tcp_ports: ports,
                ..table::ECHO_AGAIN
            };
        }
        Need { ..table::ECHO }
    }
}

/// The addresses that the options name.
fn places(args: &Args, plan: &Plan) -> Result<Places, Error> {
    let family = match (args.ipv4, args.ipv6) {
        (true, _) => Family::V4,
        (_, true) => Family::V6,
        _ => Family::Any,
    };
    let kind = plan.kind;
    let typed = plan::typed(args);
    let bind = args.bind.as_deref();
    if plan.asks && !plan.serves {
        let server = place::place(kind, typed, family, place::PORT)?;
        let same = match server.ip() {
            Some(ip) if ip.is_ipv6() => Family::V6,
            Some(_) => Family::V4,
            None => family,
        };
        let port = args.from_port.unwrap_or(0);
        let local = match (bind, args.from_port) {
            (Some(bind), _) => Some(place::place(kind, Some(bind), same, port)?),
            (None, Some(port)) => {
                let any = if same == Family::V6 { "::" } else { "0.0.0.0" };
                Some(place::place(kind, Some(any.as_ref()), same, port)?)
            }
            (None, None) => None,
        };
        return Ok(Places { server, local });
    }
    if bind.is_some() && typed.is_some() {
        return Err(usage("the server's address is given twice", None));
    }
    let server = place::place(kind, bind.or(typed), family, place::PORT)?;
    let local = match args.from_port.filter(|_| plan.asks) {
        Some(port) => {
            let v6 = server.ip().is_some_and(|ip| ip.is_ipv6());
            let any = if v6 { "::" } else { "0.0.0.0" };
            Some(place::place(kind, Some(any.as_ref()), Family::Any, port)?)
        }
        None => None,
    };
    Ok(Places { server, local })
}

/// A client on this host reaches a server that listens everywhere at the loopback.
fn reachable(at: Address) -> Address {
    match at {
        Address::Inet(mut inet) if inet.ip().is_unspecified() => {
            inet.set_ip(match inet.ip() {
                std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
            Address::Inet(inet)
        }
        other => other,
    }
}

fn warn(kind: Kind, at: &Address) {
    if !at.is_loopback() {
        let name = kind.name();
        tell(&format!(
            "warning: {at} is open to everyone who reaches this host ({name} echo; the default \
             is the loopback)"
        ));
    }
}

/// The capture beneath the trace; `None` with a line that says why where there can be none.
fn capture(
    plan: &Plan,
    args: &Args,
    places: &Places,
    clock: &Clock,
) -> Result<Option<Packets>, Error> {
    if plan.kind.is_unix() {
        tell("unix sockets send no packets: only calls are shown");
        return Ok(None);
    }
    match Packets::open(plan.kind, args.proto, &places.server, clock, args.json) {
        Ok(packets) => Ok(Some(packets)),
        Err(Error::Capture { source, .. }) if source.raw_os_error() == Some(libc::EPERM) => {
            let exe = privilege::env().exe_word();
            tell(&format!(
                "no packets in this trace: they need CAP_NET_RAW (sudo setcap cap_net_raw+ep {exe})"
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn local_addresses() -> Vec<std::net::IpAddr> {
    let interfaces = pnet::datalink::interfaces();
    let networks = interfaces.iter().flat_map(|one| &one.ips);
    networks.map(pnet::ipnetwork::IpNetwork::ip).collect()
}

/// Whether this process is in another network namespace than the machine's first process.
fn network_is_our_own() -> bool {
    let ours = std::fs::read_link("/proc/self/ns/net");
    match (ours, std::fs::read_link("/proc/1/ns/net")) {
        (Ok(ours), Ok(first)) => ours != first,
        // Not readable: in a user namespace, whose rights end at its own network.
        (_, Err(_)) => privilege::env().user_namespace,
        _ => false,
    }
}

/// Whether no default route leads out of this network.
fn leads_nowhere() -> bool {
    let v4 = std::fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default();
    let v6 = std::fs::read_to_string("/proc/thread-self/net/ipv6_route").unwrap_or_default();
    let default4 = v4.lines().skip(1).any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (to, _gateway, flags) = (words.next(), words.next(), words.next());
        let up = flags.and_then(|flags| u16::from_str_radix(flags, 16).ok());
        to == Some("00000000") && up.is_some_and(|flags| flags & 1 != 0)
    });
    let default6 = v6.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let zero = words
            .first()
            .is_some_and(|to| to.bytes().all(|b| b == b'0'));
        // The unreachable default that every namespace has is on lo.
        zero && words.get(1) == Some(&"00") && words.last() != Some(&"lo")
    });
    !default4 && !default6
}

/// Keeps the kernel from answering pings, in a network of our own: it would answer beside us.
fn mute_kernel(own: bool) -> Result<(), Error> {
    if !own {
        return Err(usage(
            "--mute-kernel is for a network of our own, never for the machine's",
            Some("unshare --map-root-user --net sh -c 'ip link set lo up; exec sh'"),
        ));
    }
    for file in [
        "/proc/sys/net/ipv4/icmp_echo_ignore_all",
        "/proc/sys/net/ipv6/icmp/echo_ignore_all",
    ] {
        std::fs::write(file, "1").map_err(failed("write", file))?;
    }
    Ok(())
}

fn failed<'o>(operation: &'static str, object: &'o str) -> impl FnOnce(io::Error) -> Error + 'o {
    move |source| Error::Io {
        operation,
        object: object.to_owned(),
        source,
    }
}
