//! What is shown, counted and saved; damage; lost output.

use std::fs;

use crate::build::{Order, Pcap, Pcapng};
use crate::dir::Dir;
use crate::harness::Outcome;

crate::tests![
    lines_are_numbered_as_in_the_file,
    each_form_of_the_time,
    bytes_from_the_network_layer_on,
    names_directions_and_comments,
    json_is_a_line_an_object,
    count_and_max_packets,
    a_filter_chooses_and_numbers_stay,
    filters_that_are_wrong,
    a_condition_chooses_by_fields,
    colours_follow_the_fields,
    damage_shows_what_came_before_it_and_names_the_byte,
    a_damaged_file_does_not_stop_the_next_one,
    what_is_no_capture_is_said,
    pipes_and_gzip,
    lost_output_is_74_and_a_closed_pipe_is_quiet,
    options_that_need_each_other,
    no_control_bytes_whatever_the_file_says,
    claims_and_bombs_cost_no_memory,
    a_full_disk_leaves_whole_records: "unshare",
    files_are_limited_in_size_time_and_number,
];

fn pcap() -> Vec<u8> {
    Pcap::new(Order::Little, 0xa1b2_c3d4).packets()
}

fn pcapng() -> Vec<u8> {
    Pcapng::new().everything(Order::Big)
}

fn lines_are_numbered_as_in_the_file() -> Outcome {
    let dir = Dir::new("lines");
    dir.write("a.pcap", &pcap());
    let ran = dir.read(&["a.pcap"])?;
    assert_eq!((ran.code, &*ran.stderr), (0, INTRODUCED));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let arp = "ARP who has 10.5.0.2, tell 10.5.0.1";
    assert_eq!(lines[0], format!("    1  22:13:20.123456 {arp}"));
    assert_eq!(lines[1], format!("    2  06:28:15.999999 {arp}"));
    assert!(
        lines[2].starts_with("    3  22:13:21.000000 "),
        "{}",
        ran.stdout
    );
    // Each file counts its own.
    let ran = dir.read(&["a.pcap", "-r", "a.pcap", "-t"])?;
    let numbers: Vec<&str> = ran.stdout.lines().map(|line| &line[..7]).collect();
    assert_eq!(
        numbers,
        [
            "    1  ", "    2  ", "    3  ", "    1  ", "    2  ", "    3  "
        ]
    );
    Ok(())
}

const INTRODUCED: &str =
    "reading from file a.pcap, link-type EN10MB (Ethernet), snapshot length 0\n";

fn each_form_of_the_time() -> Outcome {
    let dir = Dir::new("time");
    dir.write("a.pcap", &pcap());
    let first = |flag: &str| -> Result<String, libtest_mimic::Failed> {
        let ran = dir.read(&["a.pcap", "-c", "1", flag])?;
        Ok(ran.stdout[7..]
            .split("ARP")
            .next()
            .unwrap_or_default()
            .into())
    };
    assert_eq!(first("-t")?, "");
    assert_eq!(first("-tt")?, "1700000000.123456 ");
    assert_eq!(first("-ttt")?, " 00:00:00.000000 ");
    assert_eq!(first("-tttt")?, "2023-11-14 22:13:20.123456 ");
    assert_eq!(first("--nano")?, "22:13:20.123456000 ");
    // Local time is the zone's, at the time of the packet: winter in New York.
    let mut command = dir.command(crate::dir::RAWSOCK, &["read", "a.pcap", "-tttt"]);
    let output = command.env("TZ", "EST5EDT,M3.2.0,M11.1.0").output()?;
    let text = String::from_utf8(output.stdout)?;
    assert!(
        text.starts_with("    1  2023-11-14 17:13:20.123456 "),
        "{text}"
    );
    Ok(())
}

