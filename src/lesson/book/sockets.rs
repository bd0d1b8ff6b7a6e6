//! Lessons 0 and 14: what a socket is, and how its calls wait.

use super::{CALL, Expect, Lesson, Question, Step, text};

pub(super) const WHAT_A_SOCKET_IS: Lesson = Lesson {
    title: text("What a socket is", "套接字是什么"),
    goal: text(
        "A socket is a file descriptor; a connection is four numbers: two addresses, two ports.",
        "套接字就是一个文件描述符；一个连接由四个数确定：两个地址和两个端口。",
    ),
    steps: &[
        Step {
            command: CALL,
            script: "s = socket\ns.fileno\ns.ls\n",
            look: text(
                "The kernel chooses the protocol when none is named. /proc shows the descriptor.",
                "没有指定协议时由内核选择。在 /proc 里可以看到这个描述符。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "Which number did socket() give back?",
                        "socket() 返回了哪个数？",
                    ),
                    answer: |out| out.number("socket", 1),
                    expect: Expect::Between(3, 20),
                },
                Question {
                    ask: text(
                        "Protocol 0 was asked for. Which protocol number did the kernel choose?",
                        "请求的协议是 0。内核选择的协议号是多少？",
                    ),
                    answer: |out| out.after("protocol ", " IPPROTO"),
                    expect: Expect::Is("6"),
                },
            ],
        },
        Step {
            command: CALL,
            script: "s = socket; s.bind 127.0.0.1:9000; s.listen 5\nc = socket; c.connect 127.0.0.1:9000\nd = s.accept\nc.name\nc.peer\nd.name\nd.peer\n",
            look: text(
                "Both ends name the same four numbers, each from its own side.",
                "两端说的是同样四个数，只是各从自己的角度。",
            ),
            questions: &[Question {
                ask: text(
                    "What is the server's port, as the client sees it (getpeername)?",
                    "客户端看到的服务器端口 (getpeername) 是多少？",
                ),
                answer: |out| {
                    let peer = out.number("getpeername", 1)?;
                    peer.rsplit_once(':').map(|(_, port)| port.to_owned())
                },
                expect: Expect::Is("9000"),
            }],
        },
    ],
    recap: text(
        "A TCP connection is known by its two socket addresses (RFC 9293 3.3.1); everything else is the kernel's memory behind a descriptor (socket(7)). Sockets came with BSD Unix and are nearly the same on every system; what these lessons use of Linux alone are network namespaces, abstract unix names and /proc.",
        "TCP 连接由两端的套接字地址确定 (RFC 9293 3.3.1)；其余都是描述符背后内核的记忆 (socket(7))。套接字随 BSD Unix 而来，在各种系统上几乎一样；这些课程里只有网络命名空间、抽象 unix 名字和 /proc 是 Linux 特有的。",
    ),
};

pub(super) const TIMEOUTS: Lesson = Lesson {
    title: text(
        "Timeouts, non-blocking sockets, connect_ex",
        "超时、非阻塞套接字与 connect_ex",
    ),
    goal: text(
        "A call can wait, wait for a while, or not at all; errno says which end of the wait came.",
        "一个调用可以一直等、等一段时间，或者完全不等；errno 说明等待是怎样结束的。",
    ),
    steps: &[
        Step {
            command: CALL,
            script: "s = socket; s.bind :9000; s.listen 5\nc = socket; c.blocking off\nc.connect_ex :9000\nsleep 0.1\nc.connect_ex :9000\nc.connect_ex :9000\ne = socket; e.connect_ex :9\n",
            look: text(
                "The same connect three times: begun, done, already connected. A closed port answers at once.",
                "同一个 connect 做三次：已开始、已完成、已经连接。关闭的端口会立刻回答。",
            ),
            questions: &[
                Question {
                    ask: text(
                        "Which number means that the handshake goes on (EINPROGRESS)?",
                        "哪个数表示握手正在进行 (EINPROGRESS)？",
                    ),
                    answer: |out| out.number("connect_ex", 1),
                    expect: Expect::Is("115"),
                },
                Question {
                    ask: text(
                        "Which number did the third connect_ex give (EISCONN)?",
                        "第三次 connect_ex 给出哪个数 (EISCONN)？",
                    ),
                    answer: |out| out.number("connect_ex", 3),
                    expect: Expect::Is("106"),
                },
                Question {
                    ask: text(
                        "And which one the connect_ex to a port where nobody listens?",
                        "对没有人监听的端口，connect_ex 给出哪个数？",
                    ),
                    answer: |out| out.number("connect_ex", 4),
                    expect: Expect::Is("111"),
                },
            ],
        },
        Step {
            command: super::CALL_ON,
            script: "s = socket; s.bind :9000; s.listen 5\nc = socket; c.connect :9000; d = s.accept\nd.timeout 0.5\nd.recv 10\nd.blocking off\nd.recv 10\n",
            look: text(
                "Both recv calls fail with the same errno. Look at the column of time.",
                "两个 recv 以同样的 errno 失败。看看时间一栏。",
            ),
            questions: &[Question {
                ask: text(
                    "Which error do both recv calls give?",
                    "两个 recv 都给出哪个错误？",
                ),
                answer: |out| {
                    out.error("recv", 2)
                        .filter(|second| Some(second) == out.error("recv", 1).as_ref())
                },
                expect: Expect::Is("EAGAIN"),
            }],
        },
    ],
    recap: text(
        "settimeout is poll(2) in front of a non-blocking call; EAGAIN means not now, EINPROGRESS means begun (connect(2), recv(2)).",
        "settimeout 就是在非阻塞调用之前加 poll(2)；EAGAIN 表示现在不行，EINPROGRESS 表示已经开始 (connect(2), recv(2))。",
    ),
};
