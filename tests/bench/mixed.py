#!/usr/bin/env python3
"""Writes a pcap file of mixed traffic for tests/bench/read.sh: mixed.py COUNT FILE.

TCP with time stamps, UDP, DNS, ICMP echo, ARP, IPv6, NDP, IGMP and VLAN tags, all checksums right,
270 bytes a packet on average. 4,000 different packets from a fixed seed, repeated with other times,
so that every run and every machine reads the same file.
"""

import ipaddress
import random
import struct
import sys

DIFFERENT = 4000
rng = random.Random(5)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def put(data, at, value):
    return data[:at] + struct.pack("!H", value) + data[at + 2 :]


def addresses(v6):
    if v6:
        net = ipaddress.ip_address("2001:db8::").packed[:14]
        return net + struct.pack("!H", rng.randrange(512)), net + struct.pack("!H", 0x8000 + rng.randrange(64))
    return bytes([10, 0, rng.randrange(4), rng.randrange(256)]), bytes([192, 168, 8, rng.randrange(256)])


def transport(protocol, message, at, source, destination):
    """The message with its checksum at `at`, over the pseudo header."""
    pseudo = source + destination + struct.pack("!II", len(message), protocol)
    return put(message, at, checksum(pseudo + message) or 0xFFFF)


def network(protocol, message, source, destination, hops=64, options=b""):
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28 | rng.getrandbits(20), len(message), protocol, hops) + source + destination + message
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(message), rng.getrandbits(16), 0x4000, hops, protocol, 0)
    head += source + destination + options
    return put(head, 10, checksum(head)) + message


def tcp(v6):
    source, destination = addresses(v6)
    size = rng.choices([0, rng.randrange(1, 200), rng.randrange(200, 1000), 1448], [45, 30, 15, 10])[0]
    flags = rng.choices([0x10, 0x18, 0x11], [60, 35, 5])[0]
    options = b"\x01\x01\x08\x0a" + rng.randbytes(8)
    if rng.random() < 0.05:
        flags, size = rng.choice([0x02, 0x12]), 0
        options = b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + rng.randbytes(8) + b"\x01\x03\x03\x07"
    ports = rng.randrange(32768, 61000), rng.choice([22, 5001, 8444, 9090])
    head = struct.pack("!HHIIBBHHH", *ports, rng.getrandbits(32), rng.getrandbits(32), (5 + len(options) // 4) << 4, flags, rng.randrange(200, 65536), 0, 0)
    return network(6, transport(6, head + options + rng.randbytes(size), 16, source, destination), source, destination)


def udp(v6, port=None, data=None):
    source, destination = addresses(v6)
    if data is None:
        data = rng.randbytes(rng.choice([8, 30, 120, 400, 1200]))
    head = struct.pack("!HHHH", rng.randrange(32768, 61000), port or rng.choice([5000, 6000, 9999]), 8 + len(data), 0)
    return network(17, transport(17, head + data, 6, source, destination), source, destination)


def dns(v6):
    name = b"".join(bytes([len(part)]) + part for part in [b"www", b"host%d" % rng.randrange(999), b"example"]) + b"\0"
    query = struct.pack("!HHHHHH", rng.getrandbits(16), 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", rng.choice([1, 28]), 1)
    return udp(v6, 53, query)


def echo(_):
    source, destination = addresses(False)
    message = struct.pack("!BBHHH", rng.choice([0, 8]), 0, 0, 7, rng.getrandbits(16)) + rng.randbytes(56)
    return network(1, put(message, 2, checksum(message)), source, destination)


def arp(_):
    source, destination = addresses(False)
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, rng.choice([1, 2])) + rng.randbytes(6) + source + bytes(6) + destination


def neighbor(_):
    source, destination = addresses(True)
    message = struct.pack("!BBHI", 135, 0, 0, 0) + destination + b"\x01\x01" + rng.randbytes(6)
    return network(58, transport(58, message, 2, source, destination), source, destination, 255)


def igmp(_):
    source, _ = addresses(False)
    records = b"".join(struct.pack("!BBH4B", 4, 0, 0, 239, 1, 2, rng.randrange(256)) for _ in range(rng.randrange(1, 4)))
    message = struct.pack("!BBHHH", 0x22, 0, 0, 0, len(records) // 8) + records
    return network(2, put(message, 2, checksum(message)), source, bytes([224, 0, 0, 22]), 1, b"\x94\x04\0\0")


KINDS = [(tcp, 58), (udp, 16), (dns, 10), (echo, 8), (arp, 3), (neighbor, 2), (igmp, 3)]


def frame():
    make = rng.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    v6 = rng.random() < 0.1
    packet = make(v6)
    ether_type = {arp: 0x0806, neighbor: 0x86DD}.get(make, 0x86DD if packet[0] >> 4 == 6 else 0x0800)
    tag = struct.pack("!HH", 0x8100, rng.randrange(1, 4095)) if rng.random() < 0.03 else b""
    return (b"\2\0\0\0\0\2" + b"\2\0\0\0\0\1" + tag + struct.pack("!H", ether_type) + packet).ljust(60, b"\0")


def main():
    count, path = int(sys.argv[1]), sys.argv[2]
    frames = [frame() for _ in range(DIFFERENT)]
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for number in range(count):
            data = frames[number % DIFFERENT]
            microseconds = number * 10
            time = 1_700_000_000 + microseconds // 1_000_000, microseconds % 1_000_000
            out.write(struct.pack("<IIII", *time, len(data), len(data)) + data)


main()