fn bytes_from_the_network_layer_on() -> Outcome {
    let dir = Dir::new("bytes");
    dir.write("a.pcap", &pcap());
    let second = |flag: &str| -> Result<String, libtest_mimic::Failed> {
        let ran = dir.read(&["a.pcap", "-c", "2", "-t", flag])?;
        let start = ran.stdout.find("    2  ").ok_or("no second packet")?;
        Ok(ran.stdout[start..].into())
    };
    let x = second("-x")?;
    assert!(
        x.contains("\n\t0x0000:  0001 0800 0604 0001 0200 0a05 0001 0a05\n"),
        "{x}"
    );
    let xx = second("-xx")?;
    assert!(
        xx.contains("\n\t0x0000:  ffff ffff ffff 0200 0a05 0001 0806 0001\n"),
        "{xx}"
    );
    let big_x = second("-X")?;
    assert!(big_x.contains("0001 0a05  ................\n"), "{big_x}");
    let a = second("-A")?;
    // 10.5.0.1 and 10.5.0.2 hold line feeds, which stay.
    assert!(a.ends_with("1\n..........\n...\n.........\n...\n"), "{a:?}");
    Ok(())
}

fn names_directions_and_comments() -> Outcome {
    let dir = Dir::new("names");
    dir.write("a.pcapng", &pcapng());
    let ran = dir.read(&["a.pcapng", "-t"])?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[0].starts_with("    1  eth0 in ARP "),
        "{}",
        ran.stdout
    );
    assert!(
        lines[1].starts_with("    2  lo\\x1b[31m out ARP "),
        "{}",
        ran.stdout
    );
    let ran = dir.read(&["a.pcapng", "-tv", "-c", "1"])?;
    assert!(
        ran.stdout.contains("\nComment: one\nComment: two\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("\n    Operation: request"),
        "{}",
        ran.stdout
    );
    let ran = dir.read(&["a.pcapng", "--tree", "-c", "1"])?;
    assert!(
        ran.stdout.contains("{arp.opcode} [20..22]"),
        "{}",
        ran.stdout
    );
    Ok(())
}

fn json_is_a_line_an_object() -> Outcome {
    let dir = Dir::new("json");
    dir.write("a.pcapng", &pcapng()).write("b.pcap", &pcap());
    let ran = dir.read(&["a.pcapng", "-r", "b.pcap", "--json"])?;
    let objects: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!(objects.len(), 8);
    let first = &objects[0];
    assert_eq!(first["type"], "packet");
    assert_eq!(first["number"], 1);
    assert_eq!(first["time"], "2023-11-14T22:13:20.123456000Z");
    assert_eq!(first["interface"], "eth0");
    assert_eq!(first["file"], "a.pcapng");
    assert_eq!(first["direction"], "in");
    assert_eq!(
        (&first["wire_len"], &first["cap_len"]),
        (&1514.into(), &61.into())
    );
    assert_eq!(first["comments"], serde_json::json!(["one", "two"]));
    assert_eq!(first["layers"][0]["proto"], "eth");
    assert_eq!(first["layers"][0]["fields"]["eth.src"], "02:00:0a:05:00:01");
    assert_eq!(objects[1]["interface"], "lo\u{1b}[31m");
    assert_eq!(
        (&objects[5]["number"], &objects[5]["file"]),
        (&1.into(), &"b.pcap".into())
    );
    assert!(objects[5].get("interface").is_none());
    Ok(())
}

fn count_and_max_packets() -> Outcome {
    let dir = Dir::new("count");
    dir.write("a.pcap", &pcap()).write("b.pcapng", &pcapng());
    let ran = dir.read(&["a.pcap", "-r", "b.pcapng", "--count"])?;
    assert_eq!((ran.code, &*ran.stdout), (0, "8 packets\n"));
    let ran = dir.read(&["a.pcap", "-r", "b.pcapng", "--count", "-c", "4"])?;
    assert_eq!(ran.stdout, "4 packets\n");
    let ran = dir.read(&["a.pcap", "-c", "1"])?;
    assert_eq!(ran.stdout.lines().count(), 1);
    let ran = dir.read(&["a.pcap", "--max-packets", "0"])?;
    assert_eq!(ran.code, 2);
    // Saved, not shown, unless both are wanted.
    let ran = dir.read(&["a.pcap", "-c", "2", "-w", "out.pcapng"])?;
    assert_eq!((ran.code, &*ran.stdout), (0, ""));
    let ran = dir.read(&["out.pcapng", "--print", "-w", "again.pcap.gz"])?;
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 2));
    let ran = dir.read(&["again.pcap.gz", "--count"])?;
    assert_eq!(ran.stdout, "2 packets\n");
    Ok(())
}

