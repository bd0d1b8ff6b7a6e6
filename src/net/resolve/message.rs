//! What passes between us and the resolver process: messages of fixed size, checked on arrival.
//!
//! The other side reads hostile packets, so nothing in an answer is believed without a check.

use std::net::IpAddr;

/// An address and, for a link-local one, its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Index of the interface (RFC 4007 scope), 0 where none is needed.
    pub scope: u32,
}

/// Which addresses count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both.
    #[default]
    Any,
    /// IPv4 only (`-4`).
    V4,
    /// IPv6 only (`-6`).
    V6,
}

/// Longest name, without the final dot (RFC 1035 2.3.4 allows 255 bytes on the wire).
pub const MAX_NAME: usize = 255;

/// Addresses in one answer; a name with more has the others left out.
pub const MAX_ADDRESSES: usize = 32;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The addresses of a name.
    Addresses(Family, Vec<u8>),
    /// The name of an address.
    Name(Address),
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// In the order to try them, and the canonical name.
    Addresses(Vec<Address>, Option<Vec<u8>>),
    /// The name of the address.
    Name(Vec<u8>),
    /// `EAI_*` and, for EAI_SYSTEM, the errno.
    Refused {
        /// Negative in glibc.
        code: i32,
        /// 0 where there is none.
        errno: i32,
    },
}

const ADDRESS: usize = 1 + 16 + 4;
/// Bytes of every question: id, kind, family, length, name or address.
pub const QUESTION: usize = 4 + 1 + 1 + 1 + MAX_NAME;
/// Bytes of every answer: id, kind, count, length or 255 for none, two numbers, addresses, name.
pub const ANSWER: usize = 4 + 1 + 1 + 1 + 8 + MAX_ADDRESSES * ADDRESS + MAX_NAME + 1;

/// Fills a message from the front.
struct Writer<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Writer<N> {
    fn new() -> Self {
        Self {
            bytes: [0; N],
            at: 0,
        }
    }

    /// Appends as much as there is room for; the sizes above leave room for all.
    fn put(&mut self, data: &[u8]) {
        for (place, byte) in self.bytes.iter_mut().skip(self.at).zip(data) {
            *place = *byte;
        }
        self.at = self.at.saturating_add(data.len());
    }

    fn address(&mut self, address: Address) {
        match address.ip {
            IpAddr::V4(ip) => {
                self.put(&[4]);
                self.put(&ip.octets());
                self.put(&[0; 12]);
            }
            IpAddr::V6(ip) => {
                self.put(&[6]);
                self.put(&ip.octets());
            }
        }
        self.put(&address.scope.to_ne_bytes());
    }
}

/// Takes a message apart from the front; `None` where it is too short or makes no sense.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn word(&mut self) -> Option<[u8; 4]> {
        self.take(4)?.try_into().ok()
    }

    fn address(&mut self) -> Option<Address> {
        let family = self.byte()?;
        let octets: [u8; 16] = self.take(16)?.try_into().ok()?;
        let scope = u32::from_ne_bytes(self.word()?);
        let ip = match family {
            4 => IpAddr::from(*octets.first_chunk::<4>()?),
            6 => IpAddr::from(octets),
            _ => return None,
        };
        Some(Address { ip, scope })
    }
}

/// A length byte. Names are checked against [`MAX_NAME`] before.
fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

impl Question {
    /// The message that asks this.
    pub fn encode(&self, id: u32) -> [u8; QUESTION] {
        let mut w = Writer::new();
        w.put(&id.to_ne_bytes());
        match self {
            Self::Addresses(family, name) => {
                let family = match family {
                    Family::Any => 0,
                    Family::V4 => 4,
                    Family::V6 => 6,
                };
                w.put(&[b'a', family, length(name)]);
                w.put(name);
            }
            Self::Name(address) => {
                w.put(b"n\0\0");
                w.address(*address);
            }
        }
        w.bytes
    }

    /// The question of a message, with its id.
    pub fn decode(message: &[u8]) -> Option<(u32, Self)> {
        if message.len() != QUESTION {
            return None;
        }
        let mut r = Reader(message);
        let id = u32::from_ne_bytes(r.word()?);
        let (kind, family, len) = (r.byte()?, r.byte()?, r.byte()?);
        let question = match (kind, family) {
            (b'a', 0) => Self::Addresses(Family::Any, r.take(len.into())?.to_owned()),
            (b'a', 4) => Self::Addresses(Family::V4, r.take(len.into())?.to_owned()),
            (b'a', 6) => Self::Addresses(Family::V6, r.take(len.into())?.to_owned()),
            (b'n', _) => Self::Name(r.address()?),
            _ => return None,
        };
        Some((id, question))
    }
}

