//! After the drop: shows what was held, talks, and sums up.

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::args::Args;
use super::packets::Packets;
use super::plan::{self, Plan};
use super::report::{Report, tell};
use crate::error::Error;
use crate::event::Mono;
use crate::net::echo::{Client, Ending, Said, Server, Voice, open_client, shown};
use crate::net::traced::{Address, Traced, Tracer};
use crate::sys::clock::Clock;
use crate::sys::signal::{Signal, Signals};
use crate::view::calls::time;
use crate::view::errno;

/// What was opened.
pub struct Ends {
    /// Whom the client talks to.
    pub peer: Address,
    /// Our server and its address.
    pub server: Option<(Server, Address)>,
    /// Our client's socket; an error is told after the drop, with the packets that explain it.
    pub client: Option<Result<Traced, Error>>,
    /// The addresses of this host.
    pub local: Vec<IpAddr>,
}

/// What the run works with.
pub struct Run<'a> {
    pub args: &'a Args,
    pub plan: &'a Plan,
    pub clock: Clock,
    pub report: &'a Arc<Mutex<Report>>,
    pub signals: &'a mut Signals,
    pub served: &'a Arc<Mutex<Option<Server>>>,
    pub client_tracer: Tracer,
    pub server_voice: Voice,
    pub client_voice: Voice,
    /// Where a reconnecting client sends from.
    pub client_local: Option<Address>,
}

/// Connects a client's socket, if its kind is connected or shall be.
pub fn connect(plan: &Plan, socket: &Traced, peer: &Address, voice: &Voice) -> Result<(), Error> {
    if !plan.kind.is_connected() && !plan.asking.connect {
        return Ok(());
    }
    let result = if plan.asking.connect_ex {
        let number = socket.connect_ex(peer);
        let name = errno::name(number).unwrap_or("success");
        voice.say(Said::Note(&format!("connect_ex gives {number} ({name})")));
        match number {
            0 => Ok(()),
            number => Err(io::Error::from_raw_os_error(number)),
        }
    } else {
        socket.connect(peer)
    };
    result.map_err(|source| Error::Io {
        operation: "connect to",
        object: shown(plan.kind, peer),
        source,
    })
}

impl Run<'_> {
    /// Talks until the end; gives the exit code.
    pub fn go(self, ends: Ends, packets: Option<Packets>) -> Result<u8, Error> {
        self.report().release(packets);
        let at = ends.server.as_ref().map(|(_, at)| at.clone());
        if let Some((server, at)) = ends.server {
            *self.served() = Some(server);
            self.server_voice.say(Said::Listening(&at));
        }
        let until = self.args.run_for.map(|span| self.clock.mono().plus(span));
        let talked = match ends.client {
            Some(client) => self.ask(client, ends.peer, ends.local, until),
            None => self.serve(until),
        };
        if at.is_some() && self.plan.asks {
            self.serve_rest();
        }
        let server = self.served().take();
        if let Some(server) = server {
            server.finish();
        }
        self.report().finish();
        let lost = self.report().take_failure();
        if let Some(source) = lost {
            return Err(Error::Output {
                object: "standard output".to_owned(),
                source,
            });
        }
        let code = talked?;
        let failed = |source| Error::Io {
            operation: "read",
            object: "signals".into(),
            source,
        };
        Ok(match self.signals.take_next().map_err(failed)? {
            Some(Signal::Terminate) => 143,
            Some(Signal::Hangup) => 129,
            _ => code,
        })
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self) -> MutexGuard<'_, Option<Server>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, until: Option<Mono>) -> Result<u8, Error> {
        let mut served = self.served();
        let Some(server) = served.as_mut() else {
            return Ok(0);
        };
        if self.args.show_opts {
            self.show_options(server.socket())?;
        }
        let stop = self.signals.as_fd();
        let ended = server.serve(stop, until).map_err(|source| Error::Io {
            operation: "serve on",
            object: self.plan.kind.name().into(),
            source,
        });
        ended.map(|_| 0)
    }

    /// The client is gone: what it has sent last is still served.
    fn serve_rest(&self) {
        let mut served = self.served();
        for _ in 0..4 {
            let soon = self.clock.mono().plus(Duration::from_millis(5));
            if let Some(server) = served.as_mut() {
                let _ = server.turn(&[], Some(soon));
            }
        }
    }

    fn ask(
        &self,
        client: Result<Traced, Error>,
        peer: Address,
        local: Vec<IpAddr>,
        until: Option<Mono>,
    ) -> Result<u8, Error> {
        let socket = client?;
        if self.args.show_opts {
            self.show_options(&socket)?;
        }
        let own = self.client_local.clone();
        let (plan, tracer, voice) = (self.plan, &self.client_tracer, &self.client_voice);
        let to = peer.clone();
        let again = move || {
            let opened = open_client(&plan.client, &to, own.as_ref(), tracer, voice);
            let connected = opened.and_then(|socket| {
                connect(plan, &socket, &to, voice)?;
                Ok(socket)
            });
            connected.map_err(|error| io::Error::other(error.to_string()))
        };
        let again = self.args.reconnect.then(|| Box::new(again) as _);
        let asking = plan.asking.clone();
        let mut client = Client::new(socket, again, asking, peer, voice.clone(), local);
        let mut messages = plan::messages(self.args);
        let ending = client
            .run(&mut messages, until)
            .map_err(|source| Error::Io {
                operation: "talk to",
                object: client.peer(),
                source,
            })?;
        if let Ending::Closed(why) = &ending {
            voice.say(Said::Note(&format!("{}: {why}", client.peer())));
        }
        self.sum_up(&client);
        let lost = client.missing > 0 || client.failed > 0;
        Ok(u8::from(lost || matches!(ending, Ending::Closed(_))))
    }

    fn sum_up(&self, client: &Client<'_>) {
        let style = &self.plan.style;
        if style.silent || style.tutorial {
            return;
        }
        let mean = u32::try_from(client.answered)
            .ok()
            .and_then(|count| client.waited.checked_div(count));
        if style.json {
            let line = json!({
                "type": "summary", "sent": client.sent, "answered": client.answered,
                "missing": client.missing, "not_sent": client.failed,
                "bytes_sent": client.bytes_sent, "bytes_received": client.bytes_received,
                "mean": mean.map(|span| span.as_secs_f64()),
            });
            self.report().write(&format!("{line}\n"));
            return;
        }
        let mut text = {
            let ending = if client.answered == 1 { "" } else { "s" };
            format!("{} sent, {} answer{ending}", client.sent, client.answered)
        };
        if client.missing > 0 {
            let _ = write!(text, ", {} without an answer", client.missing);
        }
        if client.failed > 0 {
            let _ = write!(text, ", {} not sent", client.failed);
        }
        let _ = write!(
            text,
            ", {} bytes out, {} in",
            client.bytes_sent, client.bytes_received
        );
        if let Some(mean) = mean {
            let _ = write!(text, ", mean time {}", time(mean));
        }
        tell(&text);
    }

    /// Every option of a socket, as a table.
    fn show_options(&self, socket: &Traced) -> Result<(), Error> {
        let mut text = String::new();
        for (option, value) in socket.options() {
            if self.args.json {
                let line = json!({
                    "type": "option", "name": option.name, "value": value.to_string(),
                    "explain": option.explain,
                });
                let _ = writeln!(text, "{line}");
            } else {
                let value = value.to_string();
                let _ = writeln!(text, "{:<20} {value:<12} {}", option.name, option.explain);
            }
        }
        crate::cli::print(text.as_bytes())
    }
}
