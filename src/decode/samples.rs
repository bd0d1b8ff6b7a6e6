//! Typical messages of the three control protocols: most of what ICMP, ICMPv6 and IGMP can say, in the
//! order of their types. Checksums are 0.

use super::Sample;

/// Of `icmp`.
pub(super) static ICMP: &[Sample] = &[
    Sample {
        name: "echo request or reply",
        bytes: &[8, 0, 0, 0, 0, 1, 0, 1],
    },
    Sample {
        name: "destination unreachable",
        bytes: &[
            3, 1, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 0x20, 0, 1, 0, 0, 1, 0x11, 0, 0, 0xc0, 0, 2, 1,
            0xc6, 0x33, 0x64, 1, 0xc3, 0x50, 0x80, 0, 0, 0x0c, 0, 0,
        ],
    },
    Sample {
        name: "fragmentation needed",
        bytes: &[
            3, 4, 0, 0, 0, 0, 5, 0x14, 0x45, 0, 0, 0x20, 0, 1, 0, 0, 1, 0x11, 0, 0, 0xc0, 0, 2, 1,
            0xc6, 0x33, 0x64, 1, 0xc3, 0x50, 0x80, 0, 0, 0x0c, 0, 0,
        ],
    },
    Sample {
        name: "redirect",
        bytes: &[
            5, 1, 0, 0, 0xc0, 0, 2, 1, 0x45, 0, 0, 0x20, 0, 1, 0, 0, 1, 0x11, 0, 0, 0xc0, 0, 2, 1,
            0xc6, 0x33, 0x64, 1, 0xc3, 0x50, 0x80, 0, 0, 0x0c, 0, 0,
        ],
    },
    Sample {
        name: "router advertisement",
        bytes: &[9, 0, 0, 0, 1, 2, 7, 8, 0xc0, 0, 2, 1, 0, 0, 0, 0],
    },
    Sample {
        name: "router solicitation",
        bytes: &[0x0a, 0, 0, 0, 0, 0, 0, 0],
    },
    Sample {
        name: "time exceeded",
        bytes: &[
            0x0b, 0, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 0x20, 0, 1, 0, 0, 1, 0x11, 0, 0, 0xc0, 0, 2, 1,
            0xc6, 0x33, 0x64, 1, 0xc3, 0x50, 0x80, 0, 0, 0x0c, 0, 0,
        ],
    },
    Sample {
        name: "parameter problem",
        bytes: &[
            0x0c, 0, 0, 0, 8, 0, 0, 0, 0x45, 0, 0, 0x20, 0, 1, 0, 0, 1, 0x11, 0, 0, 0xc0, 0, 2, 1,
            0xc6, 0x33, 0x64, 1, 0xc3, 0x50, 0x80, 0, 0, 0x0c, 0, 0,
        ],
    },
    Sample {
        name: "timestamp",
        bytes: &[
            0x0d, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    },
    Sample {
        name: "address mask",
        bytes: &[0x11, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0],
    },
    Sample {
        name: "extended echo request",
        bytes: &[
            0x2a, 0, 0, 0, 0, 1, 1, 1, 0x20, 0, 0xf4, 0xf7, 0, 8, 3, 1, 0x65, 0x74, 0x68, 0x30,
        ],
    },
    Sample {
        name: "extended echo reply",
        bytes: &[0x2b, 0, 0, 0, 0, 1, 1, 2],
    },
];

/// Of `icmpv6`.
pub(super) static ICMPV6: &[Sample] = &[
    Sample {
        name: "echo request or reply",
        bytes: &[0x80, 0, 0, 0, 0, 1, 0, 1],
    },
    Sample {
        name: "destination unreachable",
        bytes: &[
            1, 4, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 8, 0x11, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xc3,
            0x50, 0x80, 0, 0, 8, 0, 0,
        ],
    },
    Sample {
        name: "packet too big",
        bytes: &[
            2, 0, 0, 0, 0, 0, 5, 0, 0x60, 0, 0, 0, 0, 8, 0x11, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xc3,
            0x50, 0x80, 0, 0, 8, 0, 0,
        ],
    },
    Sample {
        name: "time exceeded",
        bytes: &[
            3, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 8, 0x11, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xc3,
            0x50, 0x80, 0, 0, 8, 0, 0,
        ],
    },
    Sample {
        name: "parameter problem",
        bytes: &[
            4, 1, 0, 0, 0, 0, 0, 6, 0x60, 0, 0, 0, 0, 8, 0x11, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xc3,
            0x50, 0x80, 0, 0, 8, 0, 0,
        ],
    },
    Sample {
        name: "multicast listener query",
        bytes: &[
            0x82, 0, 0, 0, 3, 0xe8, 0, 0, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb,
        ],
    },
    Sample {
        name: "multicast listener query v2",
        bytes: &[
            0x82, 0, 0, 0, 3, 0xe8, 0, 0, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb, 2,
            0x7d, 0, 1, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        ],
    },
    Sample {
        name: "multicast listener report v2",
        bytes: &[
            0x8f, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0xfb,
        ],
    },
    Sample {
        name: "router solicitation",
        bytes: &[0x85, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1],
    },
    Sample {
        name: "router advertisement",
        bytes: &[
            0x86, 0, 0, 0, 0x40, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0x40, 0xc0, 0, 0x27, 0x8d,
            0, 0, 9, 0x3a, 0x80, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0,
        ],
    },
    Sample {
        name: "neighbor solicitation",
        bytes: &[
            0x87, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
            1, 2, 0, 0, 0, 0, 1,
        ],
    },
    Sample {
        name: "neighbor advertisement",
        bytes: &[
            0x88, 0, 0, 0, 0x60, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            2, 1, 2, 0, 0, 0, 0, 1,
        ],
    },
    Sample {
        name: "redirect",
        bytes: &[
            0x89, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        ],
    },
    Sample {
        name: "extended echo request",
        bytes: &[
            0xa0, 0, 0, 0, 0, 1, 1, 1, 0x20, 0, 0xf4, 0xf7, 0, 8, 3, 1, 0x65, 0x74, 0x68, 0x30,
        ],
    },
    Sample {
        name: "extended echo reply",
        bytes: &[0xa1, 0, 0, 0, 0, 1, 1, 2],
    },
];

/// Of `igmp`.
pub(super) static IGMP: &[Sample] = &[
    Sample {
        name: "query v1",
        bytes: &[0x11, 0, 0, 0, 0xe0, 0, 0, 0xfb],
    },
    Sample {
        name: "query v2",
        bytes: &[0x11, 0x64, 0, 0, 0xe0, 0, 0, 0xfb],
    },
    Sample {
        name: "query v3",
        bytes: &[
            0x11, 0x18, 0, 0, 0xe0, 0, 0, 0xfb, 2, 0x7d, 0, 1, 0xc0, 0, 2, 1,
        ],
    },
    Sample {
        name: "query v3 with a long response time",
        bytes: &[0x11, 0x8f, 0, 0, 0, 0, 0, 0, 2, 0x7d, 0, 0],
    },
    Sample {
        name: "report v1",
        bytes: &[0x12, 0, 0, 0, 0xe0, 0, 0, 0xfb],
    },
    Sample {
        name: "report or leave v2",
        bytes: &[0x16, 0, 0, 0, 0xe0, 0, 0, 0xfb],
    },
    Sample {
        name: "report v3",
        bytes: &[
            0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 1, 0xe0, 0, 0, 0xfb, 0xc0, 0, 2, 1,
        ],
    },
    Sample {
        name: "version 0",
        bytes: &[
            5, 0, 0, 0, 0, 0, 0, 1, 0xe0, 0, 0, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    },
    Sample {
        name: "multicast router advertisement",
        bytes: &[0x30, 0x14, 0, 0, 0, 0x7d, 0, 2],
    },
    Sample {
        name: "trace query",
        bytes: &[
            0x1f, 0x20, 0, 0, 0xe0, 0, 0, 0xfb, 0xc0, 0, 2, 1, 0xc0, 0, 2, 2, 0xc0, 0, 2, 3, 0x40,
            0, 0, 1,
        ],
    },
];
