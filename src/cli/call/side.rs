//! One side of a script: a thread that makes its calls in order, so that a waiting call of one side
//! does not hold the other up.

use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::exec::Hand;
use super::resolve::Names;
use super::sock::Values;
use super::tables::Tables;
use crate::call::{Outcome, Statement};
use crate::error::Error;
use crate::event::{self, Mono, Timestamp};
use crate::lab::Host;
use crate::net::traced::{Calls, PollFlags, Tracer, Wait, Waited};
use crate::privilege::{self, table};
use crate::sys::clock::Clock;
use crate::sys::poll::{PollFd, ppoll};

/// Calls of one statement that are kept: `sendall` and `repeat` may make thousands.
const MAX_CALLS: usize = 24;

/// What all sides share.
#[derive(Clone)]
pub struct Shared {
    /// The run's clock.
    pub clock: Clock,
    /// Becomes readable when every wait has to end.
    pub stop: Arc<PipeReader>,
    /// A byte for each statement that is done.
    pub done: Arc<PipeWriter>,
    /// Values by name.
    pub values: Values,
    /// Host names.
    pub names: Names,
    /// The kernel's tables of sockets.
    pub tables: Arc<Tables>,
    /// How long a call waits that has no limit of its own.
    pub limit: Duration,
}

/// A statement that is done.
pub struct Done {
    /// Which.
    pub statement: Statement,
    /// When its first call began, by both clocks.
    pub began: (Mono, Timestamp),
    /// Its calls, all or the first and the last.
    pub calls: Vec<event::Call>,
    /// Calls that are not among them.
    pub more_calls: usize,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub blocked: Duration,
    /// State of the TCP connection afterwards.
    pub state: Option<String>,
    /// Sentences and tables for the reader.
    pub lines: Vec<String>,
    /// Local ends of the socket: protocol and port; port 0 stands for all of the protocol.
    pub end: Option<(u8, u16)>,
}

/// A running side.
pub struct Side {
    jobs: Option<Sender<Statement>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    /// Statements that were given and are not done.
    pub pending: usize,
}

impl Side {
    /// Starts the thread. What it has done goes to `finished`.
    pub fn start(name: &str, shared: &Shared, finished: &Sender<Done>) -> io::Result<Self> {
        let (jobs, orders) = channel();
        let (name, shared, finished) = (name.to_owned(), shared.clone(), finished.clone());
        let thread = thread::Builder::new().spawn(move || {
            work(&name, shared, &orders, &finished);
            Ok(())
        })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            pending: 0,
        })
    }

    /// Starts the thread in a host of a lab, which has to be done before the drop. It waits until
    /// the start is called, and then gives up its own rights.
    pub fn waiting(host: &Host, finished: &Sender<Done>) -> Result<(Self, Start), Error> {
        let (jobs, orders) = channel();
        let (ready, prepared) = channel();
        let (go, gate) = channel::<Shared>();
        let (name, finished) = (host.name().to_owned(), finished.clone());
        let thread = host.thread(move || {
            // Of this host's network.
            let tables = Tables::open();
            let kept = privilege::prepare_thread();
            if ready.send(kept.is_ok()).is_err() {
                return;
            }
            let Ok(mut shared) = gate.recv() else {
                return;
            };
            if privilege::drop_thread(&table::CALL).is_err() {
                return;
            }
            shared.tables = Arc::new(tables);
            work(&name, shared, &orders, &finished);
        })?;
        if prepared.recv() != Ok(true) {
            return Err(Error::Io {
                operation: "start",
                object: format!("a thread in host {}", host.name()),
                source: io::Error::other("it ended"),
            });
        }
        let side = Self {
            jobs: Some(jobs),
            thread: Some(thread),
            pending: 0,
        };
        Ok((side, Start(go)))
    }

    /// The thread has ended, which it does only by a bug while the side is held.
    pub fn is_dead(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Gives it one more statement; `false` if the thread is gone.
    pub fn order(&mut self, statement: Statement) -> bool {
        self.pending += 1;
        self.jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(statement).is_ok())
    }
}

/// Lets a waiting side begin.
pub struct Start(Sender<Shared>);

impl Start {
    /// The process has dropped its rights.
    pub fn go(self, shared: &Shared) {
        // A thread that is gone is noticed by the first order.
        let _ = self.0.send(shared.clone());
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(name: &str, shared: Shared, orders: &Receiver<Statement>, finished: &Sender<Done>) {
    let log = Arc::new(Mutex::new(Log::default()));
    let wait = Arc::new(Mutex::new(Bounded {
        clock: shared.clock,
        stop: Arc::clone(&shared.stop),
        until: Mono::default(),
    }));
    let done = Arc::clone(&shared.done);
    let tracer = Tracer::new(shared.clock, Some(log.clone()), wait.clone());
    let mut hand = Hand::new(name, shared, tracer, Ledger(log), wait);
    for statement in orders {
        // A panic must not leave the script waiting.
        let made = catch_unwind(AssertUnwindSafe(|| hand.make(&statement)));
        let Ok(made) = made else {
            return;
        };
        if finished.send(made).is_err() {
            return;
        }
        let _ = (&*done).write_all(b".");
    }
}

/// Waits in poll(2): until the descriptor is ready, our own limit is over, or the run is stopped.
pub struct Bounded {
    clock: Clock,
    stop: Arc<PipeReader>,
    /// When a call without a limit of its own has to end.
    pub until: Mono,
}

impl Wait for Bounded {
    fn wait(
        &mut self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        deadline: Option<Mono>,
    ) -> io::Result<Waited> {
        let until = deadline.unwrap_or(self.until);
        loop {
            let left = until.since(self.clock.mono());
            let mut fds = [
                PollFd::new(fd, events),
                PollFd::new(self.stop.as_fd(), PollFlags::POLLIN),
            ];
            ppoll(&mut fds, Some(left), None)?;
            if fds[1].any() == Some(true) {
                return Ok(Waited::Interrupted);
            }
            if fds[0].any() == Some(true) {
                return Ok(Waited::Ready);
            }
            if left.is_zero() && deadline.is_none() {
                // The caller knows of no deadline and would wait on.
                return Err(io::Error::from_raw_os_error(libc::EAGAIN));
            }
            if left.is_zero() {
                return Ok(Waited::TimedOut);
            }
        }
    }
}

/// The calls of the statement at hand.
#[derive(Default)]
struct Log {
    first: Option<Mono>,
    calls: Vec<event::Call>,
    more: usize,
}

impl Calls for Log {
    fn call(&mut self, at: Mono, call: event::Call) {
        self.first.get_or_insert(at);
        if self.calls.len() == MAX_CALLS {
            // The last one says what came of it all.
            self.calls.pop();
            self.more += 1;
        }
        self.calls.push(call);
    }
}

/// The log, for whoever makes the calls.
pub struct Ledger(Arc<Mutex<Log>>);

impl Ledger {
    /// Forgets what was not asked for by the user.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Log::default();
    }

    /// How many calls are in it.
    pub fn len(&self) -> usize {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .calls
            .len()
    }

    /// Cuts back to so many: what came after was not asked for.
    pub fn cut(&self, len: usize) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .calls
            .truncate(len);
    }

    /// When the first call began, the calls, and how many are not among them.
    pub fn take(&self) -> (Option<Mono>, Vec<event::Call>, usize) {
        let log = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (log.first, log.calls, log.more)
    }
}
