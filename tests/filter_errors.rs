//! What a wrong expression is told: message, carets and hint, as written down in
//! `filter/errors.txt`; and what is right though libpcap refuses it. With RAWSOCK_BLESS=1 the file is
//! written anew, to be read in the diff.

use std::fmt::Write as _;

use rawsock::filter::{Link, Options, Table, compile};

const EXPECTED: &str = include_str!("filter/errors.txt");

/// The expressions of the file: `LINK: EXPRESSION`, the answer indented below.
fn told(text: &str) -> String {
    let mut out = String::new();
    let names = Table::builtin();
    for line in text.lines().filter(|line| !line.starts_with("    ")) {
        let _ = writeln!(out, "{line}");
        let Some((link, expression)) = line.split_once(": ").filter(|_| !line.starts_with('#'))
        else {
            continue;
        };
        let link = Link::of_name(link).expect("a link type");
        let answer = match compile(expression, &Options::new(link), &names) {
            Ok(_) => "accepted".to_owned(),
            Err(fault) => {
                let hint = fault.hint.as_ref().map(|hint| format!("\nhint: {hint}"));
                let caret = fault.caret(expression);
                format!("{caret}\n{fault}{}", hint.unwrap_or_default())
            }
        };
        for line in answer.lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    out
}

#[test]
fn faults_are_told_as_written_down() {
    let told = told(EXPECTED);
    if std::env::var_os("RAWSOCK_BLESS").is_some_and(|v| v == "1") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/filter/errors.txt");
        std::fs::write(path, &told).expect("the file can be written");
        return;
    }
    for (told, expected) in told.lines().zip(EXPECTED.lines()) {
        assert_eq!(told, expected);
    }
    assert_eq!(told.lines().count(), EXPECTED.lines().count());
}

#[test]
fn nesting_and_length_have_limits() {
    let names = Table::builtin();
    let options = Options::new(Link::Ethernet);
    let fault = |text: &str| {
        let compiled = compile(text, &options, &names).map(|program| program.insns().len());
        compiled.expect_err("too much").message
    };
    let brackets = |n: usize| format!("{}ip{}", "(".repeat(n), ")".repeat(n));
    assert!(compile(&brackets(64), &options, &names).is_ok());
    assert!(fault(&brackets(65)).contains("64 brackets"));
    let sums = |n: usize| format!("ip[0]{} = 1", " + ip[1]".repeat(n));
    assert!(compile(&sums(250), &options, &names).is_ok());
    assert!(fault(&sums(300)).contains("256 operators"));
    let minus = format!("{}1 = 1", "-".repeat(100));
    assert!(fault(&minus).contains("64 brackets"));
    assert!(fault(&"ip or ".repeat(20_000)).contains("64 KiB"));
    let nots = format!("{}ip", "not ".repeat(10_000));
    assert!(compile(&nots, &options, &names).is_ok());
    let long = vec!["ip"; 10_000].join(" or ");
    assert!(compile(&long, &options, &names).is_ok());
    let mixed = vec!["tcp and udp port 53 or len > 5"; 1500].join(" and ");
    assert!(compile(&mixed, &options, &names).is_ok());
    let shifts = format!("{}ip[0]{} = 0", "1 << (".repeat(60), ")".repeat(60));
    assert!(fault(&shifts).contains("too large"));
    let right = format!("{}1{} = 0", "ip[0] - (".repeat(60), ")".repeat(60));
    assert!(compile(&right, &options, &names).is_ok());
    let deep = format!("ip{} = 0", "[ip".repeat(70));
    assert!(!fault(&deep).is_empty());
}

#[test]
fn hosts_without_a_resolver_are_refused_and_with_one_have_all_addresses() {
    struct Sundown(Table);
    impl rawsock::filter::Names for Sundown {
        fn service(&self, name: &str) -> Option<rawsock::filter::Service> {
            self.0.service(name)
        }
        fn protocol(&self, name: &str) -> Option<u8> {
            self.0.protocol(name)
        }
        fn network(&self, name: &str) -> Option<u32> {
            (name == "ucb").then_some(46)
        }
        fn ether(&self, name: &str) -> Option<[u8; 6]> {
            (name == "router").then_some([2, 0, 0, 0, 0, 9])
        }
        fn hosts(&self, name: &str) -> Result<Vec<std::net::IpAddr>, String> {
            let all = ["10.0.0.1", "10.0.0.2", "::1"];
            let parsed = all.iter().filter_map(|text| text.parse().ok());
            if name == "sundown" {
                return Ok(parsed.collect());
            }
            Err("not known".to_owned())
        }
    }
    let names = Sundown(Table::builtin());
    let options = Options::new(Link::Ethernet);
    for (name, meant) in [
        ("host sundown", "host 10.0.0.1 or host 10.0.0.2 or host ::1"),
        ("ip6 src host sundown", "ip6 src host ::1"),
        ("ip host sundown", "ip host 10.0.0.1 or 10.0.0.2"),
        ("net ucb", "net 46"),
        ("ether host router", "ether host 02:00:00:00:00:09"),
        ("ip proto \\tcp", "ip proto tcp"),
        ("port domain", "port 53"),
        ("port http", "tcp port 80"),
        ("portrange ftp-data-ftp", "tcp portrange 20-21"),
        ("udp port snmp-trap", "udp port 162"),
        ("dst port ntp", "udp dst port 123"),
    ] {
        let one = compile(name, &options, &names).expect(name);
        let other = compile(meant, &options, &names).expect(meant);
        assert_eq!(one.insns(), other.insns(), "{name}");
    }
    let fault = compile("src host moon", &options, &names).expect_err("unknown");
    assert_eq!(fault.message, "unknown host `moon`: not known");
}

#[test]
fn the_empty_expression_matches_everything() {
    let program = compile(" \t\n", &Options::new(Link::Raw), &Table::builtin());
    let program = program.expect("an empty filter is a filter");
    assert_eq!(program.insns().len(), 1);
    assert!(program.matches(&rawsock::filter::View::new(&[])));
}
