//! Who asks and who listens: shows the IGMP and MLD messages on all interfaces, and what is wrong
//! with them. `sudo ./target/debug/examples/sniff_igmp [COUNT]`; it ends after COUNT (10) messages.
#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use rawsock::capture::live::{Device, Live, Options};
use rawsock::capture::{Next, Source};
use rawsock::decode::{Decoder, Packet};
use rawsock::filter;
use rawsock::view::line::{Style, render_line};

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = match std::env::args().nth(1) {
        Some(text) => text.parse()?,
        None => 10,
    };
    let target = filter::Options {
        target: filter::Target::Live,
        ..filter::Options::new(filter::Link::Sll2) // `any` gives cooked headers
    };
    let program = filter::compile("igmp or mld", &target, &filter::Table::builtin())
        .map_err(|fault| fault.caret("igmp or mld"))?;
    let options = Options {
        snaplen: 65_536,
        buffer: 1024 * 1024,
        promiscuous: false,
        ring: true,
        ..Options::default()
    };
    let mut live = Live::new(options, "igmp or mld");
    live.open(Device::any(), program.insns())?;
    // A tool that runs longer drops its rights here: see `rawsock::privilege`.
    println!("listening on all interfaces");

    let (decoder, mut packet) = (Decoder::new(), Packet::new());
    let mut seen = 0;
    while seen < count {
        match live.next()? {
            Next::Wait => live.fill()?,
            Next::End => break,
            Next::Frame => {
                let frame = live.frame();
                decoder.decode(&frame, &mut packet);
                let name = live.interface(frame.iface).map_or("?", |found| &found.name);
                let mut line = String::new();
                render_line(&frame, &packet, Style::default(), &mut line);
                println!("{name} {line}");
                for problem in packet.problems() {
                    println!("    {}: {}", problem.rfc, problem.text);
                }
                seen += 1;
            }
        }
    }
    Ok(())
}
