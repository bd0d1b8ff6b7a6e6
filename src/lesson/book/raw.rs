//! Lessons 8, 9 and 10: protocols of one's own, headers by hand, and who answers what.

use super::{CALL_ON, Expect, Lesson, Question, Step, text};

pub(super) const OWN_PROTOCOL: Lesson = Lesson {
    title: text(
        "Raw sockets: a protocol of your own",
        "原始套接字：自己的协议",
    ),
    goal: text(
        "A raw socket speaks any IP protocol; without one, the kernel says that nobody knows it.",
        "原始套接字可以说任何 IP 协议；没有它时，内核会说没有人认识这个协议。",
    ),
    steps: &[
        Step {
            command: CALL_ON,
            script: "s = socket inet raw 253; s.timeout 0.3\ns.sendto 127.0.0.1 'hello'\ns.recvfrom 100\nt = socket inet6 raw 253; t.timeout 0.3\nt.sendto ::1 'hello'\nt.recvfrom 100\n",
            look: text(
                "Five bytes are sent both times. IPv4 delivers them behind the IP header, IPv6 without.",
                "两次都发送五个字节。IPv4 连同 IP 头一起交付，IPv6 则不带头部。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "How many bytes did the IPv4 socket receive?",
                        "IPv4 套接字收到多少字节？",
                    ),
                    answer: |out| out.number("recvfrom", 1),
                    expect: Expect::Is("25"),
                },
                Question {
                    ask: text(
                        "How many did the IPv6 socket receive?",
                        "IPv6 套接字收到多少字节？",
                    ),
                    answer: |out| out.number("recvfrom", 2),
                    expect: Expect::Is("5"),
                },
            ],
        },
        Step {
            command: CALL_ON,
            script: "s = socket inet raw 253; s.timeout 0.3\ns.sendto 10.5.0.2 'hello'\ns.recvfrom 100\n",
            look: text(
                "On h2 no socket knows protocol 253. Its kernel says so by ICMP.",
                "h2 上没有套接字认识协议 253。它的内核用 ICMP 说明这一点。",
            ),
            questions: &[Question {
                ask: text(
                    "Which ICMP type and code came back? (type/code)",
                    "回来的 ICMP 类型和代码是什么？(类型/代码)",
                ),
                answer: |out| out.after("unreachable (", ")"),
                expect: Expect::Is("3/2"),
            }],
        },
    ],
    recap: text(
        "raw(7): IPv4 sockets receive the IP header, IPv6 ones do not (RFC 3542 3). RFC 1122 3.2.2.1: 3/2 is protocol unreachable. 253 and 254 are for experiments (RFC 3692).",
        "raw(7)：IPv4 套接字会收到 IP 头，IPv6 不会 (RFC 3542 3)。RFC 1122 3.2.2.1：3/2 表示协议不可达。253 和 254 供实验使用 (RFC 3692)。",
    ),
};

pub(super) const BY_HAND: Lesson = Lesson {
    title: text(
        "ICMP echo by hand: IP_HDRINCL",
        "手工构造 ICMP echo：IP_HDRINCL",
    ),
    goal: text(
        "You write the IP header; the kernel still writes four of its fields.",
        "IP 头由你来写；其中四个字段仍由内核来写。",
    ),
    steps: &[
        Step {
            command: &[
                "lab",
                "pair",
                "--",
                "ping",
                "--show-headers",
                "-c",
                "1",
                "10.5.0.2",
            ],
            script: "",
            look: text(
                "K marks what the kernel wrote. The table is a capture of the probe, not a claim.",
                "K 标出内核写的内容。这张表来自对探测包的抓取，不是断言。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "How many fields of the table did the kernel change?",
                        "表中有几个字段被内核改写？",
                    ),
                    answer: |out| out.count(&["  K ", "["]),
                    expect: Expect::Is("4"),
                },
                Question {
                    ask: text(
                        "What total length went out, in bytes?",
                        "发出的总长度是多少字节？",
                    ),
                    answer: |out| {
                        let row = out.lines().find(|line| line.contains("Total length"))?;
                        let (_, rest) = row.split_once("K ")?;
                        rest.split(' ').next().map(str::to_owned)
                    },
                    expect: Expect::Is("84"),
                },
            ],
        },
        Step {
            command: &[
                "lab",
                "pair",
                "--",
                "ping",
                "--show-headers",
                "--ip-id",
                "0x1111",
                "-c",
                "1",
                "10.5.0.2",
            ],
            script: "",
            look: text(
                "An identification that is not 0 is yours.",
                "不为 0 的标识由你决定。",
            ),
            questions: &[Question {
                ask: text(
                    "How many fields did the kernel change now?",
                    "现在内核改写了几个字段？",
                ),
                answer: |out| out.count(&["  K ", "["]),
                expect: Expect::Is("3"),
            }],
        },
    ],
    recap: text(
        "raw(7), IP_HDRINCL: total length and checksum are always filled in, identification and source where they are 0.",
        "raw(7) 的 IP_HDRINCL：总长度与校验和总由内核填写；标识与源地址为 0 时才填写。",
    ),
};

