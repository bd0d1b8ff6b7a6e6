//! `rawsock explain`: header boxes of protocols and of packets, checksums step by step, a glossary.
//! What comes from outside is read after the drop.

mod bytes;

use std::path::PathBuf;

use bytes::{Origin, Taken};

use super::page::{Target, Written};
use crate::decode::{Decoder, Direction, Flags, Frame, LinkType, Packet};
use crate::error::Error;
use crate::event::{Stamp, Timestamp};
use crate::privilege::{self, Creates, table};
use crate::view::boxes::text::Content;
use crate::view::boxes::{Measure, mermaid, sample, svg};
use crate::view::explain::{self, Found, Wish, diff, glossary, utf8};
use crate::view::headers::Headers;

/// Explain a protocol, a packet, a checksum, an error number
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the command line are bools"
)]
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    after_help = "\
Examples:
  rawsock explain                      the words that it knows
  rawsock explain tcp                  the header as the RFC draws it
  rawsock explain tcp.flags.syn        one field
  rawsock explain x.pcap:12            packet 12 of a file, with its values
  rawsock explain --hex '45 00 00 1c ...' --checksum
  tcpdump -x ... | rawsock explain -   bytes as text, or a capture
  rawsock explain --diff               what the kernel changes in your header
  rawsock explain errno ECONNREFUSED
  rawsock explain utf8 你好
  rawsock explain ip --svg ip.svg      a picture; --mermaid for Markdown

Where the fields are comes from the decoder itself: each bit is flipped, and
the field that changes is drawn there. Needs no rights.
Exit code: 0, 1 for a damaged file, 2 for an error."
)]
pub struct Args {
    /// A protocol, a field, errno, flags, sockets, utf8, FILE:N, or -
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// The packet's bytes as hexadecimal digits
    #[arg(
        long,
        value_name = "HEX",
        allow_hyphen_values = true,
        conflicts_with = "words"
    )]
    pub hex: Option<String>,
    /// What the bytes begin with [default: IP or Ethernet, by their look]
    #[arg(short = 'y', long, value_name = "TYPE", value_parser = link)]
    pub link: Option<LinkType>,
    /// Add up every checksum step by step
    #[arg(long)]
    pub checksum: bool,
    /// The header as asked for and as sent, for IP_HDRINCL
    ///
    /// With the bytes that left, as hexadecimal digits or FILE:N: compares. With a packet alone:
    /// says what the kernel would do. Without a packet: the rules.
    #[arg(long, value_name = "SENT", num_args = 0..=1, default_missing_value = "")]
    pub diff: Option<String>,
    /// Boxes only, no notes
    #[arg(short = 'q', long)]
    pub brief: bool,
    /// A picture into a file; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mermaid", "diff"])]
    pub svg: Option<PathBuf>,
    /// As packet diagrams of Mermaid, for Markdown
    #[arg(long, conflicts_with = "diff")]
    pub mermaid: bool,
    /// Empty and use the file, if it is a regular file of yours
    #[arg(long)]
    pub force: bool,
    /// Fail rather than go on with an incomplete sandbox
    #[arg(long)]
    pub require_sandbox: bool,
}

/// What bytes can begin with.
const LINKS: &[(&str, LinkType)] = &[
    ("ethernet", LinkType::Ethernet),
    ("ip", LinkType::Raw),
    ("sll", LinkType::LinuxSll),
    ("sll2", LinkType::LinuxSll2),
    ("icmp", LinkType::IcmpMessage),
    ("icmpv6", LinkType::Icmpv6Message),
];

/// A link type by its name.
fn link(name: &str) -> Result<LinkType, String> {
    let found = LINKS.iter().find(|(known, _)| *known == name);
    found.map(|(_, link)| *link).ok_or_else(|| {
        let known: Vec<&str> = LINKS.iter().map(|(name, _)| *name).collect();
        format!("one of {}", known.join(", "))
    })
}

/// What is to be explained.
enum Subject {
    /// Text that is ready.
    Text(String),
    /// The messages of a protocol.
    Protocol(&'static crate::decode::Proto),
    /// Bytes from outside, and those to compare with.
    Packet(Origin, Option<Origin>),
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    privilege::close_gaps()?;
    let subject = subject(args)?;
    let target = Target::choose(&[&args.svg], args.force);
    match subject {
        Subject::Text(text) => {
            refuse_picture(args)?;
            super::print(text.as_bytes())?;
            Ok(0)
        }
        Subject::Protocol(proto) => {
            let text = protocol_view(args, proto);
            target.open()?.write(text.as_bytes())?;
            Ok(0)
        }
        Subject::Packet(origin, other) => packet(args, origin, other, &target),
    }
}

fn refuse_picture(args: &Args) -> Result<(), Error> {
    if args.svg.is_none() && !args.mermaid {
        return Ok(());
    }
    Err(Error::Usage {
        message: "--svg and --mermaid draw protocols and packets".into(),
        fix: Some("rawsock explain tcp --svg tcp.svg".into()),
    })
}

fn subject(args: &Args) -> Result<Subject, Error> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let other = match args.diff.as_deref() {
        None | Some("") => None,
        Some(sent) => Some(Origin::parse_sent(sent)?),
    };
    if let Some(hex) = &args.hex {
        return Ok(Subject::Packet(Origin::hex(hex, "--hex")?, other));
    }
    let mut text = String::new();
    match words.as_slice() {
        [] if args.diff.as_deref() == Some("") => diff::rules(&mut text),
        [] if args.diff.is_some() => {
            return Err(Error::Usage {
                message: "--diff SENT compares with the header that was asked for".into(),
                fix: Some("rawsock explain --hex ASKED --diff SENT".into()),
            });
        }
        [] => explain::topics(&mut text),
        ["flags"] => glossary::flags(&mut text),
        ["sockets"] => glossary::sockets(&mut text),
        ["errno"] => glossary::errnos(&mut text),
        ["errno", word] => {
            if !glossary::errno(word, &mut text) {
                return Err(Error::Usage {
                    message: format!("no error number is known as `{word}`"),
                    fix: Some("rawsock explain errno".into()),
                });
            }
        }
        ["utf8", rest @ ..] if !rest.is_empty() => utf8::render(&rest.join(" "), &mut text),
        [word] => match explain::find(word) {
            Some(Found::Protocol(proto)) => return Ok(Subject::Protocol(proto)),
            Some(Found::Field(proto, spec)) => explain::protocol(proto, Some(spec), &mut text),
            None => return Ok(Subject::Packet(Origin::parse(word)?, other)),
        },
        [word, ..] => {
            return Err(Error::Usage {
                message: format!("one word is explained at a time, what is behind `{word}`?"),
                fix: Some("rawsock explain".into()),
            });
        }
    }
    Ok(Subject::Text(text))
}

