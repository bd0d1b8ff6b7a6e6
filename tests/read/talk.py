"""Conversations for the tests beside this file, made by scapy: `python3 talk.py FILE`."""

import sys

from scapy.all import DNS, DNSQR, ICMP, IP, TCP, UDP, Ether, IPv6, Raw, wrpcap

A, B = "02:00:00:00:00:01", "02:00:00:00:00:02"
frames = []


def put(packet, forward=True):
    ether = Ether(src=A, dst=B) if forward else Ether(src=B, dst=A)
    frame = ether / packet
    frame.time = 1700000000 + len(frames) * 0.25
    frames.append(frame)


class Tcp:
    """One connection. `at` says where data lie in a stream, so that they can come in any order."""

    def __init__(self, net, ends, ports, first=(1000, 5000)):
        self.net, self.ends, self.ports, self.first = net, ends, ports, first

    def send(self, forward, at, flags, data=b"", ack=0):
        me = 0 if forward else 1
        net = self.net(src=self.ends[me], dst=self.ends[1 - me])
        seq = (self.first[me] + at) % (1 << 32)
        ack = (self.first[1 - me] + ack) % (1 << 32) if "A" in flags else 0
        tcp = TCP(sport=self.ports[me], dport=self.ports[1 - me], flags=flags, seq=seq, ack=ack)
        put(net / tcp / Raw(data) if data else net / tcp, forward)

    def shake(self):
        self.send(True, 0, "S")
        self.send(False, 0, "SA", ack=1)
        self.send(True, 1, "A", ack=1)


# 0: a request and an answer in three segments, one of them late, one twice.
web = Tcp(IP, ("10.0.0.1", "10.0.0.2"), (40000, 8080))
web.shake()
web.send(True, 1, "PA", b"GET / HTTP/1.0\r\n\r\n", ack=1)
web.send(False, 1, "A", b"HTTP/1.0 200 OK\r\n", ack=19)
web.send(False, 24, "PA", b"\x1b[31mred\x1b[0m \xff", ack=19)
web.send(False, 18, "A", b"A: b\r\n", ack=19)
web.send(False, 18, "A", b"A: b\r\n", ack=19)
web.send(True, 19, "FA", ack=37)
web.send(False, 37, "FA", ack=20)
web.send(True, 20, "A", ack=38)
# 1: IPv6, sequence numbers that wrap, and a part that nobody captured.
gap = Tcp(IPv6, ("2001:db8::1", "2001:db8::2"), (40001, 9), first=(0xFFFFFFF0, 7))
gap.shake()
gap.send(True, 1, "PA", b"first part, ", ack=1)
gap.send(True, 33, "PA", b"third part", ack=1)
gap.send(False, 1, "A", ack=43)
gap.send(False, 1, "PA", b"ok\n", ack=43)
# 2: the ports of 0 again, another connection.
again = Tcp(IP, ("10.0.0.1", "10.0.0.2"), (40000, 8080), first=(70000, 90000))
again.shake()
again.send(True, 1, "PA", b"second life", ack=1)
# UDP 0 and 1, between the parts of 3, which began before the capture.
put(IP(src="10.0.0.1", dst="10.0.0.9") / UDP(sport=5000, dport=7) / Raw(b"echo me"))
put(IP(src="10.0.0.9", dst="10.0.0.1") / UDP(sport=7, dport=5000) / Raw(b"echo me"), False)
old = Tcp(IP, ("10.0.0.3", "10.0.0.4"), (50000, 7))
old.send(False, 500, "PA", b"already here", ack=100)
put(IP(src="10.0.0.1", dst="10.0.0.53") / UDP(sport=5001, dport=53) / DNS(qd=DNSQR(qname="a.b")))
put(IP(src="10.0.0.1", dst="10.0.0.9") / UDP(sport=5000, dport=7) / Raw(b"more"))
old.send(True, 100, "PA", b"so am I", ack=512)
put(IP(src="10.0.0.1", dst="10.0.0.9") / ICMP() / Raw(b"ping"))
wrpcap(sys.argv[1], frames)