pub(super) const RESET: Lesson = Lesson {
    title: text(
        "Why the kernel resets a handshake made by hand",
        "为什么内核会复位手工的握手",
    ),
    goal: text(
        "The kernel owns the ports: it answers a SYN+ACK that it did not ask for.",
        "端口归内核所有：它没有请求过的 SYN+ACK，它会回答。",
    ),
    steps: &[
        Step {
            command: CALL_ON,
            // A SYN from port 40000 to 9000 with its checksum for 127.0.0.1.
            script: "s = socket; s.bind :9000; s.listen 5\nr = socket inet raw tcp\nr.sendto 127.0.0.1 '\\x9c\\x40\\x23\\x28\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x50\\x02\\x04\\x00\\xee\\x76\\x00\\x00'\nsleep 0.2\ns.timeout 0.3\ns.accept\n",
            look: text(
                "Our SYN goes out by hand. The SYN+ACK comes for a port that no socket has, and the kernel answers it with a reset.",
                "我们手工发出 SYN。回来的 SYN+ACK 指向一个没有套接字的端口，内核以复位回答。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "How many SYN+ACK ([S.]) are there?",
                        "有几个 SYN+ACK ([S.])？",
                    ),
                    answer: |out| out.count(&["IP ", "[S.]"]),
                    expect: Expect::Is("1"),
                },
                Question {
                    ask: text("How many resets ([R])?", "有几个复位 ([R])？"),
                    answer: |out| out.count(&["IP ", "[R]"]),
                    expect: Expect::Is("1"),
                },
                Question {
                    ask: text("Which error does accept give?", "accept 给出哪个错误？"),
                    answer: |out| out.error("accept", 1),
                    expect: Expect::Is("EAGAIN"),
                },
            ],
        },
        Step {
            command: &["lab", "pair", "--mute-rst"],
            // The same SYN, with its checksum for h1 and h2.
            script: "h2 call -k -c 's = socket; s.bind 10.5.0.2:9000; s.listen 5; s.timeout 2; s.accept' &\nh1 call -c 'sleep 0.5; r = socket inet raw tcp; r.sendto 10.5.0.2 \"\\x9c\\x40\\x23\\x28\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x50\\x02\\x04\\x00\\xd8\\x6c\\x00\\x00\"; sleep 2.5'\n",
            look: text(
                "The wire swallows the resets of h1's kernel. h2 never hears one, and sends its SYN+ACK again.",
                "线路吞掉 h1 内核的复位。h2 一个也没听到，于是重发 SYN+ACK。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "How many resets came in at h2 (<--, [R])?",
                        "h2 收到几个复位 (<--，[R])？",
                    ),
                    answer: |out| out.count(&["<-- IP 10.5.0.1", "[R]"]),
                    expect: Expect::Is("0"),
                },
                Question {
                    ask: text(
                        "How many SYN+ACK did h2 send (-->, [S.])?",
                        "h2 发出几个 SYN+ACK (-->，[S.])？",
                    ),
                    answer: |out| out.count(&["--> IP 10.5.0.2", "[S.]"]),
                    expect: Expect::Between(2, 6),
                },
            ],
        },
    ],
    recap: text(
        "RFC 9293 3.10.7.1: what belongs to no connection is reset. A handshake by hand lives only where these resets are kept off the wire: rawsock lab pair --mute-rst.",
        "RFC 9293 3.10.7.1：不属于任何连接的段会被复位。手工握手只有在复位不上线路时才能存活：rawsock lab pair --mute-rst。",
    ),
};
