//! The lab itself: hosts, cables, and that nothing stays behind.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use rawsock::lab::{Host, Lab, Netlink, Route, RouteKind, VethEnd};

use crate::frames::checksum;
use crate::harness::{Outcome, wait_for};
use crate::tap::Tap;

crate::tests![
    hosts_hear_each_other_over_v4_and_v6,
    commands_run_inside_their_host,
    links_go_down_and_up,
    mtu_is_kept,
    sysctls_are_the_hosts_own,
    neighbours_spare_the_question,
    errors_name_the_object,
    a_route_of_each_kind_gives_its_errno,
    a_dropped_host_takes_its_cable_along,
    a_killed_lab_leaves_nothing,
    a_lab_killed_at_any_moment_leaves_nothing,
    frames_on_the_cable_are_whole,
];

const SECOND: Duration = Duration::from_secs(1);

fn hosts_hear_each_other_over_v4_and_v6() -> Outcome {
    let lab = Lab::pair()?;
    let pairs: [(IpAddr, IpAddr); 2] = [
        (Lab::v4(1).into(), Lab::v4(2).into()),
        (Lab::v6(1).into(), Lab::v6(2).into()),
    ];
    for (from, to) in pairs {
        let receiver = lab.h2().run(|| UdpSocket::bind((to, 0)))??;
        receiver.set_read_timeout(Some(SECOND))?;
        let sender = lab.h1().run(|| UdpSocket::bind((from, 0)))??;
        sender.send_to(b"hello", receiver.local_addr()?)?;
        let mut bytes = [0; 16];
        let (count, peer) = receiver.recv_from(&mut bytes)?;
        assert_eq!(&bytes[..count], b"hello");
        assert_eq!(peer, sender.local_addr()?);
    }
    // TCP finds out whether checksums are whole.
    let listener = lab.h2().run(|| TcpListener::bind((Lab::v4(2), 0)))??;
    let port = listener.local_addr()?.port();
    let mut client = lab.h1().run(|| TcpStream::connect((Lab::v4(2), port)))??;
    client.write_all(b"one line\n")?;
    let mut line = String::new();
    BufReader::new(listener.accept()?.0).read_line(&mut line)?;
    assert_eq!(line, "one line\n");
    Ok(())
}

fn commands_run_inside_their_host() -> Outcome {
    let host = Host::new("h")?;
    let namespace = |command: &mut Command| -> Result<String, libtest_mimic::Failed> {
        let output = command.arg("/proc/self/ns/net").output()?;
        Ok(String::from_utf8(output.stdout)?)
    };
    let here = namespace(&mut Command::new("readlink"))?;
    let there = namespace(&mut host.command("readlink")?)?;
    assert!(here.starts_with("net:[") && there.starts_with("net:["));
    assert_ne!(here, there);
    let inside = host.run(|| std::fs::read_link("/proc/thread-self/ns/net"))??;
    assert_eq!(inside.to_str(), Some(there.trim_end()));
    Ok(())
}

fn links_go_down_and_up() -> Outcome {
    let lab = Lab::pair()?;
    let far = lab.h2().netlink();
    lab.h1().netlink().set_up("eth0", false)?;
    assert!(!lab.h1().netlink().link("eth0")?.up);
    wait_for("the far end loses its carrier", SECOND, || {
        far.link("eth0")
            .ok()
            .filter(|link| link.up && !link.running)
    })?;
    lab.h1().netlink().set_up("eth0", true)?;
    far.wait_running("eth0")?;
    Ok(())
}

fn mtu_is_kept() -> Outcome {
    let lab = Lab::pair()?;
    lab.h1().netlink().set_mtu("eth0", 1300)?;
    assert_eq!(lab.h1().netlink().link("eth0")?.mtu, 1300);
    assert_eq!(lab.h2().netlink().link("eth0")?.mtu, 1500);
    Ok(())
}

fn sysctls_are_the_hosts_own() -> Outcome {
    let (one, two) = (Host::new("one")?, Host::new("two")?);
    one.set_sysctl("net/ipv4/icmp_echo_ignore_all", "1")?;
    assert_eq!(one.sysctl("net/ipv4/icmp_echo_ignore_all")?, "1");
    assert_eq!(two.sysctl("net/ipv4/icmp_echo_ignore_all")?, "0");
    assert_eq!(one.sysctl("net/ipv6/conf/default/accept_dad")?, "0");
    Ok(())
}

fn neighbours_spare_the_question() -> Outcome {
    let lab = Lab::pair()?;
    lab.know_neighbours()?;
    let table = || std::fs::read_to_string("/proc/thread-self/net/arp");
    let table = lab.h1().run(table)??;
    let known = table.lines().find(|line| line.starts_with("10.5.0.2 "));
    let known = known.ok_or("no ARP entry for 10.5.0.2")?;
    // Flags 0x6: complete and permanent.
    assert!(
        known.contains("0x6") && known.contains("02:00:0a:05:00:02"),
        "{known}"
    );
    Ok(())
}

fn errors_name_the_object() -> Outcome {
    let host = Host::new("h")?;
    let error = host.netlink().set_up("eth7", true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot find link eth7: No such device (os error 19)"
    );
    let error = host.set_sysctl("net/ipv4/no_such_key", "1").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot write /proc/sys/net/ipv4/no_such_key: ")
    );
    let lo = "127.0.0.1".parse()?;
    let error = host.netlink().add_address("lo", lo, 8).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot add address 127.0.0.1/8 to lo: File exists")
    );
    let error = host.offloads_off("eth7").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("of eth7 in host h: No such device (os error 19)")
    );
    Ok(())
}

