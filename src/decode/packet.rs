//! The field tree: one reused arena that every view reads. No decoding here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::Fragment;
use super::slots::Slots;
use crate::event::{Stamp, Timestamp};

/// Link type of a frame: libpcap's LINKTYPE numbers, and two for what ICMP sockets hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// LINKTYPE_ETHERNET (1).
    Ethernet,
    /// LINKTYPE_RAW (101): an IPv4 or IPv6 packet, told apart by its version.
    Raw,
    /// LINKTYPE_LINUX_SLL (113).
    LinuxSll,
    /// LINKTYPE_LINUX_SLL2 (276).
    LinuxSll2,
    /// A bare ICMP message, as an IPv4 ping socket delivers it. Not in any file.
    IcmpMessage,
    /// A bare ICMPv6 message, as every IPv6 raw or ping socket delivers it. Not in any file.
    Icmpv6Message,
    /// Anything else, by its LINKTYPE number.
    Other(u16),
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Not known (most files).
    #[default]
    Unknown,
    /// Received by the capturing host.
    In,
    /// Sent by the capturing host.
    Out,
}

/// What the capture said about a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The kernel had not computed the transport checksum yet (offload): do not call it bad.
    pub checksum_not_ready: bool,
    /// The VLAN tag came beside the frame and was put back into the bytes.
    pub vlan_restored: bool,
}

/// One captured frame, borrowed from whoever captured it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// When it was seen.
    pub at: Timestamp,
    /// Who took `at`.
    pub stamp: Stamp,
    /// Interface number, 0 if not known.
    pub iface: u32,
    /// What the bytes begin with.
    pub link: LinkType,
    /// Which way it went.
    pub dir: Direction,
    /// What the capture said about it.
    pub flags: Flags,
    /// Bytes on the wire; more than `bytes` holds if the capture was cut.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
}

/// How a field's value is shown. The value itself stays a number.
#[derive(Clone, Copy)]
pub enum Show {
    /// Decimal.
    Dec,
    /// Hexadecimal with this many digits, after `0x`.
    Hex(u8),
    /// A name where there is one, and always the number.
    Named(fn(u64) -> Option<&'static str>),
    /// A name that also depends on another field of the same layer: a code on its type.
    NamedBy(&'static Spec, fn(u64, u64) -> Option<&'static str>),
    /// Decimal with a unit: `ms`, `bytes`.
    Unit(&'static str),
    /// Words of its own: writes the whole value, number included.
    Words(fn(u64, &mut String)),
    /// As the value's own type says (addresses, text, booleans).
    Plain,
}

impl fmt::Debug for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dec => "Dec",
            Self::Hex(_) => "Hex",
            Self::Named(_) => "Named",
            Self::NamedBy(..) => "NamedBy",
            Self::Words(_) => "Words",
            Self::Unit(_) => "Unit",
            Self::Plain => "Plain",
        })
    }
}

/// What a field is: one `static` for each, named by its Wireshark display-filter key.
#[derive(Debug)]
pub struct Spec {
    /// Display-filter name, stable API: `ip.ttl`.
    pub key: &'static str,
    /// Short label in the RFC's words: `Time to live`.
    pub label: &'static str,
    /// One sentence for a student.
    pub explain: &'static str,
    /// Document and section: `RFC 791 3.1`.
    pub rfc: &'static str,
    /// How the value is shown.
    pub show: Show,
}

/// A hardware address (EUI-48).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(out, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// A field's value. `Text` and `Bytes` are ranges, so that a value stays `Copy`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A group of fields (a record, an option): has children, no value of its own.
    None,
    /// A flag.
    Bool(bool),
    /// A number of up to 64 bits.
    Uint(u64),
    /// A signed number.
    Int(i64),
    /// A MAC address.
    Mac(Mac),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6(Ipv6Addr),
    /// A range of [`Packet::text`], start and end. Unescaped: a view escapes.
    Text(u32, u32),
    /// The field's own bytes in its buffer.
    Bytes,
}

impl Value {
    /// The number of `Uint` and `Bool`.
    pub fn as_u64(self) -> Option<u64> {
        match self {
            Self::Uint(n) => Some(n),
            Self::Bool(b) => Some(u64::from(b)),
            _ => None,
        }
    }
}

/// One field of a layer, in pre-order; the fields that follow with a greater depth are its children.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// What it is.
    pub spec: &'static Spec,
    /// First byte, counted from the start of the layer's buffer.
    pub at: u32,
    /// Bytes it covers; a bit field covers the bytes that hold it, a derived field none.
    pub len: u32,
    /// 0 for a layer's direct fields.
    pub depth: u8,
    /// Its value.
    pub value: Value,
}

