//! Lessons 2, 3 and 5: no connection, nobody there, loss.

use super::{CALL, CALL_ON, Expect, Lesson, Question, Step, text};

pub(super) const NO_CONNECTION: Lesson = Lesson {
    title: text(
        "UDP: no accept, no connection",
        "UDP：没有 accept，没有连接",
    ),
    goal: text(
        "One socket serves all peers; each message names who sent it.",
        "一个套接字服务所有对端；每条消息都带着发送者。",
    ),
    steps: &[Step {
        command: CALL,
        script: "@b s = socket udp; s.bind :9000\n@a c = socket udp; c.sendto :9000 'hello'\n@b d, who = s.recvfrom 1024\n@b s.sendto who 'hello'\n@a c.recvfrom 1024\n",
        look: text(
            "No packet before the first message, none after the last. The server's descriptor is the same all the time.",
            "第一条消息之前没有数据包，最后一条之后也没有。服务器的描述符始终是同一个。",
        ),
        questions: &[
            Question {
                ask: text("How many packets were there in all?", "一共有几个数据包？"),
                answer: |out| out.count(&["IP ", "UDP "]),
                expect: Expect::Is("2"),
            },
            Question {
                ask: text("How many times was accept called?", "accept 被调用了几次？"),
                answer: |out| out.count(&[" accept("]),
                expect: Expect::Is("0"),
            },
        ],
    }],
    recap: text(
        "UDP adds two ports, a length and a checksum to IP (RFC 768), and nothing else: no order, no receipts.",
        "UDP 只在 IP 之上加了两个端口、长度与校验和 (RFC 768)，别的什么都没有：没有顺序，没有回执。",
    ),
};

pub(super) const WRONG_PROTOCOL: Lesson = Lesson {
    title: text(
        "The wrong protocol, or nobody there",
        "协议不对，或者没有人",
    ),
    goal: text(
        "TCP is refused by a reset, UDP by an ICMP message that not every socket hears.",
        "TCP 用复位拒绝，UDP 用 ICMP 消息拒绝，而且不是每个套接字都听得到。",
    ),
    steps: &[
        Step {
            command: CALL_ON,
            script: "u = socket udp; u.bind :9000\nc = socket; c.connect :9000\n",
            look: text(
                "A UDP socket has the port, but TCP's port 9000 is another one: nobody is there.",
                "UDP 套接字占着端口，但 TCP 的 9000 端口是另一个：那里没有人。",
            ),
            questions: &[Question {
                ask: text("Which error did connect give?", "connect 给出哪个错误？"),
                answer: |out| out.error("connect", 1),
                expect: Expect::Is("ECONNREFUSED"),
            }],
        },
        Step {
            command: CALL_ON,
            script: "s = socket; s.bind :9000; s.listen\nu = socket udp; u.timeout 0.5\nu.sendto :9000 'hello'\nu.recvfrom 100\nv = socket udp; v.timeout 0.5; v.connect :9000\nv.send 'hello'\nv.recv 100\n",
            look: text(
                "The same ICMP message comes back both times; only the connected socket tells its program.",
                "两次都回来同样的 ICMP 消息；只有已连接的套接字告诉程序。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "How many ICMP messages came back?",
                        "回来了几个 ICMP 消息？",
                    ),
                    answer: |out| out.count(&["IP ", ": ICMP port unreachable"]),
                    expect: Expect::Is("2"),
                },
                Question {
                    ask: text(
                        "Which error did the unconnected socket's recvfrom give?",
                        "未连接的套接字的 recvfrom 给出哪个错误？",
                    ),
                    answer: |out| out.error("recvfrom", 1),
                    expect: Expect::Is("EAGAIN"),
                },
                Question {
                    ask: text(
                        "And the connected one's recv?",
                        "已连接的套接字的 recv 呢？",
                    ),
                    answer: |out| out.error("recv", 1),
                    expect: Expect::Is("ECONNREFUSED"),
                },
            ],
        },
    ],
    recap: text(
        "RFC 9293 3.10.7.1: a segment for nobody is answered by a reset. RFC 1122 3.2.2.1: a datagram for nobody by ICMP 3/3. udp(7): an unconnected socket does not hear it.",
        "RFC 9293 3.10.7.1：没有人的段以复位回答。RFC 1122 3.2.2.1：没有人的数据报以 ICMP 3/3 回答。udp(7)：未连接的套接字听不到。",
    ),
};

pub(super) const LOSS: Lesson = Lesson {
    title: text(
        "UDP: loss, empty datagrams, overflow",
        "UDP：丢失、空数据报、溢出",
    ),
    goal: text(
        "Nothing is lost on the way here, and still most of it does not arrive.",
        "路上什么也没有丢，大部分却没有到达。",
    ),
    steps: &[
        Step {
            command: &[
                "lab",
                "pair",
                "--",
                "call",
                "--keep-going",
                "--trace",
                "calls",
                "-",
            ],
            script: "u = socket udp; u.bind :9000; u.set SO_RCVBUF 4096; u.timeout 0.1\nv = socket udp; v.connect :9000\nrepeat 1000 v.send @100\nrepeat 1000 u.recvfrom 2000\n",
            look: text(
                "1000 sends succeed. The receive buffer is small, and nobody read in time.",
                "1000 次 send 都成功。接收缓冲区很小，没有人及时去读。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "SO_RCVBUF was set to 4096. What does it read back as?",
                        "SO_RCVBUF 被设为 4096。读回来是多少？",
                    ),
                    answer: |out| out.number("getsockopt", 1),
                    expect: Expect::Is("8192"),
                },
                Question {
                    ask: text(
                        "How many of the 1000 datagrams were received?",
                        "1000 个数据报里收到了几个？",
                    ),
                    answer: |out| out.count(&[" recvfrom(", " from 127.0.0.1"]),
                    expect: Expect::Between(5, 40),
                },
            ],
        },
        Step {
            command: CALL,
            script: "u = socket udp; u.bind :9000\nv = socket udp; v.connect :9000\nv.send ''\nu.recvfrom 100\n",
            look: text(
                "An empty datagram is a packet like any other: a header without data.",
                "空数据报也是一个真正的数据包：只有头部，没有数据。",
            ),
            questions: &[Question {
                ask: text(
                    "How many packets did the empty send cause?",
                    "空的 send 引起了几个数据包？",
                ),
                answer: |out| out.packets("send", 1),
                expect: Expect::Is("1"),
            }],
        },
    ],
    recap: text(
        "UDP has no flow control: what finds the buffer full is thrown away and counted (socket(7), SO_RXQ_OVFL). The kernel doubles SO_RCVBUF for its own bookkeeping.",
        "UDP 没有流量控制：遇到缓冲区已满就被丢弃并计数 (socket(7), SO_RXQ_OVFL)。内核为自己的簿记把 SO_RCVBUF 加倍。",
    ),
};
