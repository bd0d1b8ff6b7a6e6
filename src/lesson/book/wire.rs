//! Lessons 11, 12 and 13: what happens between hosts.

use super::{Expect, Lesson, Question, Step, text};

pub(super) const WAITING: Lesson = Lesson {
    title: text(
        "Loss, retransmission, head-of-line blocking",
        "丢失、重传与队头阻塞",
    ),
    goal: text(
        "TCP repairs every loss, and everything behind it waits; UDP loses, and nothing waits.",
        "TCP 修复每次丢失，后面的都得等；UDP 会丢，但谁也不等。",
    ),
    steps: &[Step {
        command: &[
            "compare", "--over", "tcp,udp", "-n", "60", "-i", "20ms", "--delay", "10ms", "--loss",
            "10%", "--seed", "3",
        ],
        script: "",
        look: text(
            "Compare the two tables: first a wire that delivers everything, then one that loses a tenth each way.",
            "比较两张表：先是什么都送到的线路，然后是每个方向丢十分之一的线路。",
        ),
        questions: &[
            Question {
                ask: text(
                    "How many of TCP's messages were complete at the server on the lossy wire? (N of 60)",
                    "有丢失的线路上，TCP 有几条消息完整到达服务器？(N of 60)",
                ),
                answer: |out| out.cell("complete at the server", 1),
                expect: Expect::Is("60 of 60"),
            },
            Question {
                ask: text("How many of UDP's? (N of 60)", "UDP 呢？(N of 60)"),
                answer: |out| out.cell("complete at the server", 2),
                // Chance follows from the seed alone: the same frames are lost in every run.
                expect: Expect::Is("57 of 60"),
            },
            Question {
                ask: text("Who repaired UDP's losses?", "谁修复了 UDP 的丢失？"),
                answer: |out| out.cell("who repaired it", 2),
                expect: Expect::Is("nobody"),
            },
        ],
    }],
    recap: text(
        "RFC 6298: a lost segment is sent again after the retransmission timeout, 200 ms at least on Linux; what came after it is there, and the program must wait for it.",
        "RFC 6298：丢失的段在重传超时之后再发，Linux 上至少 200 毫秒；后面的数据已经到了，程序却必须等它。",
    ),
};

pub(super) const GROUPS: Lesson = Lesson {
    title: text(
        "IGMP: joining and leaving a group",
        "IGMP：加入和离开组播组",
    ),
    goal: text(
        "A host tells its network which groups it wants; nobody is asked for leave.",
        "主机告诉网络它想要哪些组；不需要任何人批准。",
    ),
    steps: &[Step {
        command: &["lab", "lan"],
        script: "h2 igmp join 239.1.2.3 --for 1500ms &\nh3 sniff -i eth0 --for 3s igmp\n",
        look: text(
            "h3 watches, h2 joins and leaves. TO_EX {} means all sources are wanted from now on, TO_IN {} none any more. 0.0.0.0 is the switch.",
            "h3 观察，h2 加入又离开。TO_EX {} 表示从现在起要所有来源，TO_IN {} 表示一个也不要了。0.0.0.0 是交换机。",
        ),
        questions: &[
            Question {
                ask: text(
                    "To which address does h2 (10.5.0.2) send its reports?",
                    "h2 (10.5.0.2) 把报告发往哪个地址？",
                ),
                answer: |out| out.after("IP 10.5.0.2 > ", ":"),
                expect: Expect::Is("224.0.0.22"),
            },
            Question {
                ask: text(
                    "How often did h2 say that it leaves (TO_IN)?",
                    "h2 说了几次离开 (TO_IN)？",
                ),
                answer: |out| out.count(&["IP 10.5.0.2", "TO_IN 239.1.2.3"]),
                expect: Expect::Between(1, 3),
            },
        ],
    }],
    recap: text(
        "RFC 3376 4.2 and 5.1: state changes are reported at once and repeated, since a report can be lost.",
        "RFC 3376 4.2 与 5.1：状态变化立即报告并重复，因为报告也可能丢失。",
    ),
};

pub(super) const HOPS: Lesson = Lesson {
    title: text("TTL, routers, MTU, fragments", "TTL、路由器、MTU 与分片"),
    goal: text(
        "Each router takes one from the TTL; a packet too large for a link is cut up, or refused with the size that fits.",
        "每个路由器把 TTL 减一；对链路太大的包会被分片，或者被拒绝并告知合适的大小。",
    ),
    steps: &[
        Step {
            command: &[
                "lab", "route", "--", "ping", "-c", "1", "-W", "1", "-t", "1", "h2",
            ],
            script: "",
            look: text(
                "The first router throws the probe away and says so: this is how traceroute works.",
                "第一个路由器丢弃探测包并说明：traceroute 就是这样工作的。",
            ),
            questions: &[Question {
                ask: text(
                    "Which address says that the time to live was exceeded?",
                    "哪个地址说生存时间超过了？",
                ),
                answer: |out| out.after("From ", " "),
                expect: Expect::Is("10.5.1.254"),
            }],
        },
        Step {
            command: &[
                "lab", "route", "--", "ping", "-c", "1", "-W", "1", "-t", "64", "h2",
            ],
            script: "",
            look: text(
                "The answer left h2 with TTL 64.",
                "回答离开 h2 时 TTL 为 64。",
            ),
            questions: &[Question {
                ask: text(
                    "With which TTL did the answer arrive?",
                    "回答到达时 TTL 是多少？",
                ),
                answer: |out| out.after("ttl=", " "),
                expect: Expect::Is("62"),
            }],
        },
        Step {
            command: &[
                "lab", "route", "--", "ping", "-c", "1", "-W", "1", "-s", "1400", "-M", "do", "h2",
            ],
            script: "",
            look: text(
                "Don't fragment is set, and the link between the routers takes less.",
                "设置了不分片，而路由器之间的链路容不下。",
            ),
            questions: &[Question {
                ask: text("Which MTU does the router name?", "路由器说 MTU 是多少？"),
                answer: |out| out.after("mtu = ", ")"),
                expect: Expect::Is("1300"),
            }],
        },
    ],
    recap: text(
        "RFC 791 3.2: TTL and fragments. RFC 792: 11/0 time exceeded, 3/4 fragmentation needed; RFC 1191: the router names the MTU.",
        "RFC 791 3.2：TTL 与分片。RFC 792：11/0 超时，3/4 需要分片；RFC 1191：路由器给出 MTU。",
    ),
};