fn a_route_of_each_kind_gives_its_errno() -> Outcome {
    let lab = Lab::pair()?;
    let far: IpAddr = "192.0.2.1".parse()?;
    let send = || -> Option<i32> {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.send_to(b"x", (far, 9)).err()?.raw_os_error()
    };
    let netlink = lab.h1().netlink();
    // ip-route(8); checked on 6.18: KERNEL_FACTS' errno map holds for UDP too.
    for (kind, errno) in [
        (RouteKind::Prohibit, libc::EACCES),
        (RouteKind::Blackhole, libc::EINVAL),
        (RouteKind::Unreachable, libc::EHOSTUNREACH),
    ] {
        let route = Route::new((far, 32), kind);
        netlink.set_route(&route)?;
        assert_eq!(lab.h1().run(send)?, Some(errno), "{kind:?}");
        netlink.delete_route(&route)?;
    }
    assert_eq!(lab.h1().run(send)?, Some(libc::ENETUNREACH));
    netlink.set_route(&Route::default_via(Lab::v4(2).into()))?;
    assert_eq!(lab.h1().run(send)?, None);
    Ok(())
}

fn a_dropped_host_takes_its_cable_along() -> Outcome {
    let (near, far) = (Host::new("near")?, Host::new("far")?);
    add_cable(near.netlink(), &far)?;
    near.netlink().link("cable")?;
    drop(far);
    wait_for("the cable's near end goes", 10 * SECOND, || {
        near.netlink().link("cable").is_err().then_some(())
    })?;
    Ok(())
}

fn add_cable(near: &Netlink, far: &Host) -> Outcome {
    let mac = Lab::mac(1);
    let end = VethEnd { name: "cable", mac };
    let peer = VethEnd { name: "far", mac };
    near.add_veth(end, peer, far.namespace().as_fd())?;
    Ok(())
}

/// SAFETY.md's T18, by an observable fact: a cable between our host and one in a process that is
/// then killed goes when that process's namespaces go.
fn a_killed_lab_leaves_nothing() -> Outcome {
    let near = Host::new("near")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(HOLD).stdout(Stdio::piped());
    let mut child = near.spawn(&mut command)?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("no stdout")?;
    BufReader::new(stdout).read_line(&mut line)?;
    assert_eq!(line, "held\n");
    near.netlink().link("cable")?;
    child.kill()?;
    child.wait()?;
    wait_for("the cable's near end goes", 10 * SECOND, || {
        near.netlink().link("cable").is_err().then_some(())
    })?;
    Ok(())
}

fn a_lab_killed_at_any_moment_leaves_nothing() -> Outcome {
    let near = Host::new("near")?;
    let mut held = 0;
    for moment in 0..20 {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(HOLD).stdout(Stdio::piped());
        let mut child = near.spawn(&mut command)?;
        // A moment of its building, not an order of events: any will do.
        std::thread::sleep(Duration::from_millis(moment));
        child.kill()?;
        child.wait()?;
        let mut said = String::new();
        child
            .stdout
            .take()
            .ok_or("no stdout")?
            .read_to_string(&mut said)?;
        held += usize::from(said == "held\n");
        wait_for("the cable's near end goes", 10 * SECOND, || {
            near.netlink().link("cable").is_err().then_some(())
        })?;
    }
    assert!(held < 20, "no lab was killed while it was built");
    Ok(())
}

/// Without offloads: no segment above the MTU, every TCP checksum right as captured.
fn frames_on_the_cable_are_whole() -> Outcome {
    let lab = Lab::pair()?;
    let tap = Tap::start(lab.h2(), "eth0")?;
    let listener = lab.h2().run(|| TcpListener::bind((Lab::v4(2), 0)))??;
    let port = listener.local_addr()?.port();
    let mut client = lab.h1().run(|| TcpStream::connect((Lab::v4(2), port)))??;
    client.write_all(&vec![7; 40_000])?;
    drop(client);
    let mut received = Vec::new();
    listener.accept()?.0.read_to_end(&mut received)?;
    assert_eq!(received.len(), 40_000);
    // The capture runs behind: its last frame is the one with FIN.
    tap.wait_frame(|frame| frame.get(23) == Some(&6) && frame.get(47).is_some_and(|f| f & 1 == 1))?;
    let frames = tap.frames();
    let tcp = |frame: &&crate::tap::Seen| frame.bytes.get(23) == Some(&6) && !frame.outgoing;
    let segments: Vec<_> = frames.iter().filter(tcp).collect();
    assert!(segments.len() > 25, "{} segments", segments.len());
    for segment in segments {
        let bytes = &segment.bytes;
        assert!(bytes.len() <= 1514, "{} bytes", bytes.len());
        // The pseudo header of RFC 793 3.1; a right checksum sums up to zero.
        let length = u16::try_from(bytes.len() - 34)?.to_be_bytes();
        let sum = checksum(&[&bytes[26..34], &[0, 6], &length, &bytes[34..]]);
        assert_eq!(sum, 0, "{bytes:02x?}");
    }
    Ok(())
}

const HOLD: &str = "--hold-a-lab-until-killed";

/// The child of [`a_killed_lab_leaves_nothing`]: hosts, a cable into the namespace we were started
/// in, then silence, for at most a minute.
pub fn held_child(mut arguments: impl Iterator<Item = String>) -> Option<ExitCode> {
    if arguments.next()? != HOLD {
        return None;
    }
    let hold = || -> Outcome {
        let far = Host::new("far")?;
        let _pair = Lab::pair()?;
        add_cable(&Netlink::open()?, &far)?;
        let mut stdout = std::io::stdout();
        stdout.write_all(b"held\n")?;
        stdout.flush()?;
        std::thread::sleep(60 * SECOND);
        Ok(())
    };
    Some(if hold().is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
