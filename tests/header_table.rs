//! The `--show-headers` table against golden files: crafted bytes as asked, and the same bytes with
//! what the kernel does to them.
//!
//! `RAWSOCK_BLESS=1 cargo test --test header_table` writes the files anew.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::path::Path;

use rawsock::craft::icmp::Echo;
use rawsock::craft::ipv4_options::Options;
use rawsock::craft::ipv6_ext::Extension;
use rawsock::craft::{ipv4, ipv6};
use rawsock::decode::{Decoder, Direction, Flags, Frame, LinkType};
use rawsock::event::{Stamp, Timestamp};
use rawsock::view::headers::{By, Headers};

fn frame(bytes: &[u8]) -> Frame<'_> {
    Frame {
        at: Timestamp::default(),
        stamp: Stamp::Kernel,
        iface: 0,
        link: LinkType::Raw,
        dir: Direction::Out,
        flags: Flags::default(),
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes,
    }
}

fn echo() -> Echo {
    Echo {
        ident: 4711,
        seq: 1,
        ..Echo::default()
    }
}

fn v4(header: &ipv4::Header) -> Vec<u8> {
    let mut out = Vec::new();
    header.craft(64, &mut out);
    echo().craft_v4(&[0x61; 56], &mut out).unwrap();
    out
}

fn v6(header: &ipv6::Header) -> Vec<u8> {
    let mut out = Vec::new();
    header.craft(64, &mut out);
    let (source, destination) = (header.source, header.destination);
    echo()
        .craft_v6(&[0x61; 56], source, destination, &mut out)
        .unwrap();
    out
}

fn compare(asked: &[u8], wire: &[u8]) -> Headers {
    Headers::compare(&Decoder::new(), &frame(asked), &frame(wire))
}

/// Compares with `tests/golden/headers/NAME.txt` and `.json`.
fn golden(name: &str, headers: &Headers) {
    let text = headers.text(1, false);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert_eq!(line, line.trim_end());
    }
    let mut json = headers
        .json(1, Timestamp(1_795_366_200_000_000_000))
        .unwrap();
    json.push('\n');
    for (extension, got) in [("txt", text), ("json", json)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/golden/headers/{name}.{extension}"));
        if std::env::var_os("RAWSOCK_BLESS").is_some() {
            std::fs::write(&path, &got).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(got, expected, "{}", path.display());
    }
}

/// What ping asks for by default.
fn default_header() -> ipv4::Header {
    ipv4::Header {
        total_length: Some(0),
        checksum: Some(0),
        df: true,
        destination: "10.0.0.2".parse().unwrap(),
        ..ipv4::Header::default()
    }
}

/// What the kernel makes of a header: true length and checksum, and a source.
fn kernel(header: &ipv4::Header) -> ipv4::Header {
    ipv4::Header {
        total_length: None,
        checksum: None,
        source: "10.0.0.1".parse().unwrap(),
        ..*header
    }
}

#[test]
fn defaults_show_length_checksum_and_source_of_the_kernel() {
    let asked = default_header();
    let headers = compare(&v4(&asked), &v4(&kernel(&asked)));
    golden("default", &headers);
    let kernels = headers.fields.iter().filter(|row| row.by == By::Kernel);
    let keys: Vec<_> = kernels.map(|row| row.key).collect();
    assert_eq!(keys, ["ip.len", "ip.checksum", "ip.src"]);
    assert!(headers.fields.iter().all(|row| row.by != By::Unknown));
}

#[test]
fn id_is_filled_in_where_df_is_clear() {
    let asked = ipv4::Header {
        df: false,
        ..default_header()
    };
    let sent = ipv4::Header {
        id: 0xd09b,
        ..kernel(&asked)
    };
    golden("id-filled", &compare(&v4(&asked), &v4(&sent)));
}

#[test]
fn everything_set_by_hand_stays() {
    let mut options = Options::default();
    options.router_alert(0).unwrap();
    options.record_route().unwrap_err();
    options.nop().unwrap();
    let asked = ipv4::Header {
        version: 4,
        tos: 46 << 2 | 3,
        total_length: Some(999),
        id: 0x1234,
        reserved: true,
        df: false,
        mf: true,
        fragment_offset: 7,
        ttl: 3,
        protocol: 253,
        checksum: Some(0xdead),
        source: "192.0.2.9".parse().unwrap(),
        options,
        ..default_header()
    };
    let sent = ipv4::Header {
        source: asked.source,
        ..kernel(&asked)
    };
    let headers = compare(&v4(&asked), &v4(&sent));
    golden("by-hand", &headers);
    let kernels = headers.fields.iter().filter(|row| row.by != By::You);
    assert_eq!(
        kernels.map(|row| row.key).collect::<Vec<_>>(),
        ["ip.len", "ip.checksum"]
    );
}

#[test]
fn what_no_rule_explains_is_marked() {
    let asked = default_header();
    let sent = ipv4::Header {
        ttl: 63,
        ..kernel(&asked)
    };
    let mut wire = v4(&sent);
    *wire.last_mut().unwrap() ^= 1;
    let headers = compare(&v4(&asked), &wire);
    golden("unknown", &headers);
    let row = headers
        .fields
        .iter()
        .find(|row| row.key == "ip.ttl")
        .unwrap();
    assert_eq!(row.by, By::Unknown);
    assert_eq!(headers.message_changed_at, Some(63));
}

#[test]
fn ipv6_goes_out_as_it_is() {
    let header = ipv6::Header {
        traffic_class: 0x2e,
        flow_label: 0xabcde,
        source: "fe80::5054:ff:fe12:3456".parse().unwrap(),
        destination: "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap(),
        extensions: vec![
            Extension::hop_by_hop(&[5, 2, 0, 0]).unwrap(),
            Extension::fragment(0, false, 77),
        ],
        ..ipv6::Header::default()
    };
    let packet = v6(&header);
    let headers = compare(&packet, &packet);
    golden("ipv6", &headers);
    assert!(headers.fields.iter().all(|row| row.by == By::You));
}

#[test]
fn any_bytes_make_a_table() {
    for len in 0..70_u8 {
        let junk: Vec<u8> = (0..len).map(|byte| byte.wrapping_mul(37) ^ 0x45).collect();
        let headers = compare(&junk, &v4(&default_header()));
        assert!(headers.text(1, true).lines().count() > 3);
        assert!(headers.json(1, Timestamp::default()).is_ok());
    }
}
