//! Keywords that look into a tunnel and move what follows: VLAN tags, MPLS, PPPoE, Geneve, VXLAN.

use crate::filter::ast::{BinOp, Size};
use crate::filter::insn::{AD_VLAN_PRESENT, AD_VLAN_TAG};
use crate::filter::ir::{Cond, CondId, Place, ValueId};
use crate::filter::link::{Link, Target};
use crate::filter::parse::Parsed;

use super::ip::Transport;
use super::{Lower, State, Way};

/// IEEE 802.1Q, 802.1ad, and the older number of stacked tags.
const VLAN_TYPES: [u32; 3] = [0x8100, 0x88a8, 0x9100];
const MPLS_TYPE: u32 = 0x8847;
/// MPLS inside PPP, RFC 3032.
const PPP_MPLS: u32 = 0x0281;
const PPPOES_TYPE: u32 = 0x8864;
const UDP: u32 = 17;
const UDP_HEADER: u32 = 8;
/// RFC 8926: port, header length, EtherType of an inner Ethernet frame.
const GENEVE_PORT: u16 = 6081;
const GENEVE_HEADER: u32 = 8;
const INNER_ETHERNET: u32 = 0x6558;
/// RFC 7348: port, header length, flag "the VNI is valid".
const VXLAN_PORT: u16 = 4789;
const VXLAN_HEADER: u32 = 8;
const VXLAN_VALID: u32 = 0x08;

