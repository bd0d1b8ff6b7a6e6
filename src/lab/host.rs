//! One host: an anonymous network namespace, and ways to do things inside it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::Error;
use crate::net::route::{Kind, Query, Routes};
use crate::sys::ethtool::{self, Feature};
use crate::sys::netns;

use super::netlink::Netlink;

/// A host of the lab. It vanishes when the last of its descriptors, sockets and programs ends.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: OwnedFd,
    netlink: Netlink,
}

impl Host {
    /// A new host with `lo` up and IPv6 that says nothing by itself: no router solicitations, no
    /// duplicate address detection, MLD reports at once instead of during the first second.
    pub fn new(name: &str) -> Result<Self, Error> {
        Self::with(name, quiet_ipv6)
    }

    /// A new host whose IPv6 says what it says by default.
    pub fn chatty(name: &str) -> Result<Self, Error> {
        Self::with(name, || Ok(()))
    }

    /// A new host without IPv6.
    pub fn silent(name: &str) -> Result<Self, Error> {
        Self::with(name, no_ipv6)
    }

    fn with(name: &str, ipv6: fn() -> Result<(), Error>) -> Result<Self, Error> {
        // A thread of its own, since the namespace is the thread's. A socket keeps its namespace,
        // so the netlink socket serves every thread afterwards.
        let made = thread::scope(|scope| scope.spawn(make_namespace).join());
        let (namespace, netlink) = made.unwrap_or_else(|panic| panic::resume_unwind(panic))?;
        let host = Self {
            name: name.to_owned(),
            namespace,
            netlink,
        };
        host.run(ipv6)??;
        host.netlink.set_up("lo", true)?;
        Ok(host)
    }

    /// Its name, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its namespace.
    pub fn namespace(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }

    /// Its links, addresses and routes.
    pub fn netlink(&self) -> &Netlink {
        &self.netlink
    }

    /// Runs `work` on a thread inside the host and waits for it. Sockets that it opens stay in the
    /// host wherever they are used later. A panic of `work` goes on in the caller.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let inside = || netns::set_net(&self.namespace).map(|()| work());
        let done = thread::scope(|scope| scope.spawn(inside).join());
        done.unwrap_or_else(|panic| panic::resume_unwind(panic))
            .map_err(|source| self.error("enter", source))
    }

    /// Starts a thread inside the host.
    pub fn thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<io::Result<T>>, Error> {
        let namespace = self.duplicate()?;
        thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || netns::set_net(&namespace).map(|()| work()))
            .map_err(|source| self.error("start a thread in", source))
    }

    /// A command that will run inside the host. The error of entering it comes from `spawn`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Result<Command, Error> {
        let mut command = Command::new(program);
        netns::exec_in_net(&mut command, self.duplicate()?);
        Ok(command)
    }

    /// Starts `command` inside the host.
    pub fn spawn(&self, command: &mut Command) -> Result<Child, Error> {
        netns::exec_in_net(command, self.duplicate()?);
        command.spawn().map_err(|source| Error::Io {
            operation: "run",
            object: format!("{} in host {}", command.get_program().display(), self.name),
            source,
        })
    }

    /// Writes a network sysctl of this host; `key` as a path, `net/ipv4/ip_forward`.
    pub fn set_sysctl(&self, key: &str, value: &str) -> Result<(), Error> {
        self.run(|| write_sysctl(key, value))?
    }

    /// Reads a network sysctl of this host, without the newline.
    pub fn sysctl(&self, key: &str) -> Result<String, Error> {
        let path = format!("/proc/sys/{key}");
        let text = self.run(|| fs::read_to_string(&path))?;
        text.map(|text| text.trim_end().to_owned())
            .map_err(|source| Error::Io {
                operation: "read",
                object: path,
                source,
            })
    }

    /// Waits until the host takes `address` for its own. The kernel makes the `local` route of an
    /// IPv6 address in the background; what arrives before that is dropped (Ip6InAddrErrors). At
    /// most two seconds.
    pub fn wait_address(&self, address: IpAddr) -> Result<(), Error> {
        let named = |source| Error::Io {
            operation: "add",
            object: format!("address {address} to host {}", self.name),
            source,
        };
        let routes = self.run(Routes::open)?.map_err(named)?;
        for _ in 0..2000 {
            // No route at all is an error of the question, and means the same: not yet.
            let route = routes.lookup(&Query::to(address));
            if route.is_ok_and(|route| route.kind == Kind::Local) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err(named(io::ErrorKind::TimedOut.into()))
    }

    /// Switches every offload of a link off, so that what a capture sees is what a wire would carry:
    /// whole checksums, no segments larger than the MTU. What the driver lacks is left alone.
    pub fn offloads_off(&self, link: &str) -> Result<(), Error> {
        self.offloads_off_all(&[link])
    }

    /// [`Host::offloads_off`] for several links.
    pub fn offloads_off_all(&self, links: &[&str]) -> Result<(), Error> {
        let socket = self.run(|| UdpSocket::bind("127.0.0.1:0"))?;
        let socket = socket.map_err(|source| self.error("open a socket in", source))?;
        let features = links
            .iter()
            .flat_map(|link| Feature::ALL.map(|feature| (link, feature)));
        for (link, feature) in features {
            match ethtool::set_feature(&socket, link, feature, false) {
                Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
                result => result.map_err(|source| Error::Io {
                    operation: "switch off",
                    object: format!("{feature:?} of {link} in host {}", self.name),
                    source,
                })?,
            }
        }
        Ok(())
    }

    fn duplicate(&self) -> Result<OwnedFd, Error> {
        let copy = self.namespace.try_clone();
        copy.map_err(|source| self.error("duplicate the descriptor of", source))
    }

    fn error(&self, operation: &'static str, source: io::Error) -> Error {
        Error::Io {
            operation,
            object: format!("host {}", self.name),
            source,
        }
    }
}

fn make_namespace() -> Result<(OwnedFd, Netlink), Error> {
    let made = netns::unshare_net().and_then(|()| netns::current_net());
    let namespace = made.map_err(|source| Error::Io {
        operation: "make",
        object: "a network namespace".to_owned(),
        source,
    })?;
    Ok((namespace, Netlink::open()?))
}

/// Runs inside the host.
fn quiet_ipv6() -> Result<(), Error> {
    if !fs::exists("/proc/sys/net/ipv6").unwrap_or(false) {
        return Ok(());
    }
    for which in ["all", "default"] {
        for (key, value) in [
            ("accept_dad", "0"),
            ("dad_transmits", "0"),
            ("accept_ra", "0"),
            ("autoconf", "0"),
            ("router_solicitations", "0"),
            ("mldv2_unsolicited_report_interval", "1"),
        ] {
            write_sysctl(&format!("net/ipv6/conf/{which}/{key}"), value)?;
        }
    }
    Ok(())
}

/// Runs inside the host.
fn no_ipv6() -> Result<(), Error> {
    if !fs::exists("/proc/sys/net/ipv6").unwrap_or(false) {
        return Ok(());
    }
    for which in ["all", "default"] {
        write_sysctl(&format!("net/ipv6/conf/{which}/disable_ipv6"), "1")?;
    }
    Ok(())
}

/// /proc/sys/net shows the namespace of the thread that looks.
fn write_sysctl(key: &str, value: &str) -> Result<(), Error> {
    let path = format!("/proc/sys/{key}");
    fs::write(&path, value).map_err(|source| Error::Io {
        operation: "write",
        object: path,
        source,
    })
}
