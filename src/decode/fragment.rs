//! Fragments as the decoder notes them, and how it goes on when a datagram is whole again. What
//! belongs together is found elsewhere, in `defrag`.

use super::{
    Claim, Cx, Decoder, Field, Flags, MAX_FIELDS, Net, Next, Packet, Problem, Severity, Spec,
    Value, ipv4, ipv6_fragment,
};

/// Most datagrams that are reassembled for one packet: fragments of a tunnel that carries
/// fragments.
pub const MAX_BUFS: usize = 4;

/// A fragment of a datagram that is not quoted.
#[derive(Clone, Copy, Debug)]
pub struct Fragment {
    /// Index of the layer that says so.
    pub layer: u32,
    /// Which bytes `at` counts in, as [`super::Layer::buf`].
    pub buf: u8,
    /// What the IP header said.
    pub net: Net,
    /// Identification.
    pub id: u32,
    /// Protocol of the data, or next header.
    pub protocol: u8,
    /// Where the data belong in the datagram, in bytes.
    pub offset: u32,
    /// It is not the last one.
    pub more: bool,
    /// First byte of the data.
    pub at: u32,
    /// Bytes of data, as the header claims.
    pub len: u32,
    /// All of them were captured.
    pub whole: bool,
}

impl Cx<'_> {
    /// Notes that this layer is a fragment: its data lie from `header` to `end`. The outermost one
    /// counts.
    pub(super) fn fragment(
        &mut self,
        id: u32,
        protocol: u8,
        offset: u32,
        more: bool,
        header: u32,
        end: u32,
    ) {
        let (Some(net), false) = (self.net, self.quoted()) else {
            return;
        };
        if self.packet.fragment.is_some() {
            return;
        }
        let layer = self.packet.layers.len().saturating_sub(1);
        self.packet.fragment = Some(Fragment {
            layer: u32::try_from(layer).unwrap_or(u32::MAX),
            buf: self.buf,
            net,
            id,
            protocol,
            offset,
            more,
            at: self.base.saturating_add(header),
            len: end.saturating_sub(header),
            whole: header <= end && end <= self.have() && !self.clipped,
        });
    }
}

impl Packet {
    /// Notes something wrong with the packet's fragment.
    pub(crate) fn fragment_problem(&mut self, key: &'static str, text: String) {
        let Some(fragment) = self.fragment else {
            return;
        };
        let v6 = fragment.net.source.is_ipv6();
        self.problems.push(Problem {
            severity: Severity::Invalid,
            range: fragment.at..fragment.at.saturating_add(fragment.len),
            layer: fragment.layer,
            key,
            text,
            rfc: if v6 { "RFC 8200 4.5" } else { "RFC 791 3.2" },
        });
    }
}

impl Decoder {
    /// Goes on behind the packet's fragment, whose datagram is whole now: what was decoded of its
    /// own data gives way to the layers of the datagram. `packets` brought the parts; 0 is unknown.
    pub fn go_on(
        &self,
        flags: Flags,
        packet: &mut Packet,
        datagram: Vec<u8>,
        protocol: u8,
        packets: &[u64],
    ) {
        let Some(fragment) = packet.fragment.take() else {
            return;
        };
        let index = fragment.layer as usize;
        if packet.bufs.len() >= MAX_BUFS {
            return;
        }
        let Some(layer) = packet.layers.get_mut(index) else {
            return;
        };
        let behind = layer.first_field.saturating_add(layer.fields);
        packet.fields.truncate(behind as usize);
        let [part, count, length]: [&'static Spec; 3] = if fragment.net.source.is_ipv6() {
            use ipv6_fragment::{PART, PARTS, REASSEMBLED};
            [&PART, &PARTS, &REASSEMBLED]
        } else {
            [&ipv4::PART, &ipv4::PARTS, &ipv4::REASSEMBLED]
        };
        let parts = packets.iter().filter(|number| **number > 0);
        let all = parts.map(|number| (part, *number)).chain([
            (count, packets.len() as u64),
            (length, datagram.len() as u64),
        ]);
        for (spec, number) in all.take(MAX_FIELDS.saturating_sub(packet.fields.len())) {
            layer.fields = layer.fields.saturating_add(1);
            packet.fields.push(Field {
                spec,
                at: layer.at,
                len: 0,
                depth: 0,
                value: Value::Uint(number),
            });
        }
        packet.layers.truncate(index.saturating_add(1));
        packet
            .problems
            .retain(|problem| problem.layer <= fragment.layer);
        if let Some(sums) = &mut packet.sums {
            sums.retain(|sum| sum.layer <= fragment.layer);
        }
        packet.bufs.push(Vec::new());
        let len = u32::try_from(datagram.len()).unwrap_or(u32::MAX);
        let mut cx = Cx::new(flags, &datagram, len, packet);
        cx.buf = cx.packet.reassembled();
        cx.net = Some(Net {
            fragment: false,
            ..fragment.net
        });
        self.run(
            &mut cx,
            Next::Proto(Claim::IpProtocol(protocol).into(), 0..len),
        );
        if let Some(buf) = packet.bufs.last_mut() {
            *buf = datagram;
        }
    }
}
