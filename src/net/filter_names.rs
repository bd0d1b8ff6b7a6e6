//! The names in a filter expression, as this machine has them: the files under /etc, and the
//! resolver process for hosts. Nothing is read or started before a name asks for it.

use std::cell::{OnceCell, RefCell};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;

use super::resolve::{Family, Resolver};
use crate::filter::{Names, Service, Table};

/// Most that is read of one file under /etc.
const MAX_FILE: u64 = 4 << 20;
/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names of this machine. Made before anything is dropped, by a process with one thread.
#[derive(Debug, Default)]
pub struct SystemNames {
    table: OnceCell<Table>,
    resolver: RefCell<Option<Resolver>>,
}

impl SystemNames {
    fn table(&self) -> &Table {
        self.table.get_or_init(|| {
            let mut table = Table::builtin();
            table.add_services(&text("/etc/services"));
            table.add_protocols(&text("/etc/protocols"));
            table.add_networks(&text("/etc/networks"));
            table.add_ethers(&text("/etc/ethers"));
            table
        })
    }
}

/// The start of a file; nothing if it cannot be read, because the built-in names stay.
fn text(path: &str) -> String {
    let mut bytes = Vec::new();
    let file = File::open(path).map(|file| file.take(MAX_FILE));
    let _ = file.and_then(|mut file| file.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Names for SystemNames {
    fn service(&self, name: &str) -> Option<Service> {
        self.table().service(name)
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        self.table().protocol(name)
    }

    fn network(&self, name: &str) -> Option<u32> {
        self.table().network(name)
    }

    fn ether(&self, name: &str) -> Option<[u8; 6]> {
        self.table().ether(name)
    }

    fn hosts(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let mut resolver = self.resolver.borrow_mut();
        let resolver = match &mut *resolver {
            Some(running) => running,
            none => none.insert(Resolver::start().map_err(|error| error.to_string())?),
        };
        let found = resolver.addresses(OsStr::new(name), Family::Any, PATIENCE, None);
        match found {
            Ok(Some(found)) => Ok(found.addresses.iter().map(|address| address.ip).collect()),
            Ok(None) => Err("the wait was ended".to_owned()),
            Err(crate::error::Error::Resolve { cause, .. }) => Err(cause.to_string()),
            Err(other) => Err(other.to_string()),
        }
    }
}