fn a_filter_chooses_and_numbers_stay() -> Outcome {
    let dir = Dir::new("filter");
    dir.write("a.pcap", &pcap()).write("b.pcapng", &pcapng());
    let ran = dir.read(&["a.pcap", "-t", "arp", "and", "len < 100"])?;
    let numbers: Vec<&str> = ran.stdout.lines().map(|line| &line[..5]).collect();
    assert_eq!((ran.code, numbers), (0, vec!["    2"]), "{}", ran.stderr);
    // As tcpdump's users write it, and with the expression in a file.
    dir.write("expression", b"arp and greater 1000\n");
    for args in [
        &[
            "-r",
            "a.pcap",
            "-r",
            "b.pcapng",
            "arp and greater 1000",
            "--count",
        ][..],
        &["a.pcap", "-r", "b.pcapng", "-F", "expression", "--count"],
        &[
            "a.pcap", "arp", "and", "greater", "1000", "-r", "b.pcapng", "--count",
        ],
    ] {
        let ran = dir.read(args)?;
        assert_eq!(
            (ran.code, &*ran.stdout),
            (0, "2 packets\n"),
            "{args:?}: {}",
            ran.stderr
        );
    }
    // -c counts what was chosen; what was chosen is saved.
    let ran = dir.read(&["b.pcapng", "-c", "1", "inbound", "-w", "x.pcapng"])?;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = dir.read(&["x.pcapng", "--json"])?;
    let packet: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!(
        (&packet["direction"], &packet["interface"]),
        (&"in".into(), &"eth0".into())
    );
    Ok(())
}

fn colours_follow_the_fields() -> Outcome {
    let dir = Dir::new("colours");
    dir.write("a.pcap", &pcap());
    for flag in ["-x", "-xx", "-X", "-XX"] {
        let plain = dir.read(&["a.pcap", "-t", flag])?.stdout;
        assert!(!plain.contains('\x1b'), "a pipe gets no colours");
        let ran = dir.read(&["a.pcap", "-t", flag, "--color", "always"])?;
        let mut stripped = String::new();
        let mut rest = &*ran.stdout;
        while let Some((before, behind)) = rest.split_once('\x1b') {
            stripped.push_str(before);
            rest = behind.split_once('m').ok_or("an open sequence")?.1;
        }
        stripped.push_str(rest);
        assert_eq!(stripped, plain, "{flag}");
    }
    let ran = dir.read(&["a.pcap", "-c", "2", "-XX", "--color", "always"])?;
    // Destination, source and type of Ethernet by turns, then ARP in another colour; the same bytes
    // have the same colour in the text.
    let line = ran
        .stdout
        .lines()
        .filter(|line| line.contains("0x0000:"))
        .nth(1);
    let line = line.ok_or("no dump")?;
    let parts = [
        "\t0x0000:  \x1b[0;36mffff ffff ffff \x1b[0;36;1m0200 0a05 0001 \x1b[0;36m0806 ",
        "\x1b[0;33m0001  \x1b[0;36m......\x1b[0;36;1m......\x1b[0;36m..\x1b[0;33m..\x1b[0m",
    ];
    assert_eq!(line, parts.concat());
    Ok(())
}

fn a_condition_chooses_by_fields() -> Outcome {
    let dir = Dir::new("where");
    dir.write("a.pcap", &pcap()).write("b.pcapng", &pcapng());
    let ran = dir.read(&["a.pcap", "-t", "--where", "arp and frame.len < 100"])?;
    let numbers: Vec<&str> = ran.stdout.lines().map(|line| &line[..5]).collect();
    assert_eq!((ran.code, numbers), (0, vec!["    2"]), "{}", ran.stderr);
    // What is counted and saved are those chosen by filter and condition.
    let lo = "frame.interface_name contains \"lo\"";
    let ran = dir.read(&["b.pcapng", "--where", lo, "--count"])?;
    assert_eq!(ran.stdout, "1 packet\n", "{}", ran.stderr);
    let eth0 = "frame.interface_name == \"eth0\"";
    let ran = dir.read(&["b.pcapng", "-w", "c.pcap", "--where", eth0, "-c", "1"])?;
    assert_eq!((ran.code, &*ran.stdout), (0, ""), "{}", ran.stderr);
    let ran = dir.read(&["c.pcap", "--count", "arp", "--where", "arp.opcode == 1"])?;
    assert_eq!(ran.stdout, "1 packet\n");
    // A wrong one is told before a file is opened.
    let ran = dir.read(&["missing.pcap", "--where", "ip.src == 1 && arp.opcod == 1"])?;
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "rawsock: there is no field or protocol `arp.opcod`\n  \
         ip.src == 1 && arp.opcod == 1\n                 ^^^^^^^^^\n\n\
         hint: perhaps `arp.opcode` was meant\n"
    );
    Ok(())
}

