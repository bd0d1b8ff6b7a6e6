//! `rawsock ping` as text, beside iputils' ping on the same wire, and what its help promises.

use rawsock::lab::{Host, Lab};

use crate::harness::Outcome;
use crate::program::{RAWSOCK, Run, must, ping, run};
use crate::responder::{Mode, Responder};

crate::tests![
    text_is_that_of_iputils: "ping",
    misbehaviour_has_the_words_of_iputils: "ping",
    examples_of_the_help_work: "jq",
    header_table_shows_what_the_kernel_does,
    header_table_of_ipv6_shows_no_change,
];

/// Numbers that differ from run to run become `#`; our own lines go.
fn plain(run: &Run) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in run.stdout.lines() {
        if line.starts_with("--- ") {
            // Our lines stand directly before the statistics, behind an empty line or, in a flood,
            // behind the dots.
            let own = lines.iter().position(|line| line.starts_with("p50/"));
            let empty = lines.iter().rposition(String::is_empty).map(|at| at + 1);
            lines.truncate(own.or(empty).unwrap_or(lines.len()));
        }
        // What iputils keeps to itself.
        let own = ["no answer for ", "no answers: "]
            .iter()
            .any(|own| line.starts_with(own));
        if !own {
            lines.push(numbers_hidden(line));
        }
    }
    lines.join("\n")
}

fn numbers_hidden(line: &str) -> String {
    let mut line = line.to_owned();
    for mark in ["time=", "time ", "mdev = ", "ipg/ewma "] {
        if let Some(at) = line.find(mark) {
            let (head, tail) = line.split_at(at + mark.len());
            let end = tail.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '/');
            line = format!("{head}#{}", &tail[end.unwrap_or(tail.len())..]);
        }
    }
    if line.starts_with('[') {
        line = line
            .split_once(']')
            .map_or(line.clone(), |(_, rest)| format!("[#]{rest}"));
    }
    line
}

fn text_is_that_of_iputils() -> Outcome {
    let lab = Lab::pair()?;
    for line in [
        "-c2 -i0.01 10.5.0.2",
        "-c2 -i0.01 fd00:5::2",
        "-c2 -i0.01 -n 10.5.0.2",
        "-c1 -4 -n localhost",
        "-c1 -4 localhost",
        "-c3 -i0.01 -q 10.5.0.2",
        "-c2 -i0.01 -D 10.5.0.2",
        "-c2 -i0.01 -O 10.5.0.2",
        "-c1 -a 10.5.0.2",
        "-c1 -I eth0 10.5.0.2",
        "-c1 -I 10.5.0.1 10.5.0.2",
        "-c1 -I eth0 fd00:5::2",
        "-c1 -I eth0 -I 10.5.0.1 10.5.0.2",
        "-c1 -s 16 10.5.0.2",
        "-c1 -s 1000 10.5.0.2",
        "-c1 -s 4000 10.5.0.2",
        "-c1 -s 4000 fd00:5::2",
        "-c1 -s 65507 10.5.0.2",
        "-c1 -p ff00 10.5.0.2",
        "-c1 -t 9 -Q 0x10 -e 77 10.5.0.2",
        "-c1 -F 0x12345 fd00:5::2",
        "-c5 -f 10.5.0.2",
        "-c5 -A 10.5.0.2",
        "-c3 -l3 10.5.0.2",
        "-c1 -R 10.5.0.2",
        "-c2 -i0.01 -W0.3 10.5.0.77",
        "-c1 -b -W0.3 10.5.0.255",
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let theirs = run(lab.h1(), "ping", &args)?;
        let ours = ping(lab.h1(), &args)?;
        let (expected, got) = (plain(&theirs), plain(&ours));
        // A record of the route starts at the first router with a header of our own, and iputils'
        // kernel writes itself in first.
        let same = if line.contains("-R") {
            expected.contains("RR: \t")
                && got.contains("RR: \t10.5.0.2\n\t10.5.0.2\n\t10.5.0.1\n\n")
        } else if line.contains("-l3") {
            // How many are under way at once is a race.
            expected.lines().take(5).eq(got.lines().take(5))
        } else if line.contains("-f") || line.contains("-A") {
            // On a busy machine iputils overtakes its own answers.
            paced(&expected).eq(paced(&got))
        } else {
            expected == got
        };
        if !same {
            return Err(format!("{line}\n-- iputils:\n{expected}\n-- ours:\n{got}\n{ours}").into());
        }
        assert_eq!(theirs.code(), ours.code(), "{line}: {ours}");
    }
    Ok(())
}

