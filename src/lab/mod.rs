//! Hosts in anonymous network namespaces, held only by file descriptors, and the cables between
//! them.
//!
//! Nothing has a name in `/run` and nothing on the machine is changed: when the process ends, even
//! by `kill -9`, all of it is gone. [`Run`] is a whole lab: hosts, and a process that is the wire
//! between them. [`Lab`] is two hosts on a plain veth pair.

mod control;
mod enter;
mod host;
mod isolate;
mod link;
mod names;
mod netlink;
mod pair;
mod relay;
mod route;
mod run;
mod save;
mod topology;

pub use control::{Client, Listener, running};
pub use enter::Door;
pub use host::Host;
pub use isolate::{Isolation, enter_userns_if_needed};
pub use link::{Link, Switch, VethEnd};
pub use names::{Names, VARIABLE};
pub use netlink::Netlink;
pub use pair::Lab;
pub use route::{Route, RouteKind};
pub use run::{Options, Run, Wire};
pub use topology::{Setup, Shape};
