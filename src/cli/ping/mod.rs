//! `rawsock ping`: options, what they mean, and the run.

mod aim;
mod args;
mod help;
mod plan;
#[cfg(test)]
mod plan_tests;
mod values;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::Error;
use crate::ping::MAX_SIZE;

pub use aim::{Aim, Header, Kind, Target};
pub use args::Args;
pub use plan::{Facts, Family, HeaderWish, Lifted, OutputWish, Plan, SocketWish};
pub use values::{ColorChoice, Data, MtuDiscovery, SocketChoice};

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    let _plan = plan(args)?;
    Err(plan::usage(
        "the run loop of ping is not part of this build",
        "use a later version",
    ))
}

/// Reads what `--data` names and makes the plan, with the rights that the process has now.
pub fn plan(args: &Args) -> Result<Plan, Error> {
    let data = match &args.data {
        None => None,
        Some(Data::Bytes(bytes)) => Some(bytes.clone()),
        Some(Data::File(path)) => Some(read(path)?),
    };
    let facts = Facts {
        uid: nix::unistd::getuid().as_raw(),
    };
    Plan::new(args, facts, data)
}

/// A payload file; one byte more than any packet can carry is enough to say that it is too large.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut data = Vec::new();
    let limit = u64::try_from(MAX_SIZE)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let file = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut data));
    file.map_err(|source| Error::Io {
        operation: "read the payload from",
        object: path.display().to_string(),
        source,
    })?;
    Ok(data)
}
