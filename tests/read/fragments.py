"""Fragments for the test beside this file: scapy makes and cuts the datagrams."""

import sys

from scapy.all import DNS, DNSQR, DNSRR, ICMP, IP, UDP, Ether, IPv6, IPv6ExtHdrFragment, Raw
from scapy.all import fragment, fragment6, wrpcap
from scapy.layers.inet6 import ICMPv6EchoRequest

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def answer(name, count):
    records = [DNSRR(rrname=name, type="TXT", rdata="x" * 50 + str(n)) for n in range(count)]
    dns = DNS(id=7, qr=1, qd=DNSQR(qname=name, qtype="TXT"), an=records[0])
    for record in records[1:]:
        dns.an = dns.an / record
    return UDP(sport=53, dport=40000) / dns


def v4(ident, payload, size):
    whole = IP(src="192.0.2.53", dst="192.0.2.1", id=ident) / payload
    return fragment(IP(bytes(whole)), size)


def v6(ident, payload, size):
    whole = IPv6(src="2001:db8::53", dst="2001:db8::1") / IPv6ExtHdrFragment(id=ident) / payload
    return fragment6(whole, size)


a = v4(1, answer("a.example", 40), 600)
b = v4(2, answer("b.example", 30), 800)
c = v6(3, answer("c.example", 40), 900)
d = v6(4, ICMPv6EchoRequest(id=5, seq=6, data=b"d" * 3000), 1280)
e = v4(5, ICMP(id=5, seq=7) / Raw(b"e" * 2000), 1400)
frames = (
    a  # in order
    + b[::-1]  # last one first
    + [one for pair in zip(c, d) for one in pair]  # mixed
    + c[len(d) :]
    + d[len(c) :]
    + e[:1]
    + e[:1]  # twice
    + e[1:]
    + v4(6, answer("f.example", 40), 600)[1:]  # never whole
)
wrpcap(sys.argv[1], [ETHER / frame for frame in frames])
