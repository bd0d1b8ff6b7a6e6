//! The payload of a probe: how it is filled, and how a returned one is compared, without a copy of
//! any being kept.
//!
//! ```text
//!  0        8        16
//! +--------+--------+---------------- -
//! | nonce  | number | byte i is i, or the pattern
//! +--------+--------+---------------- -
//! ```
//!
//! The first 16 bytes, the cookie, are left out of shorter payloads and of `--data`.

use super::Config;

/// Payload bytes before the pattern: the run's nonce and the probe's number.
pub const COOKIE_LEN: usize = 16;

/// Most payload bytes the engine keeps account of: an IPv6 packet's 65,535 less the ICMP header.
pub const MAX_SIZE: usize = 65_527;

/// What the payload is filled with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Payload {
    /// Byte i is i, as iputils sends it; the cookie covers the first 16 where there is room.
    #[default]
    Default,
    /// These bytes over and over, counted from the payload's start; the cookie covers the first 16.
    Pattern(Vec<u8>),
    /// Exactly these bytes, no cookie. Their number is the size, whatever [`Sizes`] says.
    Data(Vec<u8>),
}

/// Payload bytes of the probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// All the same.
    Fixed(usize),
    /// From `min` to `max` by `step`, then from `min` again.
    Sweep {
        /// Smallest.
        min: usize,
        /// Not above this.
        max: usize,
        /// Growth, at least 1.
        step: usize,
    },
}

impl Sizes {
    /// How many different sizes there are: a whole sweep.
    pub fn count(self) -> u64 {
        match self {
            Self::Fixed(_) => 1,
            Self::Sweep { min, max, step } => {
                (max.saturating_sub(min) / step.max(1)).saturating_add(1) as u64
            }
        }
    }

    /// Size of probe `n`, which counts from 1; never above [`MAX_SIZE`].
    pub fn of(self, n: u64) -> usize {
        let size = match self {
            Self::Fixed(size) => size,
            Self::Sweep { min, step, .. } => {
                let turn = n.saturating_sub(1) % self.count();
                let turn = usize::try_from(turn).unwrap_or(usize::MAX);
                min.saturating_add(turn.saturating_mul(step.max(1)))
            }
        };
        size.min(MAX_SIZE)
    }

    fn largest(self) -> usize {
        match self {
            Self::Fixed(size) => size,
            Self::Sweep { min, max, .. } => min.max(max),
        }
        .min(MAX_SIZE)
    }
}

/// Makes each probe's payload, and judges what comes back without having kept a copy.
#[derive(Debug)]
pub(super) struct Filling {
    template: Vec<u8>,
    sizes: Sizes,
    /// `None` for `--data`.
    nonce: Option<[u8; 8]>,
}

/// The first byte that is not as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub at: usize,
    pub sent: u8,
    pub got: u8,
}

impl Filling {
    pub fn new(config: &Config) -> Self {
        let fill = |pattern: &[u8]| -> Vec<u8> {
            let bytes = pattern.iter().copied().cycle();
            bytes.take(config.sizes.largest()).collect()
        };
        let nonce = Some(config.nonce.to_be_bytes());
        match &config.payload {
            Payload::Data(data) => {
                let mut template = data.clone();
                template.truncate(MAX_SIZE);
                Self {
                    sizes: Sizes::Fixed(template.len()),
                    template,
                    nonce: None,
                }
            }
            Payload::Pattern(pattern) if !pattern.is_empty() => Self {
                template: fill(pattern),
                sizes: config.sizes,
                nonce,
            },
            Payload::Default | Payload::Pattern(_) => Self {
                template: fill(&(0..=u8::MAX).collect::<Vec<_>>()),
                sizes: config.sizes,
                nonce,
            },
        }
    }

    pub fn size(&self, n: u64) -> usize {
        self.sizes.of(n)
    }

    /// The first 16 bytes, where a payload of `size` bytes has room for them.
    fn cookie(&self, n: u64, size: usize) -> Option<[u8; COOKIE_LEN]> {
        let nonce = self.nonce.filter(|_| size >= COOKIE_LEN)?;
        let mut cookie = [0; COOKIE_LEN];
        let (front, back) = cookie.split_at_mut(8);
        front.copy_from_slice(&nonce);
        back.copy_from_slice(&n.to_be_bytes());
        Some(cookie)
    }

    fn pattern(&self, size: usize) -> &[u8] {
        self.template.get(..size).unwrap_or(&self.template)
    }