fn filters_that_are_wrong() -> Outcome {
    let dir = Dir::new("wrong");
    dir.write("a.pcap", &pcap());
    let ran = dir.read(&["a.pcap", "tcp port", "nosuch"])?;
    assert_eq!((ran.code, &*ran.stdout), (2, ""));
    assert!(
        ran.stderr
            .contains("\n  tcp port nosuch\n           ^^^^^^\n"),
        "{}",
        ran.stderr
    );
    // A link type that cannot be filtered shows at its first packet.
    let mut other = pcap();
    other[20] = 105;
    dir.write("wifi.pcap", &other);
    let ran = dir.read(&["wifi.pcap", "tcp"])?;
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("packets of link type 105 cannot be filtered"),
        "{}",
        ran.stderr
    );
    let ran = dir.read(&["wifi.pcap", "--count"])?;
    assert_eq!((ran.code, &*ran.stdout), (0, "3 packets\n"));
    let ran = dir.read(&["a.pcap", "-F", "absent"])?;
    assert!(ran.code == 2 && ran.stderr.contains("cannot read absent: No such file"));
    Ok(())
}

fn damage_shows_what_came_before_it_and_names_the_byte() -> Outcome {
    let dir = Dir::new("damage");
    let mut bytes = pcap();
    dir.write("cut.pcap", &bytes[..bytes.len() - 1]);
    let last = bytes.len() - 16;
    bytes[last + 8..last + 12].copy_from_slice(&[0xff; 4]);
    dir.write("lie.pcap", &bytes);
    let ran = dir.read(&["lie.pcap"])?;
    assert_eq!((ran.code, ran.stdout.lines().count()), (1, 2));
    let told = format!(
        "cannot read lie.pcap: at byte {}: a packet claims 4294967295 captured bytes, more than \
         the 262144 that one may have",
        last + 8
    );
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    let ran = dir.read(&["cut.pcap", "--count"])?;
    assert_eq!((ran.code, &*ran.stdout), (1, "2 packets\n"));
    assert!(
        ran.stderr
            .contains("cut short, 16 bytes begin here and 15 are left")
    );
    // What was read is saved too.
    let ran = dir.read(&["lie.pcap", "-w", "out.pcap"])?;
    assert_eq!(ran.code, 1);
    assert_eq!(dir.read(&["out.pcap", "--count"])?.stdout, "2 packets\n");
    Ok(())
}

fn a_damaged_file_does_not_stop_the_next_one() -> Outcome {
    let dir = Dir::new("next");
    dir.write("bad.pcap", &pcap()[..70])
        .write("good.pcap", &pcap());
    let ran = dir.read(&["bad.pcap", "-r", "good.pcap", "-r", "bad.pcap", "--count"])?;
    assert_eq!((ran.code, &*ran.stdout), (1, "3 packets\n"));
    assert_eq!(ran.stderr.matches("cannot read bad.pcap").count(), 2);
    Ok(())
}

fn what_is_no_capture_is_said() -> Outcome {
    let dir = Dir::new("none");
    dir.write("text", b"hello, this is text")
        .write("empty", b"");
    let ran = dir.read(&["text"])?;
    assert_eq!(ran.code, 1);
    let told = "cannot read text: at byte 0: not a pcap or pcapng file, it begins with 68 65 6c 6c";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ran = dir.read(&["empty"])?;
    assert!(ran.code == 1 && ran.stderr.contains("at byte 0: the file is empty"));
    let ran = dir.read(&["absent"])?;
    assert!(ran.code == 2 && ran.stderr.contains("cannot open absent: No such file"));
    let ran = dir.read(&["."])?;
    assert!(ran.code == 2 && ran.stderr.contains("cannot open .: Is a directory"));
    let ran = dir.read(&["a\u{1b}[2Jb"])?;
    assert!(ran.stderr.contains("a\\x1b[2Jb") && !ran.stderr.contains('\u{1b}'));
    Ok(())
}

