//! Names of addresses for `--names`: asked for in the background, never waited for.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};

use super::Resolver;
use super::message::{Address, Answer, Question};

/// Most addresses whose names are kept or asked for. Later ones stay numbers.
const MAX_KNOWN: usize = 1024;

/// What is known about one address.
#[derive(Debug)]
enum State {
    /// The question with this id is on its way.
    Asked(u32),
    Name(Vec<u8>),
    None,
}

/// A cache of names over a [`Resolver`] that fills itself while the run goes on.
#[derive(Debug)]
pub struct Names {
    resolver: Resolver,
    known: HashMap<Address, State>,
    gone: bool,
}

impl Names {
    /// Uses this resolver process from now on.
    pub fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            known: HashMap::new(),
            gone: false,
        }
    }

    /// The name of an address if it is known by now; asks for it otherwise. Never waits.
    ///
    /// The bytes come from a name server: escape them before showing.
    pub fn get(&mut self, address: Address) -> Option<&[u8]> {
        self.collect();
        if !self.known.contains_key(&address) && self.known.len() < MAX_KNOWN && !self.gone {
            // A full queue is no answer: the next reply asks again.
            let id = self.resolver.ask(&Question::Name(address))?;
            self.known.insert(address, State::Asked(id));
        }
        match self.known.get(&address)? {
            State::Name(name) => Some(name),
            State::Asked(_) | State::None => None,
        }
    }

    /// Takes the answers that have come. Call it when the descriptor is readable; without it they
    /// are taken at the next [`Names::get`].
    pub fn collect(&mut self) {
        // At most one answer for each question that is open.
        for _ in 0..MAX_KNOWN {
            if self.gone {
                return;
            }
            match self.resolver.receive() {
                Ok(Some((id, answer))) => self.learn(id, answer),
                Ok(None) => return,
                Err(_) => self.gone = true,
            }
        }
    }

    fn learn(&mut self, id: u32, answer: Answer) {
        let asked = |state: &&mut State| matches!(state, State::Asked(of) if *of == id);
        if let Some(state) = self.known.values_mut().find(asked) {
            *state = match answer {
                Answer::Name(name) if !name.is_empty() => State::Name(name),
                _ => State::None,
            };
        }
    }

    /// The resolver process has ended: no further name will come, and its descriptor is not worth
    /// polling.
    pub fn is_gone(&self) -> bool {
        self.gone
    }
}

impl AsFd for Names {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.resolver.as_fd()
    }
}
