//! Echo requests read and frames built by hand, right or wrong on purpose. Shares no code with the
//! program under test.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ETHERNET: usize = 14;

/// An echo request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    ethernet: Vec<u8>,
    /// The IP packet, padding cut off.
    pub ip: Vec<u8>,
    /// Bytes of IP header.
    pub header: usize,
    pub from: IpAddr,
    pub to: IpAddr,
}

impl Request {
    /// `None` if the frame is anything but a whole, unfragmented echo request.
    pub fn read(frame: &[u8]) -> Option<Self> {
        let ethernet = frame.get(..ETHERNET)?;
        let ip = &frame[ETHERNET..];
        let (header, len, from, to, kind);
        match (ethernet[12], ethernet[13]) {
            (0x08, 0x00) => {
                header = usize::from(ip.first()? & 15) * 4;
                len = usize::from(be16(ip, 2)?);
                let fragment = be16(ip, 6)? & 0x3fff != 0;
                if fragment || *ip.get(9)? != 1 {
                    return None;
                }
                from = v4(ip, 12)?.into();
                to = v4(ip, 16)?.into();
                kind = 8;
            }
            (0x86, 0xdd) => {
                header = 40;
                len = usize::from(be16(ip, 4)?) + header;
                if *ip.get(6)? != 58 {
                    return None;
                }
                from = v6(ip, 8)?.into();
                to = v6(ip, 24)?.into();
                kind = 128;
            }
            _ => return None,
        }
        let ip = ip.get(..len)?;
        (*ip.get(header)? == kind && ip.len() >= header + 8).then(|| Self {
            ethernet: ethernet.to_vec(),
            ip: ip.to_vec(),
            header,
            from,
            to,
        })
    }

    pub fn is_v6(&self) -> bool {
        self.from.is_ipv6()
    }

    /// The ICMP message.
    pub fn icmp(&self) -> &[u8] {
        &self.ip[self.header..]
    }

    pub fn id(&self) -> u16 {
        be16(self.icmp(), 4).unwrap()
    }

    pub fn seq(&self) -> u16 {
        be16(self.icmp(), 6).unwrap()
    }

    /// The right echo reply's ICMP message, checksum still that of the request.
    pub fn reply(&self) -> Vec<u8> {
        let mut icmp = self.icmp().to_vec();
        icmp[0] = if self.is_v6() { 129 } else { 0 };
        icmp
    }

    /// A frame back to the asker, from `from`, with this ICMP message and a right checksum.
    pub fn frame(&self, from: IpAddr, icmp: &[u8]) -> Vec<u8> {
        let mut icmp = icmp.to_vec();
        seal(from, self.from, &mut icmp);
        self.frame_unsealed(from, &icmp)
    }

    /// The same, with whatever checksum the message has.
    pub fn frame_unsealed(&self, from: IpAddr, icmp: &[u8]) -> Vec<u8> {
        let mut frame = self.ethernet[6..12].to_vec();
        frame.extend(&self.ethernet[..6]);
        // A broadcast or multicast request: answer from a plain MAC.
        if frame[6] & 1 == 1 {
            frame[6..12].copy_from_slice(&[2, 0, 10, 5, 0, 2]);
        }
        frame.extend(&self.ethernet[12..]);
        frame.extend(ip_header(from, self.from, icmp.len()));
        frame.extend(icmp);
        frame
    }
}

/// A plain header for an ICMP message: TTL 64, no options.
pub fn ip_header(from: IpAddr, to: IpAddr, icmp_len: usize) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = vec![0x45, 0];
            header.extend(u16::try_from(icmp_len + 20).unwrap().to_be_bytes());
            header.extend([0x12, 0x34, 0, 0, 64, 1, 0, 0]);
            header.extend(from.octets());
            header.extend(to.octets());
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            header
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(u16::try_from(icmp_len).unwrap().to_be_bytes());
            header.extend([58, 64]);
            header.extend(from.octets());
            header.extend(to.octets());
            header
        }
        _ => panic!("{from} and {to} are of two families"),
    }
}

/// Writes the right ICMP or ICMPv6 checksum.
pub fn seal(from: IpAddr, to: IpAddr, icmp: &mut [u8]) {
    icmp[2..4].fill(0);
    let sum = match (from, to) {
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let len = u32::try_from(icmp.len()).unwrap().to_be_bytes();
            checksum(&[&from.octets(), &to.octets(), &len, &[0, 0, 0, 58], icmp])
        }
        _ => checksum(&[icmp]),
    };
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
}

/// RFC 1071. Only the last part may have an odd length.
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

pub fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

fn v4(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(octets.into())
}

fn v6(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(octets.into())
}
