//! The bytes that `rawsock explain` is to show: hexadecimal digits, a dump as tcpdump, xxd or hexdump
//! print it, or packet N of a capture file.

use std::io::{Cursor, Read};
use std::os::fd::BorrowedFd;
use std::path::Path;

use crate::capture::{FileSource, MAX_PACKET, Next, Source};
use crate::cli::input::Input;
use crate::decode::LinkType;
use crate::error::Error;

/// Most text that is read for digits.
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// Where the bytes come from.
#[derive(Debug)]
pub enum Origin {
    /// Already here.
    Bytes(Vec<u8>),
    /// Packet `number` of an open file, from 1.
    File {
        /// Open, not read.
        input: Option<Input>,
        /// Which packet.
        number: u64,
    },
}

/// One packet.
#[derive(Debug)]
pub struct Taken {
    pub link: LinkType,
    pub wire_len: u32,
    pub bytes: Vec<u8>,
}

impl Origin {
    /// Digits of the command line.
    pub fn hex(text: &str, object: &str) -> Result<Self, Error> {
        match digits(text) {
            Ok(bytes) if !bytes.is_empty() => Ok(Self::Bytes(bytes)),
            Ok(_) => Err(refused(object, "there are no digits")),
            Err(why) => Err(refused(object, &why)),
        }
    }

    /// `FILE:N`, `FILE`, `-` or `-:N`.
    pub fn parse(word: &str) -> Result<Self, Error> {
        let numbered = word
            .rsplit_once(':')
            .and_then(|(file, number)| Some((file, number.parse::<u64>().ok()?)))
            .filter(|(file, number)| !file.is_empty() && *number > 0);
        let (file, number) = numbered.unwrap_or((word, 1));
        let path = Path::new(file);
        if numbered.is_none() && file != "-" && !path.exists() && !file.contains(['/', '.']) {
            return Err(Error::Usage {
                message: format!("nothing is known of `{word}`, and no file has this name"),
                fix: Some("rawsock explain".into()),
            });
        }
        Ok(Self::File {
            input: Some(Input::open(path)?),
            number,
        })
    }

    /// What `--diff` compares with: digits, or `FILE:N`.
    pub fn parse_sent(word: &str) -> Result<Self, Error> {
        match digits(word) {
            Ok(bytes) if !bytes.is_empty() => Ok(Self::Bytes(bytes)),
            _ => Self::parse(word),
        }
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let input = match self {
            Self::File { input, .. } => input.as_ref(),
            Self::Bytes(_) => None,
        };
        input.into_iter().flat_map(Input::descriptors)
    }

    /// Reads the packet. Call it after the drop.
    pub fn take(&mut self, link: Option<LinkType>) -> Result<Taken, Error> {
        match self {
            Self::Bytes(bytes) => Ok(taken(std::mem::take(bytes), link)),
            Self::File { input, number } => {
                let Some(input) = input.take() else {
                    return Ok(taken(Vec::new(), link));
                };
                from_file(input, *number, link)
            }
        }
    }
}

fn from_file(input: Input, number: u64, link: Option<LinkType>) -> Result<Taken, Error> {
    let name = input.name.clone();
    let failed = |source| Error::Io {
        operation: "read",
        object: name.clone(),
        source,
    };
    let mut reader = input.reader();
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(4)
        .read_to_end(&mut head)
        .map_err(failed)?;
    // The block type of a pcapng section header is made of line ends (draft-ietf-opsawg-pcapng 4.1).
    let is_text = !head.is_empty()
        && head != [0x0a, 0x0d, 0x0d, 0x0a]
        && head
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || b" \t\r\n:x".contains(byte));
    if is_text {
        let mut text = head;
        reader
            .take(MAX_TEXT)
            .read_to_end(&mut text)
            .map_err(failed)?;
        let text = String::from_utf8_lossy(&text);
        let bytes = digits(&text).map_err(|why| refused(&name, &why))?;
        return Ok(taken(bytes, link));
    }
    let mut source = FileSource::new(Box::new(Cursor::new(head).chain(reader)), &name);
    let mut seen = 0;
    loop {
        match source.next()? {
            Next::Frame => {
                seen += 1;
                if seen == number {
                    let frame = source.frame();
                    return Ok(Taken {
                        link: link.unwrap_or(frame.link),
                        wire_len: frame.wire_len,
                        bytes: frame.bytes.to_vec(),
                    });
                }
            }
            Next::Wait => source.fill()?,
            Next::End => {
                return Err(Error::Usage {
                    message: format!("{name} has no packet {number}, only {seen}"),
                    fix: None,
                });
            }
        }
    }
}

