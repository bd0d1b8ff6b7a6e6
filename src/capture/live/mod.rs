//! Live capture from packet sockets (packet(7)): one or more interfaces, or all, as a [`Source`].

pub mod block;
mod device;
mod lane;
mod program;
mod sockets;

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};

pub use device::Device;
use lane::Lane;
pub use lane::{Counts, Options};

use super::{Interface, Next, Source};
use crate::decode::{Direction, Flags, Frame, LinkType};
use crate::error::Error;
use crate::event::{Stamp, Timestamp};
use crate::filter::{Insn, Program};
use crate::sys::iface;
use crate::sys::poll::{PollFd, PollFlags, ppoll};

/// Names kept of interfaces that `any` has seen.
const MAX_NAMES: usize = 4096;

/// An open capture.
#[derive(Debug)]
pub struct Live {
    lanes: Vec<Lane>,
    /// Which lane [`Source::next`] went to.
    current: Option<usize>,
    interfaces: HashMap<u32, Interface>,
    /// The filter in words.
    filter: String,
    options: Options,
}

/// What happened to an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It went down; it is still captured, should it come back.
    Down(String),
    /// It came back.
    Up(String),
    /// It is no more.
    Gone(String),
}

impl Live {
    /// No interface yet. `filter`: for the descriptions of the interfaces.
    pub fn new(options: Options, filter: &str) -> Self {
        Self {
            lanes: Vec::new(),
            current: None,
            interfaces: HashMap::new(),
            filter: filter.to_owned(),
            options,
        }
    }

    /// Opens one more device. From now on what `program` passes is queued.
    pub fn open(&mut self, device: Device, program: &[Insn]) -> Result<(), Error> {
        let translated = if device.is_cooked() {
            program::for_dgram(program).ok_or_else(|| Error::Usage {
                message: format!(
                    "this filter reads link-layer addresses, which {} does not have",
                    device.name
                ),
                fix: Some("rawsock sniff -i eth0 ...".into()),
            })?
        } else {
            program.to_vec()
        };
        let name = device.name.clone();
        let interface = self.describe(&device.name, device.link);
        self.interfaces.insert(device.index, interface);
        let lane = Lane::open(device, &translated, self.options);
        let lane = lane.map_err(|source| Error::Capture {
            interface: name,
            source,
        })?;
        self.lanes.push(lane);
        Ok(())
    }

    /// Opens raw sockets of ICMP, IGMP and ICMPv6 on a device, in place of a packet socket. What
    /// `program`, compiled for IP packets, passes is handed out.
    pub fn open_raw(&mut self, device: &Device, program: &Program) -> Result<(), Error> {
        let device = Device {
            link: LinkType::Raw,
            loopback: false,
            ..device.clone()
        };
        let interface = self.describe(&device.name, device.link);
        self.interfaces.insert(device.index, interface);
        for protocol in sockets::PROTOCOLS {
            let program = program.clone();
            let lane = Lane::open_protocol(device.clone(), protocol, program, self.options);
            let lane = lane.map_err(|source| Error::Capture {
                interface: device.name.clone(),
                source,
            })?;
            self.lanes.push(lane);
        }
        Ok(())
    }