/// One protocol layer.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Which protocol.
    pub proto: &'static super::Proto,
    /// First byte in the buffer.
    pub at: u32,
    /// Header bytes.
    pub len: u32,
    /// Where this layer and all it carries end, as the enclosing lengths claim: can lie past the
    /// captured bytes. `end - at` is the length of an ICMP message.
    pub end: u32,
    /// Index of its first field in [`Packet::fields`].
    pub first_field: u32,
    /// How many fields.
    pub fields: u32,
    /// Inside an ICMP error's quoted datagram.
    pub quoted: bool,
    /// 0: the frame; 1..: a reassembled datagram.
    pub buf: u8,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The capture ended before the packet did: nobody's fault.
    Truncated,
    /// A rule of the protocol is broken (TTL, Router Alert, reserved bits).
    Rule,
    /// A checksum is wrong.
    Checksum,
    /// A length or count lies: the message is invalid.
    Invalid,
    /// One of our own limits (nesting, field count) was reached.
    Limit,
}

/// Something wrong with a packet, with the bytes that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// Bytes in the frame.
    pub range: Range<u32>,
    /// Index of the layer that it belongs to.
    pub layer: u32,
    /// Stable name for programs: `icmp.checksum.bad`.
    pub key: &'static str,
    /// One line in plain words, with numbers.
    pub text: String,
    /// The rule's source, `RFC 3376 4`, or empty.
    pub rfc: &'static str,
}

/// A decoded packet: one arena, cleared and reused for the next.
#[derive(Debug, Default)]
pub struct Packet {
    pub(super) layers: Vec<Layer>,
    pub(super) fields: Slots,
    pub(super) problems: Vec<Problem>,
    pub(super) text: String,
    /// Reassembled datagrams: [`Layer::buf`] 1 and following. Cleared, not freed.
    pub(super) bufs: Vec<Vec<u8>>,
    pub(super) fragment: Option<Fragment>,
    /// Only where somebody asked for them.
    pub(super) sums: Option<Vec<Sum>>,
}

/// One checksum that was verified: what it covers, so that a view can add it up step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Index of the layer that it belongs to.
    pub layer: u32,
    /// The two bytes that hold it, as an offset into the frame.
    pub at: u32,
    /// The bytes that it covers, itself included, as offsets into the frame; can reach past the
    /// capture.
    pub covered: Range<u32>,
    /// What is added besides.
    pub pseudo: Option<Pseudo>,
    /// Outcome, see [`super::checksum_status`].
    pub status: u64,
}

/// A pseudo header (RFC 768, RFC 9293 3.1, RFC 8200 8.1): added to a checksum, never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pseudo {
    /// Source address.
    pub source: IpAddr,
    /// Final destination.
    pub destination: IpAddr,
    /// Length of the transport header and its data.
    pub length: u32,
    /// IP protocol number.
    pub protocol: u8,
}

/// Limits against hostile bytes: a packet never has more layers or fields than these.
pub const MAX_LAYERS: usize = 32;
/// See [`MAX_LAYERS`].
pub const MAX_FIELDS: usize = 8192;

