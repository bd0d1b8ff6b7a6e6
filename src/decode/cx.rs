//! What a protocol's `decode` gets: bounds-checked reads, and the pen for fields and problems.
//!
//! Every offset is counted from the layer's first byte, as in the RFC's header picture.

use std::net::IpAddr;
use std::ops::Range;

use super::packet::MAX_FIELDS;
use super::{Field, Flags, Layer, Packet, Problem, Proto, Pseudo, Severity, Spec, Sum, Value};

/// What the enclosing IP header said, for checksums and rules of the layers inside.
#[derive(Clone, Copy, Debug)]
pub struct Net {
    /// Source address.
    pub source: IpAddr,
    /// Final destination: behind a routing header its last address (RFC 8200 8.1).
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub hops: u8,
    /// Value of the Router Alert option.
    pub router_alert: Option<u16>,
    /// Part of a fragmented datagram: lengths and checksums inside cover more than is here.
    pub fragment: bool,
    /// `destination` is not the final one (a routing header that we cannot follow): checksums over
    /// a pseudo header cannot be verified.
    pub detour: bool,
}

/// An open group of fields, closed by [`Cx::close`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Group(Option<usize>);

/// The decoding context of one layer.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not depend on each other"
)]
#[derive(Debug)]
pub struct Cx<'a> {
    /// What the enclosing IP header said; `None` for a bare message.
    pub net: Option<Net>,
    pub(super) flags: Flags,
    bytes: &'a [u8],
    pub(super) packet: &'a mut Packet,
    /// Which bytes: 0 the frame's, 1 and following a reassembled datagram's.
    pub(super) buf: u8,
    /// First byte of the layer.
    start: u32,
    /// End of what was captured of the layer.
    end: u32,
    /// End of the layer as the enclosing lengths claim; not before `end`.
    limit: u32,
    /// `end - start`, 0 if the layer begins past the capture.
    have: u32,
    /// `start`, kept inside the buffer: where fields count from.
    pub(super) base: u32,
    /// Header length, as the protocol sets it.
    header: u32,
    first_field: usize,
    pub(super) quoted: bool,
    /// Checksums are verified.
    pub(super) verifies: bool,
    /// A length outside claimed more than there is: checksums inside cover bytes that are missing.
    pub(super) clipped: bool,
    /// The message may go on in the next segment.
    partial: bool,
    depth: u8,
    proto: &'static Proto,
}

impl<'a> Cx<'a> {
    pub(super) fn new(
        flags: Flags,
        bytes: &'a [u8],
        wire_len: u32,
        packet: &'a mut Packet,
    ) -> Self {
        let end = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self {
            net: None,
            flags,
            bytes,
            packet,
            buf: 0,
            start: 0,
            end,
            limit: wire_len.max(end),
            have: end,
            base: 0,
            header: 0,
            first_field: 0,
            quoted: false,
            verifies: true,
            clipped: false,
            partial: false,
            depth: 0,
            proto: &super::data::PROTO,
        }
    }

    /// Starts the next layer: `from..to` counted from the current layer's first byte.
    pub(super) fn enter(&mut self, proto: &'static Proto, from: u32, to: u32) {
        let claimed = self.start.saturating_add(to);
        self.clipped |= claimed > self.limit;
        self.limit = claimed.min(self.limit);
        // Can lie past the capture: then nothing of the layer is here.
        self.start = self.start.saturating_add(from).min(self.limit);
        self.end = self.end.min(self.limit);
        self.have = self.end.saturating_sub(self.start);
        self.base = self.start.min(self.end);
        self.header = 0;
        self.depth = 0;
        self.first_field = self.packet.fields.len();
        self.proto = proto;
        self.packet.layers.push(Layer {
            proto,
            at: self.base,
            len: 0,
            end: self.limit,
            first_field: u32::try_from(self.first_field).unwrap_or(u32::MAX),
            fields: 0,
            quoted: self.quoted,
            buf: self.buf,
        });
    }

    /// Completes the layer's entry in the packet.
    pub(super) fn leave(&mut self) {
        let fields = self.packet.fields.len().saturating_sub(self.first_field);
        let len = self.header.min(self.have());
        if let Some(layer) = self.packet.layers.last_mut() {
            layer.fields = u32::try_from(fields).unwrap_or(u32::MAX);
            layer.len = len;
        }
    }

    /// Takes back the layer that was entered last: it is of another protocol.
    #[cold]
    pub(super) fn retract(&mut self) {
        self.packet.fields.truncate(self.first_field);
        self.packet.layers.pop();
        let layers = u32::try_from(self.packet.layers.len()).unwrap_or(u32::MAX);
        self.packet.problems.retain(|one| one.layer < layers);
    }