impl Lower<'_> {
    /// A VLAN tag, with that ID. The kernel takes the outermost tag out of the frame, so that live
    /// there are two ways to have it.
    pub(super) fn vlan(&mut self, id: Option<u16>, state: &State) -> Parsed<Vec<Way>> {
        if state.labels > 0 {
            return self.fail("no VLAN tag can follow MPLS labels");
        }
        let cooked = matches!(state.link, Link::Sll | Link::Sll2) && !self.compat();
        if state.link != Link::Ethernet && !cooked {
            return self.fail(format!("{} links have no VLAN tags", state.link));
        }
        let vlans = state.vlans.saturating_add(1);
        let mut ways = Vec::new();
        let outermost = state.header == Place::fixed(0) && state.vlans == 0;
        let mut in_frame = self.ir.always();
        if self.options.target == Target::Live && outermost {
            let present = self.beside(AD_VLAN_PRESENT, "VLAN tag beside the frame");
            let present = self.ir.is(present, 1);
            in_frame = self.ir.not(present);
            let tag = self.beside(AD_VLAN_TAG, "VLAN tag");
            let fits = self.tag_is(tag, id);
            ways.push(Way {
                cond: self.ir.and(present, fits),
                state: State { vlans, ..*state },
            });
        }
        let mut tagged = self.ir.never();
        for number in VLAN_TYPES {
            let one = self.link_type(number, state)?;
            tagged = self.ir.or(tagged, one);
        }
        let tag = self.ir.load(Size::Half, state.payload, "VLAN tag");
        let fits = self.tag_is(tag, id);
        ways.push(Way {
            cond: self.ir.all([in_frame, tagged, fits]),
            state: State {
                link_type: state.payload.plus(2),
                payload: state.payload.plus(4),
                vlans,
                ..*state
            },
        });
        Ok(ways)
    }

    /// The low 12 bits are the VLAN ID.
    fn tag_is(&mut self, tag: ValueId, id: Option<u16>) -> CondId {
        match id {
            Some(id) => self.ir.masked_is(tag, 0xfff, id.into()),
            None => self.ir.always(),
        }
    }

    pub(super) fn mpls(&mut self, label: Option<u32>, state: &State) -> Parsed<Vec<Way>> {
        let follows = if state.labels > 0 {
            // The label before must not be the bottom of the stack.
            let before = state.net(0_u32.wrapping_sub(2));
            let flags = self.ir.load(Size::Byte, before, "MPLS bottom of stack");
            self.ir.masked_is(flags, 1, 0)
        } else {
            match state.link {
                Link::Ethernet => self.link_type(MPLS_TYPE, state)?,
                Link::Ppp => self.link_type(PPP_MPLS, state)?,
                Link::Sll | Link::Sll2 if !self.compat() => self.link_type(MPLS_TYPE, state)?,
                link => return self.fail(format!("{link} links have no MPLS labels")),
            }
        };
        let fits = match label {
            Some(label) => {
                let field = self.ir.load(Size::Word, state.net(0), "MPLS label");
                self.ir.masked_is(field, 0xffff_f000, label << 12)
            }
            None => self.ir.always(),
        };
        let labels = state.labels.saturating_add(4);
        Ok(vec![Way {
            cond: self.ir.and(follows, fits),
            state: State { labels, ..*state },
        }])
    }

    /// A PPPoE session (RFC 2516): six bytes, then PPP without framing.
    pub(super) fn pppoes(&mut self, session: Option<u16>, state: &State) -> Parsed<Vec<Way>> {
        let link = self.link_type(PPPOES_TYPE, state)?;
        let fits = match session {
            Some(session) => {
                let field = self.ir.load(Size::Word, state.net(0), "PPPoE session");
                self.ir.masked_is(field, 0xffff, session.into())
            }
            None => self.ir.always(),
        };
        let ppp = state.net(6);
        Ok(vec![Way {
            cond: self.ir.and(link, fits),
            state: State {
                link: Link::Ppp,
                header: ppp,
                link_type: ppp,
                payload: ppp.plus(2),
                ..*state
            },
        }])
    }

    /// Geneve over UDP. The inner packet is an Ethernet frame, or what the EtherType says.
    pub(super) fn geneve(&mut self, vni: Option<u32>, state: &State) -> Parsed<Vec<Way>> {
        let mut any = self.ir.never();
        let start = self.cell("Geneve header", state)?;
        for Transport { there, at } in self.udp_to(GENEVE_PORT, state)? {
            let header = at.plus(UDP_HEADER);
            let version = self
                .ir
                .load(Size::Byte, header, "Geneve version and options");
            let version = self.ir.masked_is(version, 0xc0, 0);
            let fits = self.vni_is(header, vni);
            let value = self.ir.place_value(header);
            let define = self.ir.cond(Cond::Define(start.1, value));
            let one = self.ir.all([there, version, fits, define]);
            any = self.ir.or(any, one);
        }
        let header = Place {
            base: Some(start.0),
            k: 0,
        };
        let options = self
            .ir
            .load(Size::Byte, header, "Geneve version and options");
        let words = self.ir.num(0x3f);
        let options = self.ir.bin(BinOp::And, options, words);
        let two = self.ir.num(2);
        let options = self.ir.bin(BinOp::Lsh, options, two);
        let inner = self.ir.bin(BinOp::Add, options, start.0);
        let fixed = self.ir.num(GENEVE_HEADER);
        let inner = self.ir.bin(BinOp::Add, inner, fixed);
        let payload = self.cell("Geneve payload", state)?;
        let define = self.ir.cond(Cond::Define(payload.1, inner));
        let what = self
            .ir
            .load(Size::Half, header.plus(2), "Geneve protocol type");
        let ethernet = self.ir.is(what, INNER_ETHERNET);
        let direct = self.ir.not(ethernet);
        let inner = Place {
            base: Some(payload.0),
            k: 0,
        };
        Ok(vec![
            Way {
                cond: self.ir.all([any, define, direct]),
                state: State {
                    link_type: header.plus(2),
                    payload: inner,
                    headless: true,
                    ..inner_ethernet(inner)
                },
            },
            Way {
                cond: self.ir.all([any, define, ethernet]),
                state: inner_ethernet(inner),
            },
        ])
    }

    /// VXLAN over UDP: always an Ethernet frame inside.
    pub(super) fn vxlan(&mut self, vni: Option<u32>, state: &State) -> Parsed<Vec<Way>> {
        let mut any = self.ir.never();
        let payload = self.cell("VXLAN payload", state)?;
        for Transport { there, at } in self.udp_to(VXLAN_PORT, state)? {
            let header = at.plus(UDP_HEADER);
            let flags = self.ir.load(Size::Byte, header, "VXLAN flags");
            let valid = self.ir.any_bit(flags, VXLAN_VALID);
            let fits = self.vni_is(header, vni);
            let value = self.ir.place_value(header.plus(VXLAN_HEADER));
            let define = self.ir.cond(Cond::Define(payload.1, value));
            let one = self.ir.all([there, valid, fits, define]);
            any = self.ir.or(any, one);
        }
        let inner = Place {
            base: Some(payload.0),
            k: 0,
        };
        Ok(vec![Way {
            cond: any,
            state: inner_ethernet(inner),
        }])
    }

    /// UDP to that port, over IPv4 and over IPv6.
    fn udp_to(&mut self, port: u16, state: &State) -> Parsed<[Transport; 2]> {
        let mut both = [
            self.transport_v4(UDP, state)?,
            self.transport_v6(UDP, state)?,
        ];
        for udp in &mut both {
            let field = self.ir.load(Size::Half, udp.at.plus(2), "destination port");
            let same = self.ir.is(field, port.into());
            udp.there = self.ir.and(udp.there, same);
        }
        Ok(both)
    }

    /// Geneve and VXLAN have the VNI in the same three bytes.
    fn vni_is(&mut self, header: Place, vni: Option<u32>) -> CondId {
        match vni {
            Some(vni) => {
                let field = self.ir.load(Size::Word, header.plus(4), "VNI");
                self.ir.masked_is(field, 0xffff_ff00, vni << 8)
            }
            None => self.ir.always(),
        }
    }

    /// A scratch cell for an offset inside this layer: its value and its number.
    fn cell(&mut self, purpose: &'static str, state: &State) -> Parsed<(ValueId, u8)> {
        let Some(cell) = self.ir.cell(purpose, state.net(0)) else {
            return self.fail("too many tunnels: there are only 16 scratch cells");
        };
        let value = self.ir.value(crate::filter::ir::Value::Cell(cell));
        self.ir.note(value, purpose);
        Ok((value, cell))
    }
}

/// An Ethernet frame at that place.
fn inner_ethernet(at: Place) -> State {
    State {
        header: at,
        link_type: at.plus(12),
        payload: at.plus(14),
        ..State::new(Link::Ethernet)
    }
}
