//! What the wire of a lab does, as options. They come from a table, since each exists three times:
//! for both directions, and for one with `-up` or `-down` behind its name.

use std::time::Duration;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::parse;
use crate::wire::{Act, Config, Impairment, Rule, Share, Way, What};

const HEADING: &str = "The wire";

/// A value of one of the options.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Time(Duration),
    Share(Share),
    Rate(u64),
    Bytes(u32),
    Fates(Vec<What>),
}

/// An option: its names for both directions, up and down.
struct Row {
    names: [&'static str; 3],
    value: &'static str,
    help: &'static str,
    parse: fn(&str) -> Result<Value, String>,
    set: fn(&mut Impairment, &Value),
    /// What it does to a frame that is chosen exactly.
    act: Option<Act>,
}

macro_rules! row {
    ($name:literal, $value:literal, $help:literal, $parse:expr, $field:ident: $kind:ident $some:tt) => {
        Row {
            names: names!($name),
            value: $value,
            help: $help,
            parse: $parse,
            set: |to, value| {
                if let Value::$kind(value) = value {
                    to.$field = field!(*value, $some);
                }
            },
            act: None,
        }
    };
}
macro_rules! names {
    ($name:literal) => {
        [$name, concat!($name, "-up"), concat!($name, "-down")]
    };
}
macro_rules! field {
    ($value:expr, ()) => {
        $value
    };
    ($value:expr, (Some)) => {
        Some($value)
    };
}

const ROWS: &[Row] = &[
    row!("delay", "TIME", "Time from one end to the other: 20ms", time, delay: Time ()),
    row!("jitter", "TIME", "The delay varies by so much, either way", time, jitter: Time ()),
    row!("loss", "PERCENT", "Frames that vanish: 10%", share, loss: Share ()),
    Row {
        act: Some(Act::Dup),
        ..row!("dup", "WHICH", "Frames that arrive twice: 1%, or 5", which, dup: Share ())
    },
    row!("reorder", "PERCENT", "Frames that the next one overtakes", share, reorder: Share ()),
    Row {
        act: Some(Act::Corrupt),
        ..row!("corrupt", "WHICH", "Frames in which a bit flips: 1%, or 6", which, corrupt: Share ())
    },
    row!("rate", "RATE", "Bits a second: 1mbit", rate, rate: Rate (Some)),
    row!("queue", "BYTES", "What waits for the rate at most [default: 65536]", bytes, queue: Bytes (Some)),
    row!("mtu", "BYTES", "Longest IP packet", mtu, mtu: Bytes (Some)),
    Row {
        act: Some(Act::Drop),
        names: names!("drop"),
        value: "FRAMES",
        help: "Exactly these vanish: 3,7 or 'tcp.flags.syn#1'",
        parse: fates,
        set: |_, _| {},
    },
    Row {
        act: Some(Act::Swap),
        names: names!("swap"),
        value: "FRAMES",
        help: "The next one overtakes exactly these",
        parse: fates,
        set: |_, _| {},
    },
];

/// What the options mean, for long helps.
pub const EXPLAINED: &str = "\
The wire: each option exists for one direction too: --loss-up is for what h1
sends (on a lan: what a host sends), --loss-down for what it receives. Chance
follows from --seed alone: the same seed, the same fates. What is no IP, and
neighbour and listener discovery, is delayed but never impaired or counted.

FRAMES: numbers count the IP frames of a direction from 1, those of h1 unless
it is --drop-down. A condition in Wireshark's words means every match, and with
#N the Nth of its direction: 'icmp.type == 8', 'tcp.flags.syn#1'.";

/// What the wire does to frames, as given on the command line.
#[derive(Clone, Debug, Default)]
pub struct WireArgs {
    /// Row, direction, value.
    given: Vec<(usize, Option<Way>, Value)>,
    seed: Option<u32>,
}

impl WireArgs {
    /// Nothing was given.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.seed.is_none()
    }

    /// Sets what was given, and leaves the rest. Exact fates replace those that were there.
    pub fn apply(&self, config: &mut Config) {
        if let Some(seed) = self.seed {
            config.seed = seed.into();
        }
        if self
            .given
            .iter()
            .any(|(_, _, value)| matches!(value, Value::Fates(_)))
        {
            config.rules.clear();
        }
        for (row, way, value) in &self.given {
            let Some(row) = ROWS.get(*row) else { continue };
            if let (Value::Fates(whats), Some(act)) = (value, row.act) {
                let rules = whats.iter().map(|what| Rule {
                    act,
                    // A number names one frame, so it has one direction.
                    way: way.or(matches!(what, What::Number(_)).then_some(Way::Up)),
                    what: what.clone(),
                });
                config.rules.extend(rules);
                continue;
            }
            for to in Way::BOTH {
                if way.is_none_or(|way| way == to) {
                    (row.set)(config.ways.get_mut(to), value);
                }
            }
        }
    }

    /// As a configuration of its own.
    pub fn config(&self) -> Config {
        let mut config = Config::default();
        self.apply(&mut config);
        config
    }

    /// The MTU of the hosts' links: that of both directions.
    pub fn link_mtu(&self) -> Option<u32> {
        let of = |(row, way, value): &(usize, Option<Way>, Value)| match (way, value) {
            (None, Value::Bytes(bytes)) if is_mtu(*row) => Some(*bytes),
            _ => None,
        };
        self.given.iter().rev().find_map(of)
    }
}

fn is_mtu(row: usize) -> bool {
    ROWS.get(row).is_some_and(|row| row.names.contains(&"mtu"))
}

