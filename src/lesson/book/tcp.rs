//! Lessons 1, 4, 6 and 7: connections, streams, endings, the queue of a listener.

use super::{CALL, CALL_ON, Expect, Lesson, Question, Step, text};

pub(super) const HANDSHAKE: Lesson = Lesson {
    title: text("TCP: handshake, echo, close", "TCP：握手、回显、关闭"),
    goal: text(
        "See which call causes which packets.",
        "看清哪个调用引起哪些数据包。",
    ),
    steps: &[Step {
        command: CALL,
        script: "@b s = socket; s.bind :9000; s.listen 5\n@a c = socket; c.connect :9000\n@b d = s.accept\n@a c.send 'hello'\n@b d.recv 1024\n@b d.send 'hello'\n@a c.recv 1024\n@a c.close\n@b d.recv 1024\n@b d.close\n",
        look: text(
            "[S] is SYN, [S.] SYN+ACK, [.] ACK, [P.] data, [F.] FIN. accept() sends nothing: the handshake was over before it.",
            "[S] 是 SYN，[S.] 是 SYN+ACK，[.] 是 ACK，[P.] 是数据，[F.] 是 FIN。accept() 什么都不发：握手早已完成。",
        ),
        questions: &[
            Question {
                ask: text(
                    "How many packets did connect() cause?",
                    "connect() 引起了几个数据包？",
                ),
                answer: |out| out.packets("connect", 1),
                expect: Expect::Is("3"),
            },
            Question {
                ask: text("And how many did accept() cause?", "accept() 引起了几个？"),
                answer: |out| out.packets("accept", 1),
                expect: Expect::Is("0"),
            },
            Question {
                ask: text(
                    "After the client's close, what number does the server's recv give?",
                    "客户端关闭之后，服务器的 recv 返回什么数？",
                ),
                answer: |out| out.number("recv", 3),
                expect: Expect::Is("0"),
            },
            Question {
                ask: text(
                    "How many packets in all carried a FIN?",
                    "一共有几个数据包带有 FIN？",
                ),
                answer: |out| out.count(&["IP ", "[F.]"]),
                expect: Expect::Is("2"),
            },
        ],
    }],
    recap: text(
        "Three packets open a connection (RFC 9293 3.5), a FIN from each side closes it (3.6); the kernel does both, accept() only hands over what is finished.",
        "三个数据包建立连接 (RFC 9293 3.5)，双方各一个 FIN 关闭它 (3.6)；都由内核完成，accept() 只是交出已完成的连接。",
    ),
};

pub(super) const STICKY: Lesson = Lesson {
    title: text(
        "Sticky and half packets; cut characters",
        "粘包与半包；被切断的字符",
    ),
    goal: text(
        "TCP has no messages: only a stream of bytes. Datagrams have messages, and lose what does not fit.",
        "TCP 没有消息，只有字节流。数据报有消息，但装不下的部分会丢失。",
    ),
    steps: &[
        Step {
            command: CALL,
            script: "s = socket; s.bind :9000; s.listen\nc = socket; c.connect :9000; d = s.accept\nc.send 'one'; c.send 'two!'; c.send 'three'\nsleep 0.1\nd.recv 1024\nc.send '0123456789'\nsleep 0.1\nd.recv 4; d.recv 4; d.recv 4\n",
            look: text(
                "Each send was a packet of its own, and still one recv takes all. It is not Nagle: there are just no boundaries.",
                "每个 send 都是一个单独的数据包，一个 recv 却全部取走。这不是 Nagle 的缘故：流里本来就没有边界。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "Three sends of 3, 4 and 5 bytes: how many bytes did the first recv give?",
                        "三次 send 各 3、4、5 个字节：第一个 recv 给出多少字节？",
                    ),
                    answer: |out| out.number("recv", 1),
                    expect: Expect::Is("12"),
                },
                Question {
                    ask: text(
                        "One send of 10 bytes, read 4 at a time: how many bytes did the last recv give?",
                        "一次 send 10 个字节，每次读 4 个：最后一个 recv 给出多少字节？",
                    ),
                    answer: |out| out.number("recv", 4),
                    expect: Expect::Is("2"),
                },
            ],
        },
        Step {
            command: CALL_ON,
            script: "u = socket udp; u.bind :9000; u.timeout 0.2\nv = socket udp\nv.sendto :9000 '0123456789'\nu.recvfrom 4\nu.recvfrom 4\n",
            look: text(
                "The second recvfrom finds nothing: what did not fit is gone.",
                "第二个 recvfrom 什么也没有：装不下的已经没了。",
            ),
            questions: &[Question {
                ask: text(
                    "How many bytes of the datagram were cut off?",
                    "数据报被切掉了多少字节？",
                ),
                answer: |out| {
                    let result = out.result("recvfrom", 1)?;
                    let (_, rest) = result.split_once(", ")?;
                    rest.split(' ').next().map(str::to_owned)
                },
                expect: Expect::Is("6"),
            }],
        },
        Step {
            command: CALL,
            script: "s = socket; s.bind :9000; s.listen\nc = socket; c.connect :9000; d = s.accept\nc.send '你好'\nd.recv 4\nd.recv 4\n",
            look: text(
                "A character of three bytes is cut in the middle: decode only what is complete.",
                "三个字节的字符从中间被切开：只解码完整的部分。",
            ),
            questions: &[Question {
                ask: text(
                    "How many bytes did two Chinese characters become on the wire?",
                    "两个汉字在线路上成了多少字节？",
                ),
                answer: |out| out.number("send", 1),
                expect: Expect::Is("6"),
            }],
        },
    ],
    recap: text(
        "A stream needs framing of its own: a length in front, or a delimiter. RFC 9293 3.8 promises bytes in order and no boundaries; udp(7) cuts silently.",
        "流需要自己的分帧：前置长度，或分隔符。RFC 9293 3.8 只保证字节顺序，不保证边界；udp(7) 会默默截断。",
    ),
};

