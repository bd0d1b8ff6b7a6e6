//! Step mode: every frame waits on the wire until a key says what becomes of it.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::keep::{Keeper, code_of, failed, tell};
use crate::error::Error;
use crate::lab::Wire;
use crate::sys::poll::{PollFd, PollFlags, ppoll};
use crate::wire::{Key, Reply, Request};

const KEYS: &str = "\
space deliver, x drop, d duplicate, s swap with the next, b flip a bit, h header,
a run to the end, a number and Enter: deliver after so many ms";

/// Another thread may have read what was meant for us: it is looked for this often.
const LOOK: Duration = Duration::from_millis(100);
/// Keys that wait for frames, where they come from a file.
const MAX_KEYS: usize = 65_536;

/// Waits for a command that runs in a lab whose wire holds its frames; the exit code.
pub fn attend(mut child: Child, keeper: &mut Keeper) -> Result<u8, Error> {
    let (ended, ending) = UnixStream::pair().map_err(failed)?;
    let waiter = thread::Builder::new().spawn(move || {
        let status = child.wait();
        drop(ending);
        status
    });
    let waiter = waiter.map_err(failed)?;
    let terminal = Terminal::raw();
    if terminal.is_some() {
        tell(KEYS);
    }
    let mut step = Step {
        wire: keeper.run.wire(),
        waiting: false,
        keys: VecDeque::new(),
        number: String::new(),
        terminal: terminal.is_some(),
        stdin_open: true,
    };
    let code = loop {
        step.hear()?;
        // Keys that are here already answer the frame that has just come.
        step.use_keys()?;
        if let Some(code) = step.wait(keeper, &ended)? {
            break code;
        }
        if has_ended(&ended)? {
            let status = waiter.join();
            let status = status.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            break code_of(status.map_err(failed)?);
        }
    };
    drop(terminal);
    Ok(code)
}

struct Step {
    wire: Arc<Wire>,
    /// A frame waits and was shown.
    waiting: bool,
    keys: VecDeque<u8>,
    number: String,
    terminal: bool,
    stdin_open: bool,
}

impl Step {
    /// Waits for a key, a frame or an end; gives the exit code if the lab shall end.
    fn wait(&mut self, keeper: &mut Keeper, ended: &UnixStream) -> Result<Option<u8>, Error> {
        let stdin = io::stdin();
        let control = self.wire.descriptor()?;
        let ends = &mut keeper.ends;
        let mut fds = vec![
            PollFd::new(ended.as_fd(), PollFlags::POLLIN),
            PollFd::new(ends.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(control.as_fd(), PollFlags::POLLIN),
        ];
        if self.stdin_open && self.keys.len() < MAX_KEYS {
            fds.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        ppoll(&mut fds, Some(LOOK), None).map_err(failed)?;
        let typed = fds.get(3).and_then(PollFd::any) == Some(true);
        if let Some(code) = ends.over()? {
            return Ok(Some(code));
        }
        if typed {
            self.read_keys()?;
        }
        Ok(None)
    }

    /// Takes the news about held frames.
    fn hear(&mut self) -> Result<(), Error> {
        while let Some(line) = self.wire.news()? {
            self.waiting = !line.is_empty();
            if self.waiting {
                tell(&format!("held {line}"));
            }
        }
        Ok(())
    }

    fn read_keys(&mut self) -> Result<(), Error> {
        let mut typed = [0; 64];
        let len = io::stdin().lock().read(&mut typed).map_err(failed)?;
        if len == 0 {
            self.stdin_open = false;
            return Ok(());
        }
        self.keys.extend(typed.get(..len).unwrap_or(&[]));
        Ok(())
    }

    /// Uses the keys, one frame each. At a terminal those without a frame are forgotten; from a
    /// file they wait for theirs, and its end lets everything run.
    fn use_keys(&mut self) -> Result<(), Error> {
        loop {
            if !self.waiting {
                if self.terminal {
                    self.keys.clear();
                }
                return Ok(());
            }
            let key = match self.keys.pop_front() {
                Some(key) => key,
                None if !self.stdin_open => b'a',
                None => return Ok(()),
            };
            self.press(key)?;
            self.hear()?;
        }
    }

    fn press(&mut self, key: u8) -> Result<(), Error> {
        let what = match key {
            b'0'..=b'9' => {
                if self.number.len() < 7 {
                    self.number.push(char::from(key));
                }
                return Ok(());
            }
            b'\n' | b'\r' => {
                let number = std::mem::take(&mut self.number);
                match number.parse() {
                    Ok(millis) => Key::After(Duration::from_millis(millis)),
                    Err(_) => return Ok(()),
                }
            }
            b' ' => Key::Deliver,
            b'x' => Key::Drop,
            b'd' => Key::Duplicate,
            b's' => Key::Swap,
            b'b' => Key::Flip,
            b'a' => Key::Run,
            b'h' => {
                self.wire.ask(&Request::Show, |reply| {
                    if let Reply::Text(text) = reply {
                        tell(text.trim_end());
                    }
                })?;
                return Ok(());
            }
            _ => {
                tell(KEYS);
                return Ok(());
            }
        };
        self.number.clear();
        self.waiting = false;
        self.wire.done(&Request::Press(what))?;
        let mut told = match what {
            Key::After(time) => format!("     delivered after {} ms", time.as_millis()),
            Key::Run => "     all delivered from here on".to_owned(),
            other => format!("     {other:?}").to_lowercase(),
        };
        if what == Key::Swap {
            told.push_str(": the next one first");
        }
        tell(&told);
        Ok(())
    }
}

/// The other end of the stream was closed.
fn has_ended(stream: &UnixStream) -> Result<bool, Error> {
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    Ok(ppoll(&mut fds, Some(Duration::ZERO), None).map_err(failed)? > 0)
}

/// The terminal, giving keys one by one. Ctrl-C still works. Put back when dropped.
struct Terminal {
    saved: Termios,
}

impl Terminal {
    fn raw() -> Option<Self> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let saved = tcgetattr(&stdin).ok()?;
        let mut raw = saved.clone();
        raw.local_flags
            .remove(LocalFlags::ICANON | LocalFlags::ECHO);
        tcsetattr(&stdin, SetArg::TCSADRAIN, &raw).ok()?;
        Some(Self { saved })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.saved);
    }
}