    /// The message may go on in the next segment: its end is nobody's fault.
    pub fn partial(&mut self) {
        self.partial = true;
    }

    /// What follows is the datagram inside an ICMP error.
    pub(super) fn begin_quote(&mut self) {
        self.quoted = true;
        self.net = None;
    }

    /// The layer outside this one.
    pub fn outer(&self) -> Option<&'static Proto> {
        let outer = self.packet.layers.iter().rev().nth(1);
        outer.map(|layer| layer.proto)
    }

    pub(super) fn layer_count(&self) -> usize {
        self.packet.layers.len()
    }

    /// Length of this layer with its payload, as the enclosing lengths claim.
    pub fn len(&self) -> u32 {
        self.limit.saturating_sub(self.start)
    }

    /// Nothing at all belongs to this layer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them were captured.
    pub fn have(&self) -> u32 {
        self.have
    }

    /// Inside the datagram that an ICMP error quotes.
    pub fn quoted(&self) -> bool {
        self.quoted
    }

    /// The captured bytes of this layer and its payload.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
            .get(self.start as usize..self.end as usize)
            .unwrap_or(&[])
    }

    /// `len` bytes from `at`, if all were captured.
    pub fn bytes(&self, at: u32, len: u32) -> Option<&'a [u8]> {
        let from = at as usize;
        self.rest().get(from..from.checked_add(len as usize)?)
    }

    /// `N` bytes from `at`, if all were captured.
    pub fn array<const N: usize>(&self, at: u32) -> Option<[u8; N]> {
        self.rest().get(at as usize..)?.first_chunk().copied()
    }

    /// The first `N` bytes; zero where nothing was captured. Fields added past the capture are
    /// dropped by [`Cx::add`], so that a cut header still shows what it has.
    pub fn head<const N: usize>(&self) -> [u8; N] {
        let mut head = [0; N];
        if let Some(whole) = self.rest().first_chunk() {
            head = *whole;
        } else {
            head.iter_mut()
                .zip(self.rest())
                .for_each(|(to, from)| *to = *from);
        }
        head
    }

    /// One byte.
    pub fn u8(&self, at: u32) -> Option<u8> {
        self.rest().get(at as usize).copied()
    }

    /// Two bytes in network order.
    pub fn u16(&self, at: u32) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// Four bytes in network order.
    pub fn u32(&self, at: u32) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// Sets the header's length, for [`Layer::len`].
    pub fn set_header(&mut self, len: u32) {
        self.header = len;
    }

    /// Adds a field. Dropped without a word if its bytes were not captured: [`Cx::need`] tells.
    #[inline]
    pub fn add(&mut self, spec: &'static Spec, at: u32, len: u32, value: Value) {
        self.push(spec, at, len, value);
    }

    /// Adds a number.
    #[inline]
    pub fn uint(&mut self, spec: &'static Spec, at: u32, len: u32, value: impl Into<u64>) {
        self.push(spec, at, len, Value::Uint(value.into()));
    }

    /// Adds a field that stands for bytes as they are.
    pub fn raw(&mut self, spec: &'static Spec, at: u32, len: u32) {
        if len > 0 {
            self.push(spec, at, len, Value::Bytes);
        }
    }

    /// Adds text from the packet, unescaped; what is not UTF-8 stays bytes.
    pub fn text(&mut self, spec: &'static Spec, at: u32, len: u32) {
        let text = self.bytes(at, len).map(std::str::from_utf8);
        let value = match text {
            Some(Ok(text)) => {
                let start = self.packet.text.len();
                self.packet.text.push_str(text);
                let end = self.packet.text.len();
                match (u32::try_from(start), u32::try_from(end)) {
                    (Ok(start), Ok(end)) => Value::Text(start, end),
                    _ => Value::Bytes,
                }
            }
            _ => Value::Bytes,
        };
        self.push(spec, at, len, value);
    }

    /// Text that `write` makes of the bytes, unescaped, as the value of a field to come.
    pub fn composed<T>(&mut self, write: impl FnOnce(&Self, &mut String) -> T) -> (Value, T) {
        let mut text = std::mem::take(&mut self.packet.text);
        let start = text.len();
        let result = write(self, &mut text);
        let end = text.len();
        self.packet.text = text;
        let value = match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => Value::Text(start, end),
            _ => Value::Bytes,
        };
        (value, result)
    }

    #[inline]
    fn push(&mut self, spec: &'static Spec, at: u32, len: u32, value: Value) -> Option<usize> {
        if at.saturating_add(len) > self.have {
            return None;
        }
        loop {
            let index = self.packet.fields.len();
            if let Some(slot) = self.packet.fields.next() {
                // Written in place: built beforehand for a call, it would be copied.
                *slot = Field {
                    spec,
                    // Cannot wrap: `at` is not above `have`, and `base` plus that lies in the buffer.
                    at: self.base.wrapping_add(at),
                    len,
                    depth: self.depth,
                    value,
                };
                return Some(index);
            }
            if !self.packet.fields.grow() {
                self.too_many();
                return None;
            }
        }
    }

    /// Places for `N` fields in the first `within` bytes of the layer, what their `at` and what their
    /// depth count from; `None` if they must be added one by one.
    #[inline]
    pub(super) fn places<const N: usize>(
        &mut self,
        within: u32,
    ) -> Option<(&mut [Field; N], u32, u8)> {
        if self.have < within {
            return None;
        }
        let slots = self.packet.fields.several::<N>()?;
        Some((slots, self.base, self.depth))
    }

    /// What `fixed!` does where there is no room, or the header is cut.
    #[cold]
    #[inline(never)]
    pub(super) fn one_by_one(&mut self, list: &[(u8, &'static Spec, u32, u32, Value)]) {
        let outside = self.depth;
        for (index, (depth, spec, at, len, value)) in list.iter().enumerate() {
            let next = list.get(index.saturating_add(1));
            // As `open` does it: of a group there is what was captured.
            let is_group = next.is_some_and(|next| next.0 > *depth);
            let left = self.have.saturating_sub(*at);
            let len = if is_group { left.min(*len) } else { *len };
            self.depth = outside.saturating_add(*depth);
            self.push(spec, *at, len, *value);
        }
        self.depth = outside;
    }

    #[cold]
    fn too_many(&mut self) {
        let known = self.packet.problems.iter();
        if known.clone().any(|problem| problem.key == "limit.fields") {
            return;
        }
        let text = format!("more than {MAX_FIELDS} fields: the rest is not shown");
        self.problem(Severity::Limit, 0, 0, "limit.fields", "", text);
    }

    /// Adds a field whose children follow, until [`Cx::close`].
    pub fn open(&mut self, spec: &'static Spec, at: u32, len: u32, value: Value) -> Group {
        let len = len.min(self.have().saturating_sub(at));
        let group = Group(self.push(spec, at, len, value));
        self.depth = self.depth.saturating_add(1);
        group
    }

    /// Ends a group. Every group that was opened must be closed, also on an early way out.
    pub fn close(&mut self, _: Group) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Ends a group whose length was not known before: it reaches to `end`.
    pub fn close_at(&mut self, group: Group, end: u32) {
        let end = self.start.saturating_add(end).min(self.end);
        let field = group.0.and_then(|index| self.packet.fields.get_mut(index));
        if let Some(field) = field {
            field.len = end.saturating_sub(field.at);
        }
        self.close(group);
    }

    /// Are `len` bytes here? If not, says whose fault it is: a capture that ended is `truncated`,
    /// an enclosing length too small for this header is `invalid`. A quoted datagram is cut by
    /// nature (RFC 792: 8 bytes past the IP header) and gets no problem.
    #[must_use]
    #[inline]
    pub fn need(&mut self, len: u32) -> bool {
        if self.have() >= len {
            return true;
        }
        self.short(len);
        false
    }

    #[cold]
    fn short(&mut self, len: u32) {
        if self.quoted {
            return;
        }
        let (name, have, claimed) = (self.proto.name, self.have(), self.len());
        if claimed >= len {
            let text = format!("{name}: needs {len} bytes, the capture ends after {have}");
            self.problem(Severity::Truncated, 0, have, "truncated", "", text);
        } else if !self.partial && !self.net.is_some_and(|net| net.fragment) {
            let text = format!("{name}: needs {len} bytes, the lengths outside leave {claimed}");
            self.problem(
                Severity::Invalid,
                0,
                have,
                "too.short",
                self.proto.rfc,
                text,
            );
        }
    }

    /// Notes a checksum for those who asked ([`Packet::with_sums`]).
    pub(super) fn note_sum(
        &mut self,
        at: u32,
        covered: &Range<u32>,
        protocol: Option<u8>,
        status: u64,
    ) {
        let layer = self.packet.layers.len().saturating_sub(1);
        let Some(sums) = &mut self.packet.sums else {
            return;
        };
        let pseudo = self.net.zip(protocol).map(|(net, protocol)| Pseudo {
            source: net.source,
            destination: net.destination,
            length: covered.end.saturating_sub(covered.start),
            protocol,
        });
        sums.push(Sum {
            layer: u32::try_from(layer).unwrap_or(u32::MAX),
            at: self.start.saturating_add(at),
            covered: self.start.saturating_add(covered.start)
                ..self.start.saturating_add(covered.end),
            pseudo,
            status,
        });
    }

    /// Notes something wrong with `len` bytes at `at`.
    #[cold]
    pub fn problem(
        &mut self,
        severity: Severity,
        at: u32,
        len: u32,
        key: &'static str,
        rfc: &'static str,
        text: String,
    ) {
        let from = self.start.saturating_add(at).min(self.end);
        let to = from.saturating_add(len).min(self.end);
        let layer = self.packet.layers.len().saturating_sub(1);
        self.packet.problems.push(Problem {
            severity,
            range: from..to,
            layer: u32::try_from(layer).unwrap_or(u32::MAX),
            key,
            text,
            rfc,
        });
    }

    /// Notes a length or version that lies, except in a quoted datagram: it is not the sender's, and
    /// cut by nature.
    #[cold]
    pub fn invalid(
        &mut self,
        at: u32,
        len: u32,
        key: &'static str,
        rfc: &'static str,
        text: String,
    ) {
        if !self.quoted {
            self.problem(Severity::Invalid, at, len, key, rfc, text);
        }
    }

    /// Notes a broken rule, except in a quoted datagram: it is not the sender's.
    #[cold]
    pub fn rule(&mut self, at: u32, len: u32, key: &'static str, rfc: &'static str, text: String) {
        // Bytes that were not captured break no rule.
        if !self.quoted && at.saturating_add(len) <= self.have() {
            self.problem(Severity::Rule, at, len, key, rfc, text);
        }
    }
}

/// Adds fields that all lie in the first `within` bytes of a layer: depth below the open group,
/// field, first byte, length and value of each. Does what a call for each would do, but looks at the
/// lengths and the room once, and writes each field where it belongs: a third of the instructions.
/// For the headers that nearly every packet has.
macro_rules! fixed {
    ($cx:expr, $within:literal, $(($depth:literal, $spec:expr, $at:literal, $len:literal, $value:expr $(,)?)),+ $(,)?) => {
        if let Some((slots, base, depth)) = $cx.places::<{ [$($depth),+].len() }>($within) {
            let mut slots = slots.iter_mut();
            $(
                if let Some(slot) = slots.next() {
                    *slot = $crate::decode::Field {
                        spec: $spec,
                        // Cannot wrap: `base` plus the header lies in the buffer.
                        at: base.wrapping_add($at),
                        len: $len,
                        depth: depth.wrapping_add($depth),
                        value: $value,
                    };
                }
            )+
        } else {
            $cx.one_by_one(&[$(($depth, $spec, $at, $len, $value)),+]);
        }
    };
}

pub(super) use fixed;

#[cfg(test)]
mod tests {
    use crate::decode::testing::{decoded, problems};
    use crate::decode::{LinkType, icmp};

    const PING: [u8; 28] = [
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0x66, 0xdf, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0xf7, 0xfd,
        0, 1, 0, 1,
    ];

    #[test]
    fn a_whole_packet_has_no_problem() {
        assert_eq!(problems(&decoded(LinkType::Raw, &PING, 28)), [""; 0]);
    }

    #[test]
    fn a_capture_that_ends_is_truncated_and_a_length_that_lies_is_invalid() {
        for end in 20..28 {
            let cut = decoded(LinkType::Raw, &PING[..end], 28);
            assert_eq!(problems(&cut), ["truncated"], "{end}");
            let lie = decoded(LinkType::Raw, &PING[..end], end);
            assert_eq!(problems(&lie), ["ip.len.long", "too.short"], "{end}");
        }
    }

    #[test]
    fn a_cut_header_shows_what_it_has() {
        let packet = decoded(LinkType::Raw, &PING[..26], 28);
        assert_eq!(packet.number(&icmp::TYPE), Some(8));
        assert_eq!(packet.number(&icmp::IDENT), Some(1));
        assert_eq!(packet.number(&icmp::SEQ), None);
    }

    #[test]
    fn bytes_behind_the_ip_packet_belong_to_nobody() {
        let mut padded = PING.to_vec();
        padded.extend([0xff; 18]);
        let packet = decoded(LinkType::Raw, &padded, padded.len());
        assert_eq!(problems(&packet), [""; 0]);
        assert!(packet.layer("data").is_none());
        let icmp = packet.layer("icmp").unwrap();
        assert_eq!((icmp.at, icmp.len, icmp.end), (20, 8, 28));
    }
}
