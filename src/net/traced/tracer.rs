//! What the sockets of a run share: the sink that takes their calls, the clock, the way to wait.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::wait::{Poll, PollFlags, Wait, Waited};
use crate::event::{Call, Mono, Outcome};
use crate::sys::clock::Clock;

/// Takes the calls of one or more sockets, in the order in which they end.
pub trait Calls: Send {
    /// A call that began at `at` has ended.
    fn call(&mut self, at: Mono, call: Call);
    /// A sentence about the call before.
    fn note(&mut self, _at: Mono, _text: String) {}
}

/// Where calls go. Shared by the sockets of a run, also over threads.
pub type Sink = Arc<Mutex<dyn Calls>>;

/// What a run's sockets share: clock, sink, and how to wait.
#[derive(Clone)]
pub struct Tracer {
    clock: Clock,
    sink: Option<Sink>,
    wait: Arc<Mutex<dyn Wait>>,
    pub(super) spin: bool,
    pub(super) tcp_info: bool,
}

impl Tracer {
    /// Calls go to `sink`, if there is one; waits are made by `wait`.
    pub fn new(clock: Clock, sink: Option<Sink>, wait: Arc<Mutex<dyn Wait>>) -> Self {
        Self {
            clock,
            sink,
            wait,
            spin: false,
            tcp_info: false,
        }
    }

    /// Calls go to `sink`; waits are made in poll(2) and nothing interrupts them.
    pub fn to(clock: Clock, sink: Sink) -> Self {
        Self::new(
            clock,
            Some(sink),
            Arc::new(Mutex::new(Poll::new(clock, None))),
        )
    }

    /// Asks the kernel again and again in place of waiting: faster by the time that waking up
    /// takes, and a processor is busy all the time.
    #[must_use]
    pub fn spinning(mut self, spin: bool) -> Self {
        self.spin = spin;
        self
    }

    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Calls are reported.
    pub fn is_on(&self) -> bool {
        self.sink.is_some()
    }

    /// The time, if anybody wants it.
    pub(super) fn begin(&self) -> Mono {
        if self.is_on() {
            self.clock.mono()
        } else {
            Mono::default()
        }
    }

    /// Reports a call that began at `at`.
    pub(super) fn end(&self, at: Mono, call: impl FnOnce(Duration) -> Call) {
        if let Some(sink) = &self.sink {
            let blocked = self.clock.mono().since(at);
            let call = call(blocked);
            lock(sink).call(at, call);
        }
    }

    /// Adds a sentence about the call before.
    pub fn note(&self, text: impl FnOnce() -> String) {
        if let Some(sink) = &self.sink {
            let at = self.clock.mono();
            let text = text();
            lock(sink).note(at, text);
        }
    }

    /// A call that no socket makes: poll(2) of several.
    pub fn other<T>(
        &self,
        method: &'static str,
        args: impl FnOnce() -> String,
        run: impl FnOnce() -> io::Result<T>,
        value: impl FnOnce(&T) -> String,
    ) -> io::Result<T> {
        let at = self.begin();
        let result = run();
        self.end(at, |blocked| Call {
            method,
            fd: None,
            args: args(),
            outcome: outcome(&result, value),
            blocked,
            bytes: 0,
        });
        result
    }

    /// Waits for any descriptor as the sockets of this run wait.
    pub fn wait(
        &self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        deadline: Option<Mono>,
    ) -> io::Result<Waited> {
        lock(&self.wait).wait(fd, events, deadline)
    }

    /// Waits for a time; [`Waited::Interrupted`] if something else is to be done first.
    pub fn pause(&self, span: Duration) -> io::Result<Waited> {
        let until = self.clock.mono().plus(span);
        lock(&self.wait).pause(until)
    }

    /// After each call on a TCP socket its state is noted.
    #[must_use]
    pub fn with_tcp_info(mut self, wanted: bool) -> Self {
        self.tcp_info = wanted;
        self
    }
}

/// A sink that panicked in another thread still takes calls: its own state is its own matter.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a result is in a trace.
pub(super) fn outcome<T>(result: &io::Result<T>, value: impl FnOnce(&T) -> String) -> Outcome {
    match result {
        Ok(got) => Outcome::Value(value(got)),
        // Errors of our own have no number: socket2 refuses names that are too long.
        Err(error) => Outcome::Errno(error.raw_os_error().unwrap_or(libc::EINVAL)),
    }
}
