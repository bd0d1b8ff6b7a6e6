//! `rawsock filter`: compiles an expression of pcap-filter(7), and shows the classic BPF program or
//! runs it over files.

mod files;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::Error;
use crate::filter::annotate::annotated;
use crate::filter::{self, Link, Options, Program, Target, print};
use crate::net::filter_names::SystemNames;

const EXAMPLES: &str = "\
Examples:
  rawsock filter tcp port 80                what each instruction does
  rawsock filter -d 'icmp6 and not ndp'     as tcpdump -d prints it
  rawsock filter -y sll2 -ddd mld           for captures of the device any
  rawsock filter --live 'vlan 5 and arp'    as for a packet socket
  rawsock filter icmp -r x.pcap             which packets it chooses";

const LANGUAGE: &str = "\
The language is that of pcap-filter(7), with these differences, which
--pcap-compat undoes: the transport header is found behind up to six IPv6
extension headers (mld needs that), tcp[..] and udp[..] read IPv6 too, vlan and
other tunnels do not move what follows an `or`, and there are the words mld,
ndp, vxlan and names of IGMP types, as in igmp[igmptype] = igmp-leave.

Exit code: 0, 1 a damaged file, 2 an error in the expression, 74 output lost.
Needs no rights; with -r it gives up all that it has before it reads.";

fn long_help() -> String {
    format!("{EXAMPLES}\n\n{LANGUAGE}")
}

/// Compile a packet filter and show its program
#[expect(
    clippy::struct_excessive_bools,
    reason = "every flag of the command line is one bool"
)]
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_help = "Examples and the language: rawsock filter --help", after_long_help = long_help())]
pub struct Args {
    /// The expression; its words are joined by blanks
    #[arg(value_name = "EXPRESSION", required_unless_present = "list")]
    pub expression: Vec<String>,
    /// Print plain instructions; -dd as C, -ddd as numbers
    #[arg(short = 'd', action = clap::ArgAction::Count)]
    pub dump: u8,
    /// Link type
    ///
    /// ethernet, raw, ipv4, ipv6, sll, sll2, null, loop or ppp, or tcpdump's name for one of them.
    #[arg(short = 'y', long, value_name = "TYPE", default_value = "ethernet", value_parser = link)]
    pub link: Link,
    /// As for a packet socket
    ///
    /// The kernel takes the outer VLAN tag out of the frame there, and keeps it beside it.
    #[arg(long)]
    pub live: bool,
    /// Exactly libpcap's meaning and words
    #[arg(long)]
    pub pcap_compat: bool,
    /// Netmask of the interface, for `ip broadcast`
    #[arg(long, value_name = "MASK")]
    pub netmask: Option<Ipv4Addr>,
    /// Which packets of a file it chooses; may be repeated
    #[arg(short = 'r', value_name = "FILE", conflicts_with_all = ["dump", "link", "live", "netmask"])]
    pub files: Vec<PathBuf>,
    /// List the interfaces
    #[arg(
        short = 'D',
        long = "list",
        alias = "list-interfaces",
        hide_short_help = true
    )]
    pub list: bool,
    /// With -r: fail rather than go on with an incomplete sandbox
    #[arg(long, requires = "files", hide_short_help = true)]
    pub require_sandbox: bool,
    /// Print one JSON object
    #[arg(long, conflicts_with = "dump")]
    pub json: bool,
}

fn link(name: &str) -> Result<Link, String> {
    Link::of_name(name).ok_or_else(|| {
        let known: Vec<&str> = Link::all().map(Link::name).collect();
        format!("one of {}, or tcpdump's name for it", known.join(", "))
    })
}

/// Compiles and prints.
pub fn run(args: &Args) -> Result<u8, Error> {
    if args.list {
        return super::interfaces::run(args.json);
    }
    let expression = args.expression.join(" ");
    if !args.files.is_empty() {
        return files::run(args, &expression);
    }
    let options = Options {
        target: if args.live {
            Target::Live
        } else {
            Target::File
        },
        netmask: args.netmask.map(Ipv4Addr::to_bits),
        pcap_compat: args.pcap_compat,
        ..Options::new(args.link)
    };
    let program = filter::compile(&expression, &options, &SystemNames::default())
        .map_err(|fault| Error::filter(&fault, &expression))?;
    let text = match args.dump {
        0 if args.json => format!("{}\n", object(&expression, &options, &program)),
        0 => annotated(&program),
        how => return dump(how, &program),
    };
    super::print(text.as_bytes())?;
    Ok(0)
}

/// Prints a program as tcpdump's `-d`, `-dd` and `-ddd` do.
pub fn dump(how: u8, program: &Program) -> Result<u8, Error> {
    let text = match how {
        1 => print::assembly(program.insns()),
        2 => print::c_array(program.insns()),
        _ => print::decimal(program.insns()),
    };
    super::print(text.as_bytes())?;
    Ok(0)
}

fn object(expression: &str, options: &Options, program: &Program) -> Value {
    let instructions: Vec<Value> = program
        .lines()
        .map(|line| {
            json!({
                "code": line.insn.code,
                "jt": line.insn.jt,
                "jf": line.insn.jf,
                "k": line.insn.k,
                "about": line.note,
            })
        })
        .collect();
    json!({
        "type": "filter",
        "expression": expression,
        "link": options.link.name(),
        "live": options.target == Target::Live,
        "pcap_compat": options.pcap_compat,
        "instructions": instructions,
    })
}