impl Answer {
    /// The message that says this; what does not fit is left out.
    pub fn encode(&self, id: u32) -> [u8; ANSWER] {
        let mut w = Writer::new();
        w.put(&id.to_ne_bytes());
        match self {
            Self::Addresses(addresses, canonical) => {
                let fitting = addresses.iter().take(MAX_ADDRESSES);
                let count = u8::try_from(fitting.len()).unwrap_or(0);
                let canonical = canonical.as_ref().filter(|name| name.len() <= MAX_NAME);
                w.put(&[b'a', count, u8::from(canonical.is_some())]);
                for address in fitting {
                    w.address(*address);
                }
                if let Some(name) = canonical {
                    w.put(&[length(name)]);
                    w.put(name);
                }
            }
            Self::Name(name) => {
                let name = name.get(..MAX_NAME).unwrap_or(name);
                w.put(&[b'n', 0, 0, length(name)]);
                w.put(name);
            }
            Self::Refused { code, errno } => {
                w.put(b"r\0\0");
                w.put(&code.to_ne_bytes());
                w.put(&errno.to_ne_bytes());
            }
        }
        w.bytes
    }

    /// The answer of a message, with the id of its question.
    pub fn decode(message: &[u8]) -> Option<(u32, Self)> {
        if message.len() != ANSWER {
            return None;
        }
        let mut r = Reader(message);
        let id = u32::from_ne_bytes(r.word()?);
        let (kind, count, has_name) = (r.byte()?, r.byte()?, r.byte()?);
        let answer = match kind {
            b'a' if usize::from(count) <= MAX_ADDRESSES => {
                let addresses = (0..count).map(|_| r.address()).collect::<Option<_>>()?;
                let canonical = if has_name == 0 {
                    None
                } else {
                    let len = r.byte()?;
                    Some(r.take(len.into())?.to_owned())
                };
                Self::Addresses(addresses, canonical)
            }
            b'n' => {
                let len = r.byte()?;
                Self::Name(r.take(len.into())?.to_owned())
            }
            b'r' => Self::Refused {
                code: i32::from_ne_bytes(r.word()?),
                errno: i32::from_ne_bytes(r.word()?),
            },
            _ => return None,
        };
        Some((id, answer))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address() -> impl Strategy<Value = Address> {
        (any::<IpAddr>(), any::<u32>()).prop_map(|(ip, scope)| Address { ip, scope })
    }

    fn name() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..=MAX_NAME)
    }

    fn question() -> impl Strategy<Value = Question> {
        let family = prop_oneof![Just(Family::Any), Just(Family::V4), Just(Family::V6)];
        prop_oneof![
            (family, name()).prop_map(|(family, name)| Question::Addresses(family, name)),
            address().prop_map(Question::Name),
        ]
    }

    fn answer() -> impl Strategy<Value = Answer> {
        let addresses = proptest::collection::vec(address(), 0..=MAX_ADDRESSES);
        prop_oneof![
            (addresses, proptest::option::of(name()))
                .prop_map(|(addresses, canonical)| Answer::Addresses(addresses, canonical)),
            name().prop_map(Answer::Name),
            (any::<i32>(), any::<i32>()).prop_map(|(code, errno)| Answer::Refused { code, errno }),
        ]
    }

    proptest! {
        #[test]
        fn every_message_survives(id: u32, question in question(), answer in answer()) {
            prop_assert_eq!(Question::decode(&question.encode(id)), Some((id, question)));
            prop_assert_eq!(Answer::decode(&answer.encode(id)), Some((id, answer)));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2 * ANSWER)) {
            let mut whole = bytes.clone();
            for size in [QUESTION, ANSWER] {
                whole.resize(size, 0);
                let _ = Question::decode(&whole);
                if let Some((_, Answer::Addresses(addresses, _))) = Answer::decode(&whole) {
                    prop_assert!(addresses.len() <= MAX_ADDRESSES);
                }
            }
            if bytes.len() != ANSWER {
                prop_assert_eq!(Answer::decode(&bytes), None);
            }
        }
    }

    #[test]
    fn more_than_fits_is_left_out() {
        let one = Address {
            ip: IpAddr::from([127, 0, 0, 1]),
            scope: 0,
        };
        let answer = Answer::Addresses(vec![one; 40], Some(vec![b'x'; 300]));
        let (_, got) = Answer::decode(&answer.encode(1)).unwrap();
        assert_eq!(got, Answer::Addresses(vec![one; MAX_ADDRESSES], None));
        let (_, got) = Answer::decode(&Answer::Name(vec![b'x'; 300]).encode(1)).unwrap();
        assert_eq!(got, Answer::Name(vec![b'x'; MAX_NAME]));
    }
}