fn pipes_and_gzip() -> Outcome {
    let dir = Dir::new("pipes");
    dir.write("a.pcap", &pcap());
    let plain = dir.read(&["a.pcap"])?.stdout;
    let lines = [
        "$RAWSOCK read - <a.pcap",
        "cat a.pcap | $RAWSOCK read -",
        "gzip -c a.pcap | $RAWSOCK read -",
        "gzip -k a.pcap; $RAWSOCK read a.pcap.gz",
        "$RAWSOCK read a.pcap -w - | $RAWSOCK read -",
        "$RAWSOCK read a.pcap -w - --format pcapng | $RAWSOCK read -",
        "$RAWSOCK read <(cat a.pcap)",
    ];
    for line in lines {
        let ran = dir.shell(line)?;
        assert_eq!(
            (ran.code, ran.stdout),
            (0, plain.clone()),
            "{line}: {}",
            ran.stderr
        );
    }
    // A slow pipe: lines appear while it is open, and a signal ends it with the file whole.
    let ran = dir.shell(
        "mkfifo p; (cat a.pcap; sleep 20) >p & writer=$!
         $RAWSOCK read p -w out.pcap --print >shown & reader=$!
         for i in $(seq 200); do [ $(wc -l <shown) = 3 ] && break; sleep 0.05; done
         wc -l <shown; kill $reader; wait $reader; echo $?
         $RAWSOCK read out.pcap --count; kill $writer",
    )?;
    assert_eq!(ran.stdout, "3\n143\n3 packets\n", "{}", ran.stderr);
    Ok(())
}

fn lost_output_is_74_and_a_closed_pipe_is_quiet() -> Outcome {
    let dir = Dir::new("lost");
    dir.write("a.pcap", &pcap());
    for args in ["a.pcap", "a.pcap --json", "a.pcap --count", "a.pcap -w -"] {
        let ran = dir.shell(&format!("$RAWSOCK read {args} >/dev/full"))?;
        assert_eq!(ran.code, 74, "{args}: {}", ran.stderr);
        assert!(
            ran.stderr
                .contains("cannot write standard output: No space left"),
            "{args}"
        );
    }
    let many = "for i in $(seq 2000); do echo -r a.pcap; done";
    for args in ["", "--json", "-w -"] {
        let line = format!(
            "$RAWSOCK read a.pcap $({many}) {args} 2>err | head -c 100 >/dev/null
             echo ${{PIPESTATUS[0]}}; grep -v ^reading err"
        );
        let ran = dir.shell(&line)?;
        assert_eq!(ran.stdout, "0\n", "{args}");
    }
    Ok(())
}

fn options_that_need_each_other() -> Outcome {
    let dir = Dir::new("options");
    dir.write("a.pcap", &pcap());
    for args in [
        &[][..],
        &["a.pcap", "--force"],
        &["a.pcap", "--json", "--tree"],
        &["a.pcap", "--count", "-w", "x.pcap"],
    ] {
        assert_eq!(dir.read(args)?.code, 2, "{args:?}");
    }
    let ran = dir.read(&["a.pcap", "-w", "x.pcap"])?;
    assert_eq!(ran.code, 0);
    let ran = dir.read(&["a.pcap", "-w", "x.pcap"])?;
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("cannot create x.pcap: it exists"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("hint: --force"), "{}", ran.stderr);
    let ran = dir.read(&["a.pcap", "-w", "x.pcap", "--force", "-U"])?;
    assert_eq!(ran.code, 0);
    Ok(())
}

