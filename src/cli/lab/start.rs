//! Options of the three labs.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::parse;
use crate::cli::wire::{EXPLAINED, WireArgs};
use crate::error::Error;
use crate::lab::{Options, Setup, Shape, Switch};
use crate::wire::Hold;

/// Options that every lab has.
#[derive(Clone, Debug, clap::Args)]
pub struct Start {
    /// Program, or a command of rawsock; without one, a prompt
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
    /// Host in which CMD runs
    #[arg(long, value_name = "HOST", default_value = "h1")]
    pub at: String,
    /// What the wire does.
    #[command(flatten)]
    pub wire: WireArgs,
    /// Cable that this concerns, by its name or a host's; repeat for more
    #[arg(long, value_name = "CABLE", hide_short_help = true)]
    pub on: Vec<String>,
    /// Swallow the TCP resets of a host's kernel [h1]
    #[arg(long, value_name = "HOST", require_equals = true, num_args = 0..=1, default_missing_value = "h1")]
    pub mute_rst: Vec<String>,
    /// Hold every frame until a key decides about it
    ///
    /// With =all ARP, neighbour and listener discovery too.
    #[arg(long, value_enum, hide_possible_values = true, value_name = "WHICH", require_equals = true, num_args = 0..=1, default_missing_value = "ip")]
    pub step: Option<StepOver>,
    /// Save what each host saw, and the wire's log
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// Hosts find each other by ARP and ND, which a lab spares them
    #[arg(long, hide_short_help = true)]
    pub arp: bool,
    /// IPv6 talks as it does by default: router solicitations and the like
    #[arg(long, hide_short_help = true)]
    pub chatter: bool,
    /// Fail rather than run the wire in an incomplete sandbox
    #[arg(long, hide_short_help = true)]
    pub require_sandbox: bool,
}

/// Which frames wait for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum StepOver {
    /// IP, without neighbour and listener discovery
    Ip,
    /// Every frame
    All,
}

/// `lab pair`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_long_help = EXPLAINED)]
pub struct Pair {
    /// What every lab has.
    #[command(flatten)]
    pub start: Start,
}

/// `lab lan`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_long_help = EXPLAINED)]
pub struct Lan {
    /// What every lab has.
    #[command(flatten)]
    pub start: Start,
    /// The switch asks who wants which group (IGMP and MLD querier)
    #[arg(long)]
    pub querier: bool,
    /// The switch does not listen to IGMP and MLD: it floods all groups
    #[arg(long, conflicts_with = "querier")]
    pub no_snooping: bool,
}

/// `lab route`.
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_long_help = EXPLAINED)]
pub struct Route {
    /// What every lab has.
    #[command(flatten)]
    pub start: Start,
    /// MTU of the link between the routers
    #[arg(long, value_name = "BYTES", default_value = "1300", value_parser = small)]
    pub small_mtu: u32,
}

/// RFC 8200 5: no link with IPv6 has less than 1280.
fn small(text: &str) -> Result<u32, String> {
    let number = parse::number(text, 1280, 65_535)?;
    u32::try_from(number).map_err(|error| error.to_string())
}

impl Pair {
    /// The lab that this asks for.
    pub fn options(&self) -> Result<Options, Error> {
        self.start.options(Shape::Pair)
    }
}

impl Lan {
    /// The lab that this asks for.
    pub fn options(&self) -> Result<Options, Error> {
        self.start.options(Shape::Lan(Switch {
            snooping: !self.no_snooping,
            querier: self.querier,
        }))
    }
}

impl Route {
    /// The lab that this asks for.
    pub fn options(&self) -> Result<Options, Error> {
        self.start.options(Shape::Route(self.small_mtu))
    }
}

impl Start {
    fn options(&self, shape: Shape) -> Result<Options, Error> {
        let mut config = self.wire.config();
        config.mute_resets.clone_from(&self.mute_rst);
        config.hold = match self.step {
            None => Hold::None,
            Some(StepOver::Ip) => Hold::Counted,
            Some(StepOver::All) => Hold::All,
        };
        if self.step.is_some() && self.command.is_empty() {
            return Err(Error::Usage {
                message: "--step needs a command, since the keys are its own".into(),
                fix: Some("rawsock lab pair --step -- ping -c 2 h2".into()),
            });
        }
        let hosts = shape.hosts();
        let named = self.mute_rst.iter().chain([&self.at]);
        if let Some(wrong) = named
            .into_iter()
            .find(|name| !hosts.contains(&name.as_str()))
        {
            return Err(Error::Usage {
                message: format!("there is no host {wrong}: {}", hosts.join(", ")),
                fix: None,
            });
        }
        Ok(Options {
            shape,
            setup: Setup {
                mtu: self.wire.link_mtu(),
                arp: self.arp,
                chatter: self.chatter,
            },
            config,
            on: self.on.clone(),
            save: self.save.clone(),
            require_sandbox: self.require_sandbox,
        })
    }
}
