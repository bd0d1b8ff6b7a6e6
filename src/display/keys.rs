//! Which keys there are: the decoder's protocols and fields, the frame's own, and Wireshark's names
//! for "either side". Finds what was meant by one that there is not.

use std::collections::BTreeMap;
use std::ops::Range;

use super::WhereError;
use super::frame::{self, Whole};
use crate::decode::{Decoder, Proto, Show, Spec};
use crate::filter::quoted;

/// Wireshark's keys that stand for two fields.
const EITHER: &[(&str, &[&str])] = &[
    ("eth.addr", &["eth.src", "eth.dst"]),
    ("ip.addr", &["ip.src", "ip.dst"]),
    ("ipv6.addr", &["ipv6.src", "ipv6.dst"]),
    ("tcp.port", &["tcp.srcport", "tcp.dstport"]),
    ("udp.port", &["udp.srcport", "udp.dstport"]),
];

/// Most suggestions for a wrong key.
const MOST: usize = 3;

/// Where values come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub what: What,
    /// Only the outermost layer of its protocol, and no quoted one.
    pub outer: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// A layer, by its protocol's key.
    Layer(Vec<&'static Proto>),
    /// Fields of any of these, in layers of these protocols.
    Fields {
        specs: Vec<&'static Spec>,
        protos: Vec<&'static Proto>,
    },
    /// The whole packet's bytes.
    Frame,
    /// A key of the whole packet.
    Whole(Whole, &'static Spec),
}

impl Source {
    /// Every value is a number, whatever the packet.
    pub fn is_number(&self) -> bool {
        let number = |spec: &&Spec| !matches!(spec.show, Show::Plain);
        match &self.what {
            What::Fields { specs, .. } => specs.iter().all(number),
            What::Whole(_, spec) => number(spec),
            What::Layer(_) | What::Frame => false,
        }
    }

    /// Its numbers have names.
    pub fn is_named(&self) -> bool {
        match &self.what {
            What::Fields { specs, .. } => {
                specs.iter().any(|spec| matches!(spec.show, Show::Named(_)))
            }
            _ => false,
        }
    }
}

/// All keys.
#[derive(Debug)]
pub(super) struct Keys {
    layers: BTreeMap<&'static str, Vec<&'static Proto>>,
    fields: BTreeMap<&'static str, (Vec<&'static Spec>, Vec<&'static Proto>)>,
}

impl Keys {
    pub fn of(decoder: &Decoder) -> Self {
        let mut keys = Self {
            layers: BTreeMap::new(),
            fields: BTreeMap::new(),
        };
        for &proto in decoder.protos() {
            keys.layers.entry(proto.key).or_default().push(proto);
            for &spec in proto.specs.iter().copied().flatten() {
                let (specs, protos) = keys.fields.entry(spec.key).or_default();
                if !specs.iter().any(|known| std::ptr::eq(*known, spec)) {
                    specs.push(spec);
                }
                if !protos.iter().any(|known| std::ptr::eq(*known, proto)) {
                    protos.push(proto);
                }
            }
        }
        keys
    }

    /// What a key stands for.
    pub fn find(&self, key: &str) -> Option<Source> {
        let (outer, key) = match key.strip_prefix("outer.") {
            Some(rest) => (true, rest),
            None => (false, key),
        };
        let fields = |names: &[&str]| {
            let (mut specs, mut protos) = (Vec::new(), Vec::new());
            for (known, holders) in names.iter().filter_map(|name| self.fields.get(name)) {
                specs.extend(known);
                protos.extend(holders);
            }
            (!specs.is_empty()).then_some(What::Fields { specs, protos })
        };
        let either = EITHER.iter().find(|(name, _)| *name == key);
        let whole = frame::ALL.iter().find(|(_, spec)| spec.key == key);
        // Some are both: a fragment header is a layer and, in Wireshark, a field.
        let what = if let Some(protos) = self.layers.get(key) {
            What::Layer(protos.clone())
        } else if key == "frame" {
            What::Frame
        } else if let Some((whole, spec)) = whole {
            What::Whole(*whole, spec)
        } else if let Some((_, names)) = either {
            fields(names)?
        } else {
            fields(&[key])?
        };
        Some(Source { what, outer })
    }

    fn all(&self) -> impl Iterator<Item = &'static str> {
        let whole = frame::ALL.iter().map(|(_, spec)| spec.key);
        let either = EITHER.iter().map(|(name, _)| *name);
        let fields = self.fields.keys().copied().chain(whole).chain(either);
        self.layers.keys().copied().chain(fields)
    }

    /// What is said of a key that there is not.
    pub fn unknown(&self, wrong: &str, at: Range<usize>) -> WhereError {
        let shown = quoted(wrong);
        let fault = WhereError::new(at, format!("there is no field or protocol {shown}"));
        let near = self.near(wrong);
        if near.is_empty() {
            return fault.hint("the keys are those that `rawsock read -vv` and `--json` show");
        }
        let near: Vec<String> = near.iter().map(|key| format!("`{key}`")).collect();
        fault.hint(format!("perhaps {} was meant", near.join(" or ")))
    }

    /// Keys that may have been meant, best first.
    pub fn near(&self, wrong: &str) -> Vec<&'static str> {
        let wrong = wrong.strip_prefix("outer.").unwrap_or(wrong);
        let wrong = wrong.to_ascii_lowercase();
        let tail = format!(".{wrong}");
        // One typing error in four letters.
        let limit = wrong.len().div_euclid(4).saturating_add(1).min(4);
        let rank = |key: &&'static str| {
            if key.ends_with(&tail) {
                return Some((0, key.len(), *key));
            }
            if wrong.len() > 2 && key.starts_with(&wrong) {
                return Some((1, key.len(), *key));
            }
            let far = distance(&wrong, key);
            (far <= limit).then_some((far.saturating_add(1), 0, *key))
        };
        let mut near: Vec<_> = self.all().filter_map(|key| rank(&key)).collect();
        near.sort_unstable();
        near.dedup();
        near.into_iter().take(MOST).map(|(.., key)| key).collect()
    }
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour (optimal
/// string alignment). Long words are not compared.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len().max(other.len()) > 64 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX);
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i.saturating_add(1)];
        for (j, b) in other.iter().enumerate() {
            let change = at(&last, j).saturating_add(usize::from(a != b));
            let put = at(&row, j).saturating_add(1);
            let take = at(&last, j.saturating_add(1)).saturating_add(1);
            let mut best = change.min(put).min(take);
            if let (Some(i), Some(j)) = (i.checked_sub(1), j.checked_sub(1))
                && one.get(i) == Some(b)
                && other.get(j) == Some(a)
            {
                best = best.min(at(&before, j).saturating_add(1));
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    at(&last, other.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found() {
        let decoder = Decoder::new();
        let keys = Keys::of(&decoder);
        assert_eq!(keys.near("ip.tll").first(), Some(&"ip.ttl"));
        assert_eq!(keys.near("ttl").first(), Some(&"ip.ttl"));
        assert_eq!(keys.near("imcp.type").first(), Some(&"icmp.type"));
        assert_eq!(keys.near("tcp.sequ").first(), Some(&"tcp.seq"));
        assert_eq!(keys.near("icmpp").first(), Some(&"icmp"));
        assert_eq!(keys.near("frame.length").first(), Some(&"frame.len"));
        assert_eq!(keys.near("qqqqqqqq"), [""; 0]);
        assert_eq!(distance("abcd", "abdc"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn every_key_is_found() {
        let decoder = Decoder::new();
        let keys = Keys::of(&decoder);
        let mut count = 0;
        for key in keys.all() {
            assert!(keys.find(key).is_some(), "{key}");
            assert!(keys.find(&format!("outer.{key}")).is_some(), "{key}");
            count += 1;
        }
        assert!(count > 300, "{count}");
    }
}
