//! Packet filters: pcap-filter(7) expressions to classic BPF programs that the kernel takes, and an
//! interpreter for files. Opens no socket and no file: names are asked of the caller.
//!
//! Text goes through `lex`, `parse`, `lower` (to conditions over bytes, for a link type), `graph`
//! (simplified blocks) and `emit`. Where libpcap's meaning is a trap, ours differs, unless
//! [`Options::pcap_compat`] is set:
//! - `tcp`, `icmp6`, `port 80`, `tcp[13]` and their kin find their header behind IPv6 extension
//!   headers, up to six of them, and behind the first fragment header; `tcp[..]`, `udp[..]`,
//!   `sctp[..]` and `pim[..]` read IPv6 packets too. `ip6 proto` stays as the manual has it.
//! - `vlan`, `mpls`, `pppoes`, `geneve` and `vxlan` move the offsets of what is joined to them by
//!   `and`, not of what stands after an `or` or a `not`.
//! - `mld`, `ndp`, `vxlan` and the IGMP types are words; `vlan` and `mpls` work in cooked captures.
//! - All parts of an arithmetic expression must exist, not only the first; `%` and `^` bind as in C.
//! - BSD loopback packets of either byte order and every system's AF_INET6 are understood.
//!
//! Always different from libpcap: `protochain` follows at most six headers, because the kernel
//! takes no loop, and steps over an authentication header correctly; a Geneve tunnel moves nothing
//! where it does not hold; `byte AT & VALUE` reads the byte.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic
)]

pub mod annotate;
mod arith;
pub mod ast;
mod cursor;
mod emit;
mod error;
mod facts;
mod graph;
pub mod insn;
pub mod interp;
mod ir;
mod layout;
mod lex;
mod link;
mod lower;
mod names;
mod parse;
pub mod print;
mod qualify;
mod services;
mod unroll;
mod words;

pub use error::FilterError;
pub(crate) use error::quoted;
pub use insn::Insn;
pub use interp::View;
pub use layout::Line;
pub use link::{Link, Options, Target};
pub use names::{Names, Service, Table};
pub use parse::parse;

/// A compiled filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    insns: Vec<Insn>,
    notes: Vec<&'static str>,
}

impl Program {
    /// The instructions, as the kernel takes them.
    pub fn insns(&self) -> &[Insn] {
        &self.insns
    }

    /// The instructions with what they are about.
    pub fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        let both = self.insns.iter().zip(&self.notes);
        both.map(|(insn, note)| Line { insn: *insn, note })
    }

    /// Does the packet match?
    pub fn matches(&self, packet: &View<'_>) -> bool {
        interp::run(&self.insns, packet) != 0
    }

    /// Can no packet match, whatever it holds?
    pub fn rejects_all(&self) -> bool {
        !self
            .insns
            .iter()
            .any(|insn| insn.code == insn::op::RET && insn.k != 0)
    }
}

/// Compiles an expression. The empty one matches every packet.
pub fn compile(text: &str, options: &Options, names: &dyn Names) -> Result<Program, FilterError> {
    match parse(text, names, options.pcap_compat)? {
        // A fault of the whole has no place of its own.
        Some(expr) => compile_ast(&expr, options).map_err(|fault| match fault.at.end {
            0 => FilterError {
                at: 0..text.len(),
                ..fault
            },
            _ => fault,
        }),
        None => Ok(Program {
            insns: vec![Insn::new(insn::op::RET, insn::KEEP)],
            notes: vec!["match"],
        }),
    }
}

/// Compiles a syntax tree.
pub fn compile_ast(expr: &ast::Expr, options: &Options) -> Result<Program, FilterError> {
    let (ir, cond) = lower::lower(expr, options)?;
    let graph = graph::Graph::new(&ir, cond)?;
    let items = emit::emit(&ir, &graph)?;
    let lines = layout::lay_out(&items)?;
    let (insns, notes): (Vec<Insn>, Vec<&'static str>) =
        lines.iter().map(|line| (line.insn, line.note)).unzip();
    // What the kernel would refuse must not leave the compiler.
    match insn::check(&insns) {
        Ok(()) => Ok(Program { insns, notes }),
        Err(bad) => Err(FilterError::new(
            0..0,
            format!("the compiler made a bad program: {bad}"),
        )),
    }
}
