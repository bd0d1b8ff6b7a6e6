//! The interfaces that a live capture can open, and how their frames begin.

use std::io;

use socket2::{Domain, Protocol, Socket, Type};

use crate::decode::LinkType;
use crate::error::Error;
use crate::sys::iface;

/// An interface, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name; `any` for all.
    pub name: String,
    /// Its number; 0 for all.
    pub index: u32,
    /// What its frames begin with, as we hand them out.
    pub link: LinkType,
    /// Each packet is seen twice here, as sent and as received.
    pub loopback: bool,
}

impl Device {
    /// All interfaces, with cooked headers.
    pub fn any() -> Self {
        Self {
            name: "any".into(),
            index: 0,
            link: LinkType::LinuxSll2,
            loopback: false,
        }
    }

    /// The interface of that name or number; `any` for all.
    pub fn find(name: &str) -> Result<Self, Error> {
        if name == "any" {
            return Ok(Self::any());
        }
        let asked = || -> io::Result<Self> {
            let socket = Socket::new(Domain::UNIX, Type::DGRAM, None::<Protocol>)?;
            let found = iface::index(&socket, name);
            let index = match (found, name.parse()) {
                (Err(error), Ok(number)) if error.raw_os_error() == Some(libc::ENODEV) => number,
                (found, _) => found?,
            };
            let name = iface::name(&socket, index)?;
            let hardware = iface::hardware(&socket, &name)?;
            Ok(Self {
                link: link_of(hardware),
                loopback: hardware == iface::LOOPBACK,
                name,
                index,
            })
        };
        asked().map_err(|source| Error::Io {
            operation: "find interface",
            object: name.to_owned(),
            source,
        })
    }

    /// The kernel shows packets from the network layer on, and we put a cooked header before them.
    pub(super) fn is_cooked(&self) -> bool {
        self.link == LinkType::LinuxSll2
    }
}

/// What frames of a hardware type begin with; cooked for those whose headers nobody here reads.
fn link_of(hardware: u16) -> LinkType {
    match hardware {
        iface::ETHERNET | iface::LOOPBACK => LinkType::Ethernet,
        iface::NONE => LinkType::Raw,
        tunnel if iface::TUNNELS.contains(&tunnel) => LinkType::Raw,
        _ => LinkType::LinuxSll2,
    }
}