/// The lines without what depends on how many probes are under way at once.
fn paced(text: &str) -> impl Iterator<Item = String> {
    let dots = |line: &&str| line.trim_matches(['.', ' ', '\u{8}']).is_empty() && !line.is_empty();
    text.lines().filter(move |line| !dots(line)).map(|line| {
        let (before, after) = line.split_once(", pipe ").unwrap_or((line, ""));
        before.to_owned() + after.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

fn misbehaviour_has_the_words_of_iputils() -> Outcome {
    let lab = Lab::pair()?;
    for mode in [
        Mode::Times(2),
        Mode::From("10.5.0.7".parse()?),
        Mode::Truncated(8),
        Mode::Flip(30),
        Mode::error(3, 0, [0; 4]),
        Mode::error(3, 1, [0; 4]),
        Mode::error(3, 4, [0, 0, 5, 20]),
        Mode::error(3, 13, [0; 4]),
        Mode::error(4, 0, [0; 4]),
        Mode::error(5, 1, [10, 5, 0, 9]),
        Mode::error(11, 0, [0; 4]),
        Mode::error(11, 1, [0; 4]),
        Mode::error(12, 0, [5, 0, 0, 0]),
    ] {
        let _responder = Responder::start(lab.h2(), mode.clone())?;
        let args = ["-c1", "-W0.3", "10.5.0.2"];
        let theirs = run(lab.h1(), "ping", &args)?;
        let ours = ping(lab.h1(), &args)?;
        for words in [
            "From ",
            "wrong data byte",
            "(DUP!)",
            "(DIFFERENT ADDRESS!)",
            "(truncated)",
        ] {
            let lines = |run: &Run| -> Vec<String> {
                let found = run.stdout.lines().filter(|line| line.contains(words));
                if words.starts_with('(') {
                    found.map(|_| words.to_owned()).collect()
                } else {
                    found.map(str::to_owned).collect()
                }
            };
            // The error queue that iputils reads leaves some messages out; ours are all there.
            let mut expected = lines(&theirs).into_iter();
            let ours_has = |line: String| lines(&ours).contains(&line);
            assert!(expected.all(ours_has), "{mode:?} {words}\n{ours}\n{theirs}");
        }
    }
    Ok(())
}

/// A shell in a host where `rawsock` is on PATH.
fn shell(host: &Host, script: &str) -> Result<Run, libtest_mimic::Failed> {
    let directory = RAWSOCK
        .rsplit_once('/')
        .map_or(".", |(directory, _)| directory);
    let script = format!("set -o pipefail; PATH={directory}:$PATH; {script}");
    run(host, "bash", &["-c", &script])
}

fn examples_of_the_help_work() -> Outcome {
    let lab = Lab::pair()?;
    let help = must(lab.h1(), RAWSOCK, &["ping", "--help"])?;
    let examples = help
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("    rawsock ping "));
    let mut count = 0;
    for example in examples {
        let endless = !example.contains("-c ") && !example.contains("--until");
        let script = if endless {
            format!("timeout -s INT 1 rawsock ping {example}; test $? = 124")
        } else {
            format!("rawsock ping {example}")
        };
        let run = shell(lab.h1(), &script)?;
        assert!(run.status.success(), "{example}: {run}");
        assert!(!run.stdout.is_empty(), "{example}: {run}");
        count += 1;
    }
    assert!(count >= 8, "{count} examples in {}", help.stdout);
    Ok(())
}

/// Field, as asked, mark and what follows, of each row of the table.
fn rows(run: &Run) -> Vec<String> {
    let rows = run
        .stdout
        .lines()
        .skip_while(|line| !line.contains("HDRINCL"));
    let rows = rows.skip(3).take_while(|line| !line.is_empty());
    rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn header_table_shows_what_the_kernel_does() -> Outcome {
    let lab = Lab::pair()?;
    let run = ping(lab.h1(), &["-c1", "--show-headers", "10.5.0.2"])?;
    let table = rows(&run);
    let has = |row: &str| {
        assert!(
            table.iter().any(|line| line.starts_with(row)),
            "{row}: {run}"
        );
    };
    has("0 Version 4 = 4");
    has("2-3 Total length 0 bytes K 84 bytes [1] always overwritten");
    has("4-5 Identification 0x0000 K 0x");
    has("6 Don't fragment not set = not set");
    has("10-11 Header checksum 0x0000 K 0x");
    has("12-15 Source 0.0.0.0 K 10.5.0.1");
    has("16-19 Destination 10.5.0.2 = 10.5.0.2");
    assert!(!run.stdout.contains(" ! "), "{run}");
    let table_at = run.stdout.find("HDRINCL");
    assert!(table_at < run.stdout.find("bytes from"), "{run}");

    let args = [
        "-c1",
        "--show-headers",
        "-W0.2",
        "--df=0",
        "--ip-id",
        "0",
        "--ttl",
        "7",
        "--dscp",
        "ef",
        "--ip-length",
        "999",
        "--ip-checksum",
        "0xdead",
        "--source",
        "10.5.0.9",
        "--spoof",
        "10.5.0.2",
    ];
    let run = ping(lab.h1(), &args)?;
    let table = rows(&run);
    let has = |row: &str| {
        assert!(
            table.iter().any(|line| line.starts_with(row)),
            "{row}: {run}"
        );
    };
    has("1 DSCP EF (46) = EF (46)");
    has("2-3 Total length 999 bytes K 84 bytes");
    has("4-5 Identification 0x0000 K 0x");
    has("8 Time to live 7 = 7");
    has("10-11 Header checksum 0xdead K 0x");
    has("12-15 Source 10.5.0.9 = 10.5.0.9");
    assert!(!run.stdout.contains(" ! "), "{run}");

    let run = ping(lab.h1(), &["-c1", "--show-headers", "--df", "10.5.0.2"])?;
    assert!(
        run.stdout.contains("= 0x0000 [2] 0 stays: DF is set"),
        "{run}"
    );

    let run = ping(lab.h1(), &["-c1", "--show-headers", "--json", "10.5.0.2"])?;
    let headers = run.of_type("headers")?;
    assert_eq!(headers.len(), 1, "{run}");
    let fields = headers[0]["fields"].as_array().ok_or("no fields")?;
    let length = fields
        .iter()
        .find(|field| field["key"] == "ip.len")
        .ok_or("no ip.len")?;
    assert_eq!(
        (&length["asked"]["value"], &length["wire"]["value"]),
        (&0.into(), &84.into())
    );
    assert_eq!(length["by"], "kernel");
    Ok(())
}

fn header_table_of_ipv6_shows_no_change() -> Outcome {
    let lab = Lab::pair()?;
    let args = [
        "-c1",
        "--show-headers",
        "-F",
        "0xabcde",
        "--hop-by-hop",
        "ra",
        "fd00:5::2",
    ];
    let run = ping(lab.h1(), &args)?;
    let table = rows(&run);
    let has = |row: &str| assert!(table.iter().any(|line| line == row), "{row}: {run}");
    has("1-3 Flow label 0xabcde = 0xabcde");
    has("8-23 Source fd00:5::1 = fd00:5::1");
    has("42-45 Option router alert (5) = router alert (5)");
    assert!(
        run.stdout
            .contains("IPV6_HDRINCL the kernel changes nothing"),
        "{run}"
    );
    assert!(
        run.stdout
            .contains("then 64 bytes of ICMP message, as you asked"),
        "{run}"
    );
    Ok(())
}