pub(super) const CLOSING: Lesson = Lesson {
    title: text(
        "Closing: EOF, half close, reset, broken pipe",
        "关闭：EOF、半关闭、复位、管道破裂",
    ),
    goal: text(
        "A direction can end alone; a reset ends everything.",
        "一个方向可以单独结束；复位则结束一切。",
    ),
    steps: &[
        Step {
            command: CALL_ON,
            script: "s = socket; s.bind :9000; s.listen\nc = socket; c.connect :9000; d = s.accept\nc.shutdown wr\nd.recv 10\nd.send 'still here'\nc.recv 100\nd.close\nc.send 'x'\n",
            look: text(
                "After shutdown(SHUT_WR) the client can still receive, but not send.",
                "shutdown(SHUT_WR) 之后客户端仍能接收，但不能发送。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "How many bytes did the client receive after it had closed its sending side?",
                        "客户端关闭发送方向之后，又收到了多少字节？",
                    ),
                    answer: |out| out.number("recv", 2),
                    expect: Expect::Is("10"),
                },
                Question {
                    ask: text(
                        "Which error did the client's last send give?",
                        "客户端最后一次 send 给出哪个错误？",
                    ),
                    answer: |out| out.error("send", 2),
                    expect: Expect::Is("EPIPE"),
                },
            ],
        },
        Step {
            command: CALL_ON,
            script: "s = socket; s.bind :9000; s.listen\nc = socket; c.connect :9000; d = s.accept\nc.set SO_LINGER 1,0\nc.close\nd.recv 10\n",
            look: text(
                "With a linger time of 0, close() throws the connection away: one packet, [R.].",
                "linger 时间为 0 时，close() 直接丢弃连接：只有一个数据包 [R.]。",
            ),
            questions: &[Question {
                ask: text(
                    "Which error does the other side's recv give?",
                    "另一端的 recv 给出哪个错误？",
                ),
                answer: |out| out.error("recv", 1),
                expect: Expect::Is("ECONNRESET"),
            }],
        },
    ],
    recap: text(
        "recv giving 0 means the peer's FIN (RFC 9293 3.6); a reset discards what is under way (3.10.7); writing afterwards is EPIPE (send(2)).",
        "recv 返回 0 表示收到对方的 FIN (RFC 9293 3.6)；复位丢弃在途的一切 (3.10.7)；之后再写就是 EPIPE (send(2))。",
    ),
};

pub(super) const BACKLOG: Lesson = Lesson {
    title: text(
        "listen(5): how many may wait",
        "listen(5)：允许几个连接排队",
    ),
    goal: text(
        "On Linux six connections fit a backlog of 5, and the seventh is not refused: its SYN is dropped.",
        "在 Linux 上 backlog 为 5 时可容纳六个连接；第七个不会被拒绝：它的 SYN 被丢弃。",
    ),
    steps: &[Step {
        command: CALL_ON,
        script: "s = socket; s.bind :9000; s.listen 5\nc1 = socket; c1.connect :9000\nc2 = socket; c2.connect :9000\nc3 = socket; c3.connect :9000\nc4 = socket; c4.connect :9000\nc5 = socket; c5.connect :9000\nc6 = socket; c6.connect :9000\nc7 = socket; c7.timeout 1.5; c7.connect :9000\n",
        look: text(
            "Nobody calls accept here. The last connect sends its SYN again after a second.",
            "这里没有人调用 accept。最后一个 connect 一秒后重发 SYN。",
        ),
        questions: &[
            Question {
                ask: text("How many connects succeeded?", "有几个 connect 成功了？"),
                answer: |out| {
                    let good =
                        (1..=7).filter(|nth| out.number("connect", *nth).as_deref() == Some("0"));
                    Some(good.count().to_string())
                },
                expect: Expect::Is("6"),
            },
            Question {
                ask: text(
                    "How many resets ([R.]) were sent?",
                    "发出了几个复位 ([R.])？",
                ),
                answer: |out| out.count(&["IP ", "[R"]),
                expect: Expect::Is("0"),
            },
        ],
    }],
    recap: text(
        "The backlog bounds finished connections that wait for accept, plus one (listen(2)); what does not fit is left to the client's retransmission.",
        "backlog 限制已完成而等待 accept 的连接数，再加一 (listen(2))；放不下的就留给客户端重传。",
    ),
};