fn protocol_view(args: &Args, proto: &'static crate::decode::Proto) -> String {
    let mut text = String::new();
    if args.svg.is_none() && !args.mermaid {
        explain::protocol(proto, None, &mut text);
        return text;
    }
    let mut measure = Measure::default();
    let mut packets: Vec<(Frame<'_>, Packet, Vec<_>)> = Vec::new();
    for message in proto.samples {
        let mut packet = Packet::new();
        let frame = sample(proto, message.bytes, &mut packet);
        let cells = measure.cells(&frame, &packet, 0);
        packets.push((frame, packet, cells));
    }
    let contents: Vec<Content<'_>> = packets
        .iter()
        .filter_map(|(frame, packet, cells)| {
            Some(Content {
                frame,
                packet,
                layer: packet.layers().first()?,
                cells,
                values: false,
            })
        })
        .collect();
    draw(args, &contents, &mut text);
    text
}

/// Boxes in the form that was asked for.
fn draw(args: &Args, contents: &[Content<'_>], out: &mut String) {
    if args.mermaid {
        for (number, content) in contents.iter().enumerate() {
            if number > 0 {
                out.push('\n');
            }
            mermaid::render_mermaid(content, out);
        }
    } else {
        svg::render_file(contents, out);
    }
}

/// After the drop: reads, decodes, shows.
fn packet(
    args: &Args,
    mut origin: Origin,
    mut other: Option<Origin>,
    target: &Target,
) -> Result<u8, Error> {
    let keep: Vec<_> = origin
        .descriptors()
        .chain(other.iter().flat_map(Origin::descriptors))
        .collect();
    let options = privilege::Options {
        require_sandbox: args.require_sandbox,
        keep: &keep,
    };
    let creates = target.is_file().then_some(Creates {
        open: || target.open(),
        beneath: None,
    });
    let (report, written) = privilege::drop_and_create(&table::EXPLAIN, &options, creates)?;
    drop(keep);
    for missing in &report.missing {
        super::page::tell(&format!("warning: {missing}"));
    }
    let mut written = written.unwrap_or_else(Written::standard_output);
    let taken = origin.take(args.link)?;
    let frame = frame(&taken);
    let decoder = Decoder::new();
    let mut text = String::new();
    if args.svg.is_some() || args.mermaid {
        let mut packet = Packet::new();
        decoder.decode(&frame, &mut packet);
        let mut measure = Measure::default();
        let cells: Vec<Vec<_>> = (0..packet.layers().len())
            .map(|index| measure.cells(&frame, &packet, index))
            .collect();
        let layers = packet.layers().iter().zip(&cells);
        let headers =
            layers.filter(|(layer, cells)| layer.proto.key != "data" && !cells.is_empty());
        let contents: Vec<Content<'_>> = headers
            .map(|(layer, cells)| Content {
                frame: &frame,
                packet: &packet,
                layer,
                cells,
                values: true,
            })
            .collect();
        draw(args, &contents, &mut text);
    } else if let Some(other) = &mut other {
        let sent = other.take(args.link)?;
        let headers = Headers::compare(&decoder, &frame, &self::frame(&sent));
        text = headers.text_of("this packet", "what is behind it", false);
    } else if args.diff.is_some() {
        if !diff::foretell(&decoder, &frame, &mut text) {
            return Err(Error::Usage {
                message: "this packet has no IPv4 header to compare".into(),
                fix: Some("rawsock explain --diff".into()),
            });
        }
    } else {
        let wish = Wish {
            checksum: args.checksum,
            brief: args.brief,
        };
        explain::packet(&decoder, &frame, wish, &mut text);
    }
    written.write(text.as_bytes())?;
    Ok(0)
}

fn frame(taken: &Taken) -> Frame<'_> {
    Frame {
        at: Timestamp(0),
        stamp: Stamp::User,
        iface: 0,
        link: taken.link,
        dir: Direction::Unknown,
        flags: Flags::default(),
        wire_len: taken.wire_len,
        bytes: &taken.bytes,
    }
}
