//! Which packets a command wants: its filter expression, parsed before the rights are dropped
//! (names are looked up then), compiled when a link type is known.

use std::fs;
use std::path::Path;

use crate::decode::{Direction, Frame, LinkType};
use crate::error::Error;
use crate::filter::ast::Expr;
use crate::filter::{self, Link, Options, Program, Target, View};
use crate::net::filter_names::SystemNames;

/// Longest filter file.
const MAX_FILE: u64 = 1 << 20;

/// A filter expression.
#[derive(Debug)]
pub struct Wanted {
    text: String,
    /// `None`: every packet.
    expr: Option<Expr>,
    compat: bool,
    /// Compiled for capture files.
    programs: Vec<(LinkType, Program)>,
}

impl Wanted {
    /// Parses an expression; an empty one wants every packet. `compat`: libpcap's meaning.
    pub fn parse(text: &str, compat: bool) -> Result<Self, Error> {
        let expr = filter::parse(text, &SystemNames::default(), compat);
        Ok(Self {
            expr: expr.map_err(|fault| Error::filter(&fault, text))?,
            text: text.to_owned(),
            compat,
            programs: Vec::new(),
        })
    }

    /// The expression in a file (`-F`).
    pub fn text_of(path: &Path) -> Result<String, Error> {
        let read = fs::metadata(path).and_then(|facts| {
            if facts.len() > MAX_FILE {
                return Err(std::io::ErrorKind::FileTooLarge.into());
            }
            fs::read_to_string(path)
        });
        let text = read.map_err(|source| Error::Io {
            operation: "read",
            object: path.display().to_string(),
            source,
        })?;
        Ok(text.trim().to_owned())
    }

    /// The expression.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every packet is wanted.
    pub fn is_all(&self) -> bool {
        self.expr.is_none()
    }

    /// The program for packets of a link type.
    pub fn program(&self, link: LinkType, target: Target) -> Result<Program, Error> {
        let fault = |fault| Error::filter(&fault, &self.text);
        let options = Options {
            target,
            pcap_compat: self.compat,
            ..Options::new(Link::try_from(link).map_err(fault)?)
        };
        match &self.expr {
            Some(expr) => filter::compile_ast(expr, &options).map_err(fault),
            None => filter::compile("", &options, &filter::Table::default()).map_err(fault),
        }
    }

    /// Is this packet of a file wanted?
    pub fn matches(&mut self, frame: &Frame<'_>) -> Result<bool, Error> {
        if self.expr.is_none() {
            return Ok(true);
        }
        let at = self.programs.iter().position(|known| known.0 == frame.link);
        let at = if let Some(at) = at {
            at
        } else {
            let program = self.program(frame.link, Target::File)?;
            self.programs.push((frame.link, program));
            self.programs.len().saturating_sub(1)
        };
        let view = View {
            wire_len: frame.wire_len,
            packet_type: match frame.dir {
                Direction::Unknown => None,
                Direction::In => Some(libc::PACKET_HOST),
                Direction::Out => Some(libc::PACKET_OUTGOING),
            },
            ..View::new(frame.bytes)
        };
        Ok(self
            .programs
            .get(at)
            .is_some_and(|(_, program)| program.matches(&view)))
    }
}