impl clap::FromArgMatches for WireArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        // Those for both directions first: the others are more exact.
        for (place, way) in [None, Some(Way::Up), Some(Way::Down)]
            .into_iter()
            .enumerate()
        {
            for (number, row) in ROWS.iter().enumerate() {
                let Some(name) = row.names.get(place) else {
                    continue;
                };
                let values = matches.get_many::<Value>(name).into_iter().flatten();
                given.extend(values.map(|value| (number, way, value.clone())));
            }
        }
        Ok(Self {
            given,
            seed: matches.get_one::<u32>("seed").copied(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for WireArgs {
    fn augment_args(mut command: Command) -> Command {
        for row in ROWS {
            let [both, up, down] = row.names;
            let arg = |name: &'static str, help: &'static str| {
                Arg::new(name)
                    .long(name)
                    .value_name(row.value)
                    .value_parser(ValueParser::new(row.parse))
                    .action(ArgAction::Append)
                    .help(help)
                    .help_heading(HEADING)
            };
            command = command
                .arg(arg(both, row.help).hide_short_help(both == "queue"))
                .arg(arg(up, "The same for what h1 sends").hide_short_help(true))
                .arg(arg(down, "The same for what h1 receives").hide_short_help(true));
        }
        command.arg(
            Arg::new("seed")
                .long("seed")
                .value_name("N")
                .value_parser(parse::unsigned::<u32>)
                .help("What chance follows from [default: 0]")
                .help_heading(HEADING),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn time(text: &str) -> Result<Value, String> {
    parse::duration(text).map(Value::Time)
}

fn share(text: &str) -> Result<Value, String> {
    parse::share(text).map(Value::Share)
}

fn rate(text: &str) -> Result<Value, String> {
    parse::rate(text).map(Value::Rate)
}

fn bytes(text: &str) -> Result<Value, String> {
    let (digits, unit) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1024),
        None => (text, 1),
    };
    let number = parse::number(digits, 1, 1 << 24)?;
    u32::try_from(number.saturating_mul(unit))
        .map(Value::Bytes)
        .map_err(|_| "too many bytes".into())
}

fn mtu(text: &str) -> Result<Value, String> {
    // RFC 791 3.2: every host takes 68 bytes.
    let number = parse::number(text, 68, 65_535)?;
    u32::try_from(number)
        .map(Value::Bytes)
        .map_err(|_| "too many bytes".into())
}

/// A share with a per cent sign, else exact frames.
fn which(text: &str) -> Result<Value, String> {
    if text.ends_with('%') {
        share(text)
    } else {
        fates(text)
    }
}

/// `3,7`, or a condition, with `#N` behind it for its N-th match.
fn fates(text: &str) -> Result<Value, String> {
    let is_list = |byte: u8| byte.is_ascii_digit() || byte == b',';
    if text.bytes().all(is_list) {
        let numbers: Result<Vec<What>, String> = text
            .split(',')
            .map(|number| parse::number(number, 1, u64::from(u32::MAX)).map(What::Number))
            .collect();
        return numbers.map(Value::Fates);
    }
    let (condition, nth) = match text.rsplit_once('#') {
        Some((condition, digits))
            if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            let nth = parse::number(digits, 1, u64::from(u32::MAX))?;
            (condition, Some(nth))
        }
        _ => (text, None),
    };
    let condition = condition.trim().to_owned();
    Ok(Value::Fates(vec![What::Match(condition, nth)]))
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn parsed(words: &[&str]) -> WireArgs {
        let command = WireArgs::augment_args(Command::new("x"));
        let words = ["x"].iter().chain(words);
        WireArgs::from_arg_matches(&command.try_get_matches_from(words).unwrap()).unwrap()
    }

    #[test]
    fn one_direction_wins_over_both() {
        let config = parsed(&["--loss-up", "5%", "--loss", "10%", "--delay", "20ms"]).config();
        assert_eq!(config.ways.up.loss, Share(50_000));
        assert_eq!(config.ways.down.loss, Share(100_000));
        assert_eq!(config.ways.down.delay, Duration::from_millis(20));
    }

    #[test]
    fn shares_and_exact_frames_are_told_apart() {
        let words = [
            "--dup",
            "1%",
            "--dup",
            "5",
            "--drop-down",
            "3,7",
            "--drop",
            "tcp.flags.syn#1",
        ];
        let config = parsed(&words).config();
        assert_eq!(config.ways.up.dup, Share(10_000));
        let rule = |act, way, what| Rule { act, way, what };
        let syn = What::Match("tcp.flags.syn".into(), Some(1));
        assert_eq!(
            config.rules,
            [
                rule(Act::Dup, Some(Way::Up), What::Number(5)),
                rule(Act::Drop, None, syn),
                rule(Act::Drop, Some(Way::Down), What::Number(3)),
                rule(Act::Drop, Some(Way::Down), What::Number(7)),
            ]
        );
        assert_eq!(
            fates("ip.src == 10.5.0.1"),
            Ok(Value::Fates(vec![What::Match(
                "ip.src == 10.5.0.1".into(),
                None
            )]))
        );
        for wrong in ["0", "3,,7", ",", "x#0"] {
            assert!(fates(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let mut config = parsed(&["--delay", "20ms", "--drop", "3"]).config();
        parsed(&["--loss", "30%"]).apply(&mut config);
        assert_eq!(config.ways.up.delay, Duration::from_millis(20));
        assert_eq!(config.ways.up.loss, Share(300_000));
        assert_eq!(config.rules.len(), 1);
        assert_eq!(parsed(&["--mtu", "1300"]).link_mtu(), Some(1300));
        assert_eq!(parsed(&["--mtu-up", "1300"]).link_mtu(), None);
        assert!(parsed(&[]).is_empty());
    }
}
