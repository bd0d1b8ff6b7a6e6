//! `rawsock ping`: options, what they mean, and the run.

mod aim;
mod args;
mod find;
mod help;
mod lanes;
mod open;
mod output;
mod plan;
#[cfg(test)]
mod plan_tests;
mod run;
mod source;
mod stdout;
mod values;
mod wish;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::Error;
use crate::net::resolve::{Names, Resolver};
use crate::ping::MAX_SIZE;
use crate::privilege;
use crate::sys::clock::Clock;
use crate::sys::poll::sharpen_timers;
use crate::sys::signal::{Signal, Signals};

use self::open::Opener;
use self::run::End;

pub use aim::{Aim, Header, Kind, Target};
pub use args::Args;
pub use plan::{Facts, Plan, hops};
pub use values::{ColorChoice, Data, MtuDiscovery, SocketChoice};
pub use wish::{Family, HeaderWish, Lifted, OutputWish, SocketWish};

/// Runs the command; gives the exit code.
///
/// Open, drop, run: nothing is received before [`privilege::drop`], and nothing opened after it.
pub fn run(args: &Args) -> Result<u8, Error> {
    let clock = Clock::start();
    privilege::close_gaps()?;
    let plan = plan(args)?;
    let target = find::Target::read(&plan)?;
    let resolver = match (&target, plan.output.names) {
        (find::Target::Address(_), false) => None,
        _ => Some(Resolver::start()?),
    };
    let mut signals = Signals::take().map_err(|source| Error::Io {
        operation: "watch",
        object: "signals".into(),
        source,
    })?;
    // Without it the schedule is 50 us late at most; nothing that a user must hear of.
    let _ = sharpen_timers();
    let (addresses, resolver) = match target.addresses(&plan, resolver, &mut signals)? {
        Ok(found) => found,
        Err(signal) => return Ok(exit_code(End::By(signal), false)),
    };
    let opener = Opener::new(&plan)?;
    let lanes = opener.open_all(&addresses)?;
    // Its routing socket is not kept, and must not be closed a second time after the drop.
    drop(opener);
    let names = resolver.filter(|_| plan.output.names).map(Names::new);
    let mut run = lanes::build(&plan, lanes, clock, signals, names)?;
    let end = run.run()?;
    let answered = run
        .lanes
        .iter_mut()
        .all(|lane| lane.session.pinger().success());
    Ok(exit_code(end, answered))
}

/// 128 and the signal's number for TERM and HUP, else whether there was an answer.
fn exit_code(end: End, answered: bool) -> u8 {
    match end {
        End::By(Signal::Terminate) => 143,
        End::By(Signal::Hangup) => 129,
        End::Done | End::By(_) => u8::from(!answered),
    }
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
    // Under setuid it would be read with rights that are not the caller's.
    let setuid = nix::unistd::geteuid() != nix::unistd::getuid();
    if setuid || nix::unistd::getegid() != nix::unistd::getgid() {
        return Err(plan::usage(
            format!(
                "--data @{} is refused to a program that runs setuid",
                path.display()
            ),
            "give the program CAP_NET_RAW instead: `rawsock caps` says how",
        ));
    }
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