fn no_control_bytes_whatever_the_file_says() -> Outcome {
    let dir = Dir::new("control");
    let mut bytes = pcapng();
    // Hostile text in comments and payload.
    let at = bytes
        .windows(3)
        .position(|w| w == b"one")
        .ok_or("no comment")?;
    bytes[at..at + 3].copy_from_slice(b"\x1b[m");
    dir.write("a.pcapng", &bytes);
    let mut outputs = Vec::new();
    for flags in ["", "-v", "-vv", "--tree", "--json", "-X", "-A", "-xx", "-e"] {
        let mut args = vec!["a.pcapng"];
        args.extend(flags.split_whitespace());
        outputs.push((flags.to_owned(), dir.read(&args)?));
    }
    for at in (0..bytes.len()).step_by(3) {
        let mut mutant = bytes.clone();
        mutant[at] ^= 0x9b;
        dir.write("m.pcapng", &mutant);
        let flags = ["-vX", "--json"][at % 2];
        let ran = dir.read(&["m.pcapng", flags])?;
        assert!(matches!(ran.code, 0 | 1), "byte {at}: {ran:?}");
        outputs.push((format!("{flags}, byte {at}"), ran));
    }
    for (what, ran) in outputs {
        for text in [&ran.stdout, &ran.stderr] {
            let bad = |c: char| {
                (c.is_control() && c != '\n' && c != '\t') || ('\u{202a}'..='\u{202e}').contains(&c)
            };
            assert!(!text.contains(bad), "{what}: {text:?}");
        }
    }
    Ok(())
}

fn claims_and_bombs_cost_no_memory() -> Outcome {
    let dir = Dir::new("memory");
    // 24 bytes that claim nearly the longest block, and a record of nearly the longest packet.
    let mut claim = vec![0x0a, 0x0d, 0x0d, 0x0a];
    claim.extend((16_u32 << 20).to_le_bytes());
    claim.extend(0x1a2b_3c4d_u32.to_le_bytes());
    claim.extend([0; 12]);
    dir.write("claim.pcapng", &claim);
    // A pcap file whose records are all zero: 16 bytes each, unpacked from a thousandth.
    let mut zeros = pcap()[..24].to_vec();
    zeros.resize(24 + 16 * 1_000_000, 0);
    dir.write("zeros.pcap", &zeros);
    let ran = dir.shell(
        "gzip zeros.pcap; ulimit -v 60000
        $RAWSOCK read claim.pcapng; echo $?; $RAWSOCK read zeros.pcap.gz --count",
    )?;
    assert_eq!(ran.stdout, "1\n1000000 packets\n", "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("16777216 bytes begin here and 24 are left"),
        "{}",
        ran.stderr
    );
    Ok(())
}

/// A small tmpfs of our own: what is in the file is whole, the counts are true, the exit code 74.
fn a_full_disk_leaves_whole_records() -> Outcome {
    let dir = Dir::new("full");
    // Records of 100 random bytes, which do not pack: 200 KiB.
    let mut many = pcap()[..24].to_vec();
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..1800 {
        many.extend([0; 8]);
        many.extend(100_u32.to_le_bytes().repeat(2));
        many.extend(
            std::iter::repeat_with(|| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed.to_le_bytes()[0]
            })
            .take(100),
        );
    }
    dir.write("many.pcap", &many);
    std::fs::create_dir(dir.path("small"))?;
    for name in ["x.pcap", "x.pcapng", "x.pcap.gz", "x.pcapng.gz"] {
        let line = format!(
            "unshare --user --map-root-user --mount sh -c '
               mount -t tmpfs -o size=96k none small || exit 99
               $RAWSOCK read many.pcap -w small/{name} 2>err; echo $?
               $RAWSOCK read small/{name} --count; cat small/{name} >kept-{name}'"
        );
        let ran = dir.shell(&line)?;
        let lines: Vec<&str> = ran.stdout.lines().collect();
        let [code, count] = lines[..] else {
            return Err(format!("{name}: {ran:?}").into());
        };
        let told = fs::read_to_string(dir.path("err"))?;
        assert_eq!(code, "74", "{name}: {told}");
        assert!(told.contains("No space left on device"), "{name}: {told}");
        assert!(
            told.contains(&format!("{count} written to small/{name}, ")),
            "{name}: {told}"
        );
        // Read again without the small disk: whole to the last byte.
        let ran = dir.read(&[&format!("kept-{name}"), "--count"])?;
        assert_eq!(
            (ran.code, ran.stdout.trim_end()),
            (0, count),
            "{name}: {}",
            ran.stderr
        );
    }
    Ok(())
}

