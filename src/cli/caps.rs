//! `rawsock caps`: what this process may do here, tried for real, and the command that allows it.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use serde_json::json;

use crate::error::{Env, Error, Hint};
use crate::privilege::{self, Right};
use crate::sys::clock::Clock;
use crate::view::escape::escape;

/// Show which rights this process has, and how to get the others
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Each right is tried for real in a child process. The exit code is the number of
rights among those that were asked for which are missing.

Examples:
  rawsock caps
  rawsock caps raw && echo 'raw sockets work'
  rawsock caps --json")]
pub struct Args {
    /// Rights to ask for; without any, all are shown and the exit code is 0
    pub rights: Vec<Right>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What became of one attempt.
struct Tried {
    right: Right,
    /// Why not, or how long it took.
    outcome: Result<Duration, (io::Error, Hint)>,
}

/// Tries the rights; gives the number of those that are missing.
pub fn run(args: &Args) -> Result<u8, Error> {
    let env = privilege::env();
    let mut rights = args.rights.clone();
    rights.sort_unstable();
    rights.dedup();
    if rights.is_empty() {
        rights = Right::ALL.to_vec();
    }
    let tried: Vec<Tried> = rights
        .iter()
        .map(|&right| {
            let clock = Clock::start();
            let outcome = match right.attempt() {
                Ok(()) => Ok(clock.mono().0),
                Err(error) => {
                    let hint = right.fix(&error, &env);
                    Err((error, hint))
                }
            };
            Tried { right, outcome }
        })
        .collect();
    let text = if args.json {
        render_json(&tried, &env)
    } else {
        render(&tried, &env)
    };
    super::print(text.as_bytes())?;
    if args.rights.is_empty() {
        return Ok(0);
    }
    let missing = tried.iter().filter(|tried| tried.outcome.is_err()).count();
    Ok(u8::try_from(missing).unwrap_or(u8::MAX))
}

/// Aligned text; the command that helps stands on a line of its own.
fn render(tried: &[Tried], env: &Env) -> String {
    let mut text = String::new();
    let mut line = |label: &str, answer: &str, rest: &str| {
        let line = format!(" {label:<18} {answer:<3} {}", escape(rest));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    };
    for Tried { right, outcome } in tried {
        match outcome {
            Ok(took) => line(
                right.label(),
                "yes",
                &format!("tried it: {:.1} ms", took.as_secs_f64() * 1e3),
            ),
            Err((_, hint)) => {
                let mut parts = [&hint.why, &hint.way].into_iter().filter(|s| !s.is_empty());
                line(right.label(), "no", parts.next().map_or("", String::as_str));
                for rest in parts.chain(&hint.command) {
                    line("", "", rest);
                }
            }
        }
    }
    for (label, part) in ["environment", ""].iter().zip(environment(env)) {
        line(label, "", &part);
    }
    text
}

/// Kernel and distribution, then what is between us and the machine.
fn environment(env: &Env) -> [String; 2] {
    let distro = env.distro.as_deref().unwrap_or("unknown distribution");
    let container = match &env.container {
        Some(kind) => format!("{kind} container"),
        None => "no container".to_owned(),
    };
    let namespace = if env.user_namespace {
        ", in a user namespace"
    } else {
        ""
    };
    [
        format!("Linux {}, {distro}", env.kernel),
        format!("{container}{namespace}"),
    ]
}

/// One object for each right, then one with all facts about the place.
fn render_json(tried: &[Tried], env: &Env) -> String {
    let mut text = String::new();
    for Tried { right, outcome } in tried {
        let (error, hint) = match outcome {
            Ok(_) => (None, None),
            Err((error, hint)) => (Some(error), Some(hint)),
        };
        let object = json!({
            "type": "right",
            "right": right,
            "works": outcome.is_ok(),
            "errno": error.and_then(io::Error::raw_os_error),
            "reason": hint.map(|hint| &hint.why),
            "command": hint.and_then(|hint| hint.command.as_ref()),
            "took_ms": outcome.as_ref().ok().map(|took| took.as_secs_f64() * 1e3),
        });
        let _ = writeln!(text, "{object}");
    }
    let mut environment = json!(env);
    if let Some(fields) = environment.as_object_mut() {
        fields.insert("type".into(), "environment".into());
    }
    let _ = writeln!(text, "{environment}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<Tried>, Env) {
        let env = Env {
            uid: 1000,
            net_raw_bound: true,
            exe: Some("/usr/local/bin/rawsock".into()),
            ping_group_range: Some((1, 0)),
            kernel: "6.18.1".into(),
            distro: Some("Debian GNU/Linux 12 (bookworm)".into()),
            ..Env::default()
        };
        let no = |right: Right, errno| {
            let error = io::Error::from_raw_os_error(errno);
            let hint = right.fix(&error, &env);
            Tried {
                right,
                outcome: Err((error, hint)),
            }
        };
        let tried = vec![
            no(Right::Dgram, libc::EACCES),
            no(Right::Raw, libc::EPERM),
            Tried {
                right: Right::Userns,
                outcome: Ok(Duration::from_micros(3040)),
            },
            no(Right::Ports, libc::EACCES),
            no(Right::Packet, libc::EAFNOSUPPORT),
        ];
        (tried, env)
    }

    #[test]
    fn text_is_aligned_and_fits_a_terminal() {
        let (tried, env) = sample();
        let expected = r#" ping without root  no  net.ipv4.ping_group_range is "1 0" (no group may)
                        allow ping sockets
                        sudo sysctl -w net.ipv4.ping_group_range="0 2147483647"
 raw sockets        no  CAP_NET_RAW is missing
                        allow this program raw sockets
                        sudo setcap cap_net_raw+ep /usr/local/bin/rawsock
 user namespaces    yes tried it: 3.0 ms
 ports below 1024   no  ports without a right begin at 1024
                        take one of those, or allow all
                        sudo sysctl -w net.ipv4.ip_unprivileged_port_start=0
 packet sockets     no  Address family not supported by protocol (os error 97)
 environment            Linux 6.18.1, Debian GNU/Linux 12 (bookworm)
                        no container
"#;
        let text = render(&tried, &env);
        assert_eq!(text, expected);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            let (label, reason) = line.split_at(24);
            assert!(label.ends_with(' ') && !reason.starts_with(' '), "{line}");
        }
    }

    #[test]
    fn json_has_one_object_a_line() {
        let (tried, env) = sample();
        let text = render_json(&tried, &env);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[1]["right"], "raw");
        assert_eq!(lines[1]["works"], false);
        assert_eq!(lines[1]["errno"], 1);
        assert_eq!(
            lines[1]["command"],
            "sudo setcap cap_net_raw+ep /usr/local/bin/rawsock"
        );
        assert_eq!(lines[2]["works"], true);
        assert_eq!(lines[2]["command"], serde_json::Value::Null);
        assert_eq!(lines[5]["type"], "environment");
        assert_eq!(lines[5]["kernel"], "6.18.1");
    }
}