impl Packet {
    /// An empty arena.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty arena that also notes each checksum with what it covers.
    pub fn with_sums() -> Self {
        Self {
            sums: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// The checksums that were verified, in the order of the layers; empty unless the arena was
    /// made by [`Packet::with_sums`].
    pub fn sums(&self) -> &[Sum] {
        self.sums.as_deref().unwrap_or(&[])
    }

    pub(super) fn clear(&mut self) {
        self.layers.clear();
        self.fields.truncate(0);
        self.problems.clear();
        self.text.clear();
        self.bufs.clear();
        self.fragment = None;
        if let Some(sums) = &mut self.sums {
            sums.clear();
        }
    }

    /// All layers, outermost first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The fields of one layer, in order.
    pub fn fields_of(&self, layer: &Layer) -> &[Field] {
        let start = layer.first_field as usize;
        self.fields
            .as_slice()
            .get(start..start.saturating_add(layer.fields as usize))
            .unwrap_or(&[])
    }

    /// What is wrong with it.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The text of a [`Value::Text`], unescaped.
    pub fn text(&self, start: u32, end: u32) -> &str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// The bytes that a layer's offsets count in: the frame's, or a reassembled datagram's.
    pub fn buffer<'a>(&'a self, frame: &Frame<'a>, buf: u8) -> &'a [u8] {
        match usize::from(buf).checked_sub(1) {
            None => frame.bytes,
            Some(index) => self.bufs.get(index).map_or(&[], Vec::as_slice),
        }
    }

    /// The frame as a layer's fields see it: with the bytes that they count in.
    pub fn within<'a>(&'a self, frame: &Frame<'a>, layer: &Layer) -> Frame<'a> {
        Frame {
            bytes: self.buffer(frame, layer.buf),
            ..*frame
        }
    }

    #[cfg(test)]
    pub(crate) fn bufs_for_test(&self) -> &[Vec<u8>] {
        &self.bufs
    }

    /// How many datagrams were reassembled for it.
    pub fn reassembled(&self) -> u8 {
        u8::try_from(self.bufs.len()).unwrap_or(u8::MAX)
    }

    /// The fragment that it is, or whose datagram is one again.
    pub fn fragment(&self) -> Option<&Fragment> {
        self.fragment.as_ref()
    }

    /// First layer of this protocol key, quoted layers left out.
    pub fn layer(&self, key: &str) -> Option<&Layer> {
        self.layers
            .iter()
            .find(|layer| !layer.quoted && layer.proto.key == key)
    }

    /// First quoted layer of this protocol key.
    pub fn quoted_layer(&self, key: &str) -> Option<&Layer> {
        self.layers
            .iter()
            .find(|layer| layer.quoted && layer.proto.key == key)
    }

    /// A layer's fields, for look-ups that know where a field usually stands.
    pub fn reader(&self, layer: &Layer) -> Reader<'_> {
        Reader(self.fields_of(layer))
    }

    /// Adds what a run of packets knows to a TCP layer, before its last field, the length.
    pub(super) fn add_relative(&mut self, layer: usize, seq: u32, ack: Option<u32>) {
        let Some((layer, behind)) = self
            .layers
            .get_mut(layer..)
            .and_then(<[Layer]>::split_first_mut)
        else {
            return;
        };
        let end = layer.first_field.saturating_add(layer.fields) as usize;
        let mut place = end.saturating_sub(1);
        let numbers = [
            Some((&super::tcp::RELATIVE_SEQ, seq)),
            ack.map(|ack| (&super::tcp::RELATIVE_ACK, ack)),
        ];
        for (spec, number) in numbers.into_iter().flatten() {
            let field = Field {
                spec,
                at: layer.at,
                len: 0,
                depth: 0,
                value: Value::Uint(number.into()),
            };
            if !self.fields.insert(place, field) {
                return;
            }
            place = place.saturating_add(1);
            layer.fields = layer.fields.saturating_add(1);
            for layer in &mut *behind {
                layer.first_field = layer.first_field.saturating_add(1);
            }
        }
    }

    /// First field of this spec in a layer.
    pub fn field(&self, layer: &Layer, spec: &'static Spec) -> Option<&Field> {
        self.fields_of(layer)
            .iter()
            .find(|field| std::ptr::eq(field.spec, spec))
    }

    /// Value of the first field of this spec in any layer that is not quoted.
    pub fn value(&self, spec: &'static Spec) -> Option<Value> {
        self.find(spec, false).map(|(_, field)| field.value)
    }

    /// Value of the first field of this spec in the quoted datagram of an ICMP error.
    pub fn quoted_value(&self, spec: &'static Spec) -> Option<Value> {
        self.find(spec, true).map(|(_, field)| field.value)
    }

    /// Number of the first field of this spec in any layer that is not quoted.
    pub fn number(&self, spec: &'static Spec) -> Option<u64> {
        self.value(spec).and_then(Value::as_u64)
    }

    /// Number of the first field of this spec in the quoted datagram of an ICMP error.
    pub fn quoted_number(&self, spec: &'static Spec) -> Option<u64> {
        self.quoted_value(spec).and_then(Value::as_u64)
    }

    /// First field of this spec, with its layer, in the quoted layers or in the others.
    pub fn find(&self, spec: &'static Spec, quoted: bool) -> Option<(&Layer, &Field)> {
        let mut layers = self.layers.iter().filter(|layer| layer.quoted == quoted);
        layers.find_map(|layer| Some((layer, self.field(layer, spec)?)))
    }
}

/// Looks fields of one layer up by where they usually stand: a one-line view asks for the same few
/// fields of every packet. A field that stands elsewhere is found too.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [Field]);

impl Reader<'_> {
    /// Value of the field at `place`, if it is of this spec, else of the layer's first one.
    #[inline]
    pub fn value(self, place: usize, spec: &'static Spec) -> Option<Value> {
        match self.0.get(place) {
            Some(field) if std::ptr::eq(field.spec, spec) => Some(field.value),
            _ => self.search(spec),
        }
    }

    /// Number of the field at `place`, if it is of this spec, else of the layer's first one.
    #[inline]
    pub fn number(self, place: usize, spec: &'static Spec) -> Option<u64> {
        self.value(place, spec).and_then(Value::as_u64)
    }

    #[cold]
    fn search(self, spec: &'static Spec) -> Option<Value> {
        let mut fields = self.0.iter();
        let field = fields.find(|field| std::ptr::eq(field.spec, spec));
        field.map(|field| field.value)
    }
}