/// Names and packets of the files of a directory that begin so, in order.
fn listed(dir: &Dir, start: &str) -> Result<Vec<(String, usize)>, libtest_mimic::Failed> {
    let mut names: Vec<String> = fs::read_dir(dir.path("."))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, std::io::Error>>()?;
    names.retain(|name| name.starts_with(start));
    names.sort();
    let mut all = Vec::new();
    for name in names {
        let ran = dir.read(&[&name, "--count"])?;
        let count = ran.stdout.split(' ').next().unwrap_or_default().parse()?;
        fs::remove_file(dir.path(&name))?;
        all.push((name, count));
    }
    Ok(all)
}

fn files_are_limited_in_size_time_and_number() -> Outcome {
    let dir = Dir::new("rotate");
    // 100 packets of 984 bytes in 1000 of the file, ten in a second.
    let mut many = pcap()[..24].to_vec();
    for n in 0..100_u32 {
        many.extend((1_700_000_000 + n / 10).to_le_bytes());
        many.extend((n % 10 * 100_000).to_le_bytes());
        many.extend(984_u32.to_le_bytes().repeat(2));
        many.extend([7; 984]);
    }
    dir.write("many.pcap", &many);
    let run = |args: &[&str]| -> Outcome {
        let ran = dir.read(&[&["many.pcap"], args].concat())?;
        assert_eq!(
            (ran.code, &*ran.stdout),
            (0, ""),
            "{args:?}: {}",
            ran.stderr
        );
        Ok(())
    };
    let files = |list: &[(&str, usize)]| -> Vec<(String, usize)> {
        list.iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    };
    // A file never gets larger: 24 + 29 * 1000 fit into 30k, one more does not.
    run(&["-w", "x.pcap", "-C", "30k"])?;
    let expected = [
        ("x.pcap", 29),
        ("x.pcap1", 29),
        ("x.pcap2", 29),
        ("x.pcap3", 13),
    ];
    assert_eq!(listed(&dir, "x")?, files(&expected));
    // Only the newest are kept.
    run(&["-w", "x.pcap", "-C", "30k", "-W", "3"])?;
    let expected = [("x.pcap0", 13), ("x.pcap1", 29), ("x.pcap2", 29)];
    assert_eq!(listed(&dir, "x")?, files(&expected));
    // Periods begin with the first packet and do not drift.
    run(&["-w", "x-%M%S.pcapng", "-G", "4"])?;
    let expected = [
        ("x-1320.pcapng", 40),
        ("x-1324.pcapng", 40),
        ("x-1328.pcapng", 20),
    ];
    assert_eq!(listed(&dir, "x")?, files(&expected));
    // Both limits together; packed.
    run(&["-w", "x-%S.pcap.gz", "-G", "4", "-C", "30k"])?;
    let expected = [
        ("x-20.pcap.gz", 29),
        ("x-20.pcap.gz1", 11),
        ("x-24.pcap.gz", 29),
        ("x-24.pcap.gz1", 11),
        ("x-28.pcap.gz", 20),
    ];
    assert_eq!(listed(&dir, "x")?, files(&expected));
    // As many as were wanted, then it ends.
    run(&["-w", "x-%S", "-G", "2", "-W", "2"])?;
    assert_eq!(listed(&dir, "x")?, files(&[("x-20", 20), ("x-22", 20)]));
    // What is there is not overwritten, but what was written stays.
    dir.write("x.pcap1", b"precious");
    let ran = dir.read(&["many.pcap", "-w", "x.pcap", "-C", "30k"])?;
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("cannot create x.pcap1: it exists"),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read(dir.path("x.pcap1"))?, b"precious");
    assert_eq!(dir.read(&["x.pcap", "--count"])?.stdout, "29 packets\n");
    // A name cannot leave its directory, and only a rotation makes more files.
    for args in [
        &["-w", "%../../x", "-C", "1"][..],
        &["-w", "%D", "-G", "1"],
        &["-w", "-", "-G", "1"],
        &["-w", "y", "-W", "2"],
        &["-w", "y", "-C", "1", "--force"],
    ] {
        let ran = dir.read(&[&["many.pcap"], args].concat())?;
        assert_eq!(ran.code, 2, "{args:?}");
    }
    // Bytes of packets: the one that reaches the limit is the last.
    let ran = dir.read(&["many.pcap", "--count", "--max-bytes", "2k"])?;
    assert_eq!(ran.stdout, "3 packets\n");
    Ok(())
}