    /// Replaces `out` by the payload of probe `n`.
    pub fn write(&self, n: u64, size: usize, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.pattern(size));
        if let Some(cookie) = self.cookie(n, size)
            && let Some(front) = out.get_mut(..COOKIE_LEN)
        {
            front.copy_from_slice(&cookie);
        }
    }

    /// The first of the bytes that both have which is not as sent in probe `n`.
    pub fn difference(&self, n: u64, size: usize, got: &[u8]) -> Option<Difference> {
        let sent = self.pattern(size);
        let cookie = self.cookie(n, size);
        let start = if cookie.is_some() { COOKIE_LEN } else { 0 };
        let front = cookie.as_ref().map_or(&[][..], |cookie| &cookie[..]);
        first_difference(front, got, 0)
            .or_else(|| first_difference(sent.get(start..)?, got.get(start..)?, start))
    }

    /// Whether a payload carries our nonce, give or take a damaged half; `None` if it has none.
    pub fn own_nonce(&self, size: usize, got: &[u8]) -> Option<bool> {
        let nonce = self.nonce.filter(|_| size >= COOKIE_LEN)?;
        let got = got.first_chunk::<8>()?;
        if *got == nonce {
            return Some(true);
        }
        let differing = nonce.iter().zip(got).filter(|(a, b)| a != b).count();
        Some(differing <= nonce.len() / 2)
    }

    /// Whether a reply with our id belongs to another run: it carries another nonce.
    ///
    /// A damaged nonce of our own must not pass for that, so more than half of its bytes must
    /// differ, and the rest must look like somebody's intact payload: our fill (iputils has the
    /// same), or the number that another rawsock would have with this sequence, or any other
    /// sender than the one we asked.
    pub fn foreign(&self, seq: u16, got: &[u8], from_target: bool) -> bool {
        let Some(cookie) = got.get(..COOKIE_LEN) else {
            return false;
        };
        if self.own_nonce(self.sizes.largest(), got) != Some(false) {
            return false;
        }
        let rest = got.get(COOKIE_LEN..).unwrap_or(&[]);
        let fill = self.pattern(got.len()).get(COOKIE_LEN..).unwrap_or(&[]);
        !from_target
            || cookie.get(14..) == Some(&seq.to_be_bytes()[..])
            || first_difference(fill, rest, 0).is_none()
    }
}

/// Compares as many bytes as both have; `base` is added to the place found.
fn first_difference(sent: &[u8], got: &[u8], base: usize) -> Option<Difference> {
    let both = sent.len().min(got.len());
    // The usual case, all equal, is one memcmp.
    if sent.get(..both) == got.get(..both) {
        return None;
    }
    let mut pairs = sent.iter().zip(got).enumerate();
    let (at, (&sent, &got)) = pairs.find(|(_, (sent, got))| sent != got)?;
    Some(Difference {
        at: base.saturating_add(at),
        sent,
        got,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filling(size: usize, payload: Payload) -> Filling {
        let target = "192.0.2.1".parse().unwrap();
        let mut config = Config::new(target, vec![7], 0x1122_3344_5566_7788);
        config.sizes = Sizes::Fixed(size);
        config.payload = payload;
        Filling::new(&config)
    }

    fn written(filling: &Filling, n: u64, size: usize) -> Vec<u8> {
        let mut out = vec![9; 3];
        filling.write(n, size, &mut out);
        out
    }

    #[test]
    fn default_payload_is_cookie_then_counting_bytes() {
        let out = written(&filling(20, Payload::Default), 0x0102, 20);
        let expected = [
            0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0, 0, 0, 1, 2, 16, 17, 18, 19,
        ];
        assert_eq!(out, expected);
    }

    #[test]
    fn short_payload_has_no_cookie() {
        assert_eq!(written(&filling(3, Payload::Default), 5, 3), [0, 1, 2]);
        assert_eq!(
            written(&filling(0, Payload::Default), 5, 0),
            Vec::<u8>::new()
        );
        assert_eq!(written(&filling(15, Payload::Default), 5, 15)[14], 14);
    }

    #[test]
    fn pattern_keeps_its_phase_after_the_cookie() {
        let out = written(
            &filling(19, Payload::Pattern(vec![0xaa, 0xbb, 0xcc])),
            1,
            19,
        );
        assert_eq!(out[16..], [0xbb, 0xcc, 0xaa]);
        let empty = written(&filling(17, Payload::Pattern(vec![])), 1, 17);
        assert_eq!(empty[16], 16);
    }

    #[test]
    fn data_is_sent_as_it_is() {
        let data: Vec<u8> = (0..40).rev().collect();
        let filling = filling(8, Payload::Data(data.clone()));
        assert_eq!(filling.size(1), 40);
        assert_eq!(written(&filling, 1, 40), data);
    }

    #[test]
    fn difference_is_found_in_cookie_and_rest() {
        let filling = filling(56, Payload::Default);
        let good = written(&filling, 300, 56);
        assert_eq!(filling.difference(300, 56, &good), None);
        for at in 0..56 {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            let found = filling.difference(300, 56, &bad).unwrap();
            assert_eq!((found.at, found.sent, found.got), (at, good[at], bad[at]));
            assert!(!filling.foreign(300, &bad, true), "flip at {at} is damage");
        }
        assert_eq!(filling.difference(301, 56, &good).unwrap().at, 15);
    }

    #[test]
    fn another_nonce_is_foreign_but_a_ruined_payload_is_not() {
        let ours = filling(56, Payload::Default);
        let mut theirs = written(&ours, 300, 56);
        for byte in &mut theirs[..8] {
            *byte = !*byte;
        }
        assert!(ours.foreign(300, &theirs, true));
        assert!(!ours.foreign(300, &[0; 56], true));
        assert!(ours.foreign(300, &[0; 56], false));
        assert!(!ours.foreign(300, &theirs[..15], true));
    }

    #[test]
    fn sweep_goes_round_and_stays_in_range() {
        let sweep = Sizes::Sweep {
            min: 10,
            max: 20,
            step: 4,
        };
        assert_eq!(sweep.count(), 3);
        let sizes: Vec<_> = (1..=4).map(|n| sweep.of(n)).collect();
        assert_eq!(sizes, [10, 14, 18, 10]);
        let odd = Sizes::Sweep {
            min: 9,
            max: 3,
            step: 0,
        };
        assert_eq!((odd.count(), odd.of(77)), (1, 9));
        assert_eq!(Sizes::Fixed(usize::MAX).of(1), MAX_SIZE);
    }
}