    /// The open devices, each once.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        let mut last = None;
        let devices = self.lanes.iter().map(|lane| &lane.device);
        // The sockets of one device follow one another.
        devices.filter(move |device| last.replace(device.index) != Some(device.index))
    }

    /// All devices have a ring.
    pub fn has_rings(&self) -> bool {
        self.lanes.iter().all(Lane::has_ring)
    }

    /// Every open descriptor, to poll(2) and to keep.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.lanes.iter().map(AsFd::as_fd)
    }

    /// Lets no further packet in; what is in the buffers is still handed out.
    pub fn stop(&mut self) -> Result<(), Error> {
        let closed = self.lanes.iter().try_for_each(Lane::close_gate);
        closed.map_err(|source| Error::Io {
            operation: "stop",
            object: "the capture".into(),
            source,
        })
    }

    /// Every packet that came in has been handed out.
    pub fn is_drained(&mut self) -> bool {
        // Also of an interface that is no more: its last block comes up to 10 ms after it went.
        self.lanes.iter_mut().all(Lane::is_empty)
    }

    /// What all sockets counted together.
    pub fn counts(&mut self) -> Counts {
        let mut sum = Counts::default();
        for lane in &mut self.lanes {
            sum.add(lane.counts());
        }
        sum
    }

    /// Interface number and counts of each device; number 0 is `any`.
    pub fn counts_by_device(&mut self) -> Vec<(u32, Counts)> {
        let mut all: Vec<(u32, Counts)> = Vec::new();
        for lane in &mut self.lanes {
            let (index, counts) = (lane.device.index, lane.counts());
            match all.last_mut().filter(|last| last.0 == index) {
                Some((_, sum)) => sum.add(counts),
                None => all.push((index, counts)),
            }
        }
        all
    }

    /// No device is left.
    pub fn is_dead(&self) -> bool {
        self.lanes.iter().all(|lane| lane.gone)
    }

    /// Some device is down or may be: [`Live::changes`] should be asked now and then.
    pub fn has_down(&self) -> bool {
        let looks = |lane: &Lane| lane.down || lane.must_be_watched();
        self.lanes.iter().any(|lane| looks(lane) && !lane.gone)
    }

    /// What happened to the interfaces since the last call. Ask after an error of poll(2), and
    /// every second while [`Live::has_down`].
    pub fn changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for lane in &mut self.lanes {
            // Clears the error, so that poll(2) waits again.
            let failed = !matches!(lane.take_error(), Ok(None));
            let looks = failed || lane.down || lane.must_be_watched();
            if lane.gone || lane.device.index == 0 || !looks {
                continue;
            }
            let name = lane.device.name.clone();
            let now = iface::name(&lane, lane.device.index);
            let flags = now.and_then(|name| iface::flags(&lane, &name));
            let up = flags.as_ref().is_ok_and(|flags| flags & libc::IFF_UP != 0);
            match flags {
                Err(_) => {
                    lane.gone = true;
                    changes.push(Change::Gone(name));
                }
                Ok(_) if up == lane.down => {
                    lane.down = !up;
                    changes.push(if up {
                        Change::Up(name)
                    } else {
                        Change::Down(name)
                    });
                }
                Ok(_) => {}
            }
        }
        // The sockets of one device tell the same.
        changes.dedup();
        changes
    }

    fn describe(&self, name: &str, link: LinkType) -> Interface {
        Interface {
            name: name.to_owned(),
            description: String::new(),
            filter: self.filter.clone(),
            link,
            snaplen: lane::most_bytes(link, self.options.snaplen),
            nanos: true,
        }
    }

    /// Makes the interface of the current frame known: `any` meets new ones all the time.
    fn meet(&mut self, lane: usize) {
        let Some(lane) = self.lanes.get(lane) else {
            return;
        };
        let Some(frame) = lane.frame() else {
            return;
        };
        let number = frame.iface;
        if self.interfaces.contains_key(&number) || self.interfaces.len() >= MAX_NAMES {
            return;
        }
        // Gone already: its number must do.
        let name = iface::name(lane, number).unwrap_or_else(|_| format!("#{number}"));
        let interface = self.describe(&name, frame.link);
        self.interfaces.insert(number, interface);
    }
}

impl Source for Live {
    fn next(&mut self) -> Result<Next, Error> {
        if let Some(lane) = self.current.take().and_then(|at| self.lanes.get_mut(at)) {
            lane.advance();
        }
        let mut first = None;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let head = lane.head().map_err(|source| Error::Io {
                operation: "read from",
                object: lane.device.name.clone(),
                source,
            })?;
            if let Some(at) = head
                && first.is_none_or(|(earliest, _)| at < earliest)
            {
                first = Some((at, index));
            }
        }
        let Some((_, index)) = first else {
            return Ok(if self.is_dead() {
                Next::End
            } else {
                Next::Wait
            });
        };
        self.current = Some(index);
        self.meet(index);
        Ok(Next::Frame)
    }

    fn frame(&self) -> Frame<'_> {
        let lane = self.current.and_then(|at| self.lanes.get(at));
        lane.and_then(Lane::frame).unwrap_or(Frame {
            at: Timestamp::default(),
            stamp: Stamp::User,
            iface: 0,
            link: LinkType::Other(0),
            dir: Direction::Unknown,
            flags: Flags::default(),
            wire_len: 0,
            bytes: &[],
        })
    }

    fn fill(&mut self) -> Result<(), Error> {
        let lanes = self.lanes.iter().filter(|lane| !lane.gone);
        let mut fds: Vec<PollFd<'_>> = lanes
            .map(|lane| PollFd::new(lane.as_fd(), PollFlags::POLLIN))
            .collect();
        let waited = ppoll(&mut fds, None, None).map_err(|source| Error::Io {
            operation: "wait for",
            object: "packets".into(),
            source,
        });
        waited.map(drop)
    }

    fn interface(&self, number: u32) -> Option<&Interface> {
        self.interfaces.get(&number)
    }
}
