//! Hosts in anonymous network namespaces, held only by file descriptors, and the cables between
//! them.
//!
//! Nothing has a name in `/run` and nothing on the machine is changed: when the process ends, even
//! by `kill -9`, all of it is gone. Not here: the user-space wire that drops and delays frames.

mod host;
mod isolate;
mod link;
mod netlink;
mod pair;
mod route;

pub use host::Host;
pub use isolate::{Isolation, enter_userns_if_needed};
pub use link::{Link, VethEnd};
pub use netlink::Netlink;
pub use pair::Lab;
pub use route::{Route, RouteKind};