/// Bytes without a file around them: IP if they look so, else Ethernet.
fn taken(mut bytes: Vec<u8>, link: Option<LinkType>) -> Taken {
    bytes.truncate(MAX_PACKET as usize);
    let looks_like_ip = match bytes.as_slice() {
        [first, ..] if first >> 4 == 4 && first & 15 >= 5 => true,
        [first, ..] if first >> 4 == 6 && bytes.len() >= 40 => {
            // A MAC address can begin so too: then an EtherType stands at byte 12.
            !matches!(bytes.get(12..14), Some([0x08, 0x00 | 0x06] | [0x86, 0xdd]))
        }
        _ => false,
    };
    let guess = if looks_like_ip {
        LinkType::Raw
    } else {
        LinkType::Ethernet
    };
    Taken {
        link: link.unwrap_or(guess),
        wire_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        bytes,
    }
}

fn refused(object: &str, why: &str) -> Error {
    Error::Usage {
        message: format!("cannot read {object} as hexadecimal digits: {why}"),
        fix: Some("rawsock explain --hex '45 00 00 1c'".into()),
    }
}

/// Bytes of hexadecimal text. Understands plain digits in any grouping and the dumps of tcpdump
/// (-x, -X), xxd and hexdump -C, with their offsets and text columns.
pub fn digits(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for line in text.lines() {
        let line = line.split('|').next().unwrap_or(line);
        let (line, dump) = without_offset(line);
        // Behind two blanks a dump repeats the bytes as text; hexdump -C has two in the middle.
        let groups = if dump && !is_byte_wise(line) {
            line.split("  ").next().unwrap_or(line)
        } else {
            line
        };
        let mut half = None;
        for c in groups.replace("0x", " ").chars() {
            match (c.to_digit(16).and_then(|n| u8::try_from(n).ok()), half) {
                (Some(low), Some(high)) => {
                    bytes.push(high << 4 | low);
                    half = None;
                }
                (Some(high), None) => half = Some(high),
                (None, Some(_)) => return Err("a byte has two digits, one has one".into()),
                (None, None) if " \t\r:,-.".contains(c) => {}
                (None, None) => return Err(format!("`{}` is no digit", c.escape_default())),
            }
        }
        if half.is_some() {
            return Err("the number of digits is odd".into());
        }
    }
    Ok(bytes)
}

/// A line without the offset at its head, and whether there was one.
fn without_offset(line: &str) -> (&str, bool) {
    let line = line.trim_start();
    let Some((first, rest)) = line.split_once([' ', '\t']) else {
        return (line, false);
    };
    let colon = first.strip_suffix(':');
    let number = colon.unwrap_or(first);
    let number = number.strip_prefix("0x").unwrap_or(number);
    let is_number = number.len() >= 4 && number.chars().all(|c| c.is_ascii_hexdigit());
    // hexdump -C: eight digits without a colon, two blanks.
    let is_offset = is_number && (colon.is_some() || (number.len() == 8 && rest.starts_with(' ')));
    if is_offset {
        (rest.trim_start(), true)
    } else {
        (line, false)
    }
}

/// hexdump -C writes bytes one by one.
fn is_byte_wise(line: &str) -> bool {
    line.split(' ').take(4).all(|group| group.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_dump_is_read() {
        let want = b"E\0\0\x1c\xd0\x9b\0\0\x40\x01\x95\x3d\x0a\x05\0\x01\x0a\x05\0\x02".to_vec();
        for text in [
            "4500001cd09b00004001953d0a0500010a050002",
            "45 00 00 1c d0 9b 00 00 40 01 95 3d 0a 05 00 01 0a 05 00 02",
            "45:00:00:1c:d0:9b:00:00:40:01:95:3d:0a:05:00:01:0a:05:00:02",
            "0x4500001c 0xd09b0000 0x4001953d, 0x0a050001 0x0a050002",
            "\t0x0000:  4500 001c d09b 0000 4001 953d 0a05 0001  E.......@..=....\n\
             \t0x0010:  0a05 0002                                ....\n",
            "00000000: 4500 001c d09b 0000 4001 953d 0a05 0001  E.......@..=....\n\
             00000010: 0a05 0002                                ....\n",
            "00000000  45 00 00 1c d0 9b 00 00  40 01 95 3d 0a 05 00 01  |E.......@..=....|\n\
             00000010  0a 05 00 02                                       |....|\n00000014\n",
        ] {
            let got = digits(text);
            // The last line of hexdump -C is an offset alone.
            let got = got.map(|mut bytes| {
                if text.contains("00000014") {
                    bytes.truncate(want.len());
                }
                bytes
            });
            assert_eq!(got.as_deref(), Ok(want.as_slice()), "{text}");
        }
    }

    #[test]
    fn what_is_no_hexadecimal_is_refused() {
        for text in ["45 0", "4500zz", "45 0 1c", "\x1b[31m"] {
            assert!(digits(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_link_type_is_guessed() {
        let ip4 = vec![0x45; 28];
        assert_eq!(taken(ip4, None).link, LinkType::Raw);
        let mut eth = vec![0x66; 60];
        eth[12] = 0x08;
        eth[13] = 0x00;
        assert_eq!(taken(eth, None).link, LinkType::Ethernet);
        let asked = taken(vec![0x45; 28], Some(LinkType::IcmpMessage));
        assert_eq!(asked.link, LinkType::IcmpMessage);
    }
}
