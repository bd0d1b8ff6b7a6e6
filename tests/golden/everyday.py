#!/usr/bin/env python3
"""Writes the captures of everyday protocols, `NAME.hex`, with scapy: an encoder that we did not write.

    /usr/bin/python3 tests/golden/everyday.py [NAME...]
"""

import logging
import os
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import *  # noqa: E402,F403
from scapy.layers.tls.all import *  # noqa: E402,F403

A, B = "192.0.2.1", "192.0.2.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
HERE = os.path.dirname(os.path.abspath(__file__))


def udp(source, destination, **ip):
    return IP(src=A, dst=B, id=0x1234, **ip) / UDP(sport=source, dport=destination)


streams = iter(range(65000))


def tcp(source, destination, flags="PA"):
    """A segment of a connection of its own: Wireshark would take it for a repetition."""
    stream = next(streams)
    source, destination = (p + stream if p == 40000 else p for p in (source, destination))
    return IP(src=A, dst=B, id=0x1234) / TCP(
        sport=source, dport=destination, flags=flags, seq=1000, ack=2000
    )


def ethernet():
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def name(text):
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


PING = IP(src="10.0.0.1", dst="10.0.0.2", id=1) / ICMP(id=1, seq=2) / b"hello"
CAPTURES = {}


def capture(title, packet, link="raw", wire=None):
    def add(key):
        CAPTURES[key] = (title, packet, link, wire)

    return add


def dns():
    question = DNSQR(qname="www.example.com", qtype="A")
    capture("A question with EDNS: sizes, a cookie and a client subnet.",
        udp(40000, 53) / DNS(id=0x1234, rd=1, ad=1, qd=question, ar=DNSRROPT(
            rclass=1232, z=0x8000, rdata=[
                EDNS0TLV(optcode=10, optdata=bytes(range(8))),
                EDNS0TLV(optcode=8, optdata=bytes([0, 1, 24, 0, 198, 51, 100])),
                EDNS0TLV(optcode=15, optdata=b"\0\x06bad"),
                EDNS0TLV(optcode=12, optdata=b"\0\0")]))
    )("dns_query")
    head = bytes.fromhex("123485800001000300000000")
    pointer = b"\xc0\x0c"
    body = name("www.example.com") + bytes.fromhex("00010001")
    cname = pointer + bytes.fromhex("0005000100000e10") + b"\0\x06" + b"\3web\xc0\x10"
    record = b"\xc0\x2d" + bytes.fromhex("000100010000003c0004")
    capture("An answer: a canonical name, then addresses, with compression pointers.",
        udp(53, 40000) / (head + body + cname + record + bytes([192, 0, 2, 10])
            + record + bytes([192, 0, 2, 11])))("dns_answer")
    capture("No such name: the SOA record says for how long.",
        udp(53, 40000) / DNS(id=7, qr=1, rd=1, ra=1, rcode=3, qd=question, ns=DNSRRSOA(
            rrname="example.com", ttl=900, mname="ns.example.com", rname="admin.example.com",
            serial=2026112201, refresh=7200, retry=900, expire=86400, minimum=300))
    )("dns_no_such_name")
    records = [
        (15, b"\0\x0a" + name("mail.example.com")),
        (16, b"\x0bv=spf1 -all\3b\xff\n"),
        (28, bytes.fromhex("20010db8000000000000000000000001")),
        (2, name("ns.example.com")),
        (33, b"\0\1\0\2\x01\xbb" + name("a\x07b.example.com")),
        (257, b"\0\5issueca.example.net"),
        (43, b"\x12\x34\x0d\2" + bytes(range(32))),
        (46, b"\0\1\x0d\2\0\0\x0e\x10\x65\0\0\0\x64\0\0\0\x12\x34" + name("example.com") + b"sig"),
        (47, name("b.example.com") + bytes.fromhex("000140")),
        (48, b"\1\1\3\x0d" + bytes(range(16))),
        (39, name("example.net")),
        (0xff00, b"?"),
        (65, b"\0\1\0" + b"\0\1\0\6\2h2\2h3" + b"\0\3\0\2\x20\xfb" + b"\0\4\0\4\xc0\0\2\1"
            + b"\0\6\0\x10" + bytes.fromhex("20010db8000000000000000000000001") + b"\0\x09\0\1x"),
    ]
    body = b"\x43\x21\x84\0" + struct.pack("!4H", 1, len(records), 0, 0)
    body += name("example.com") + b"\0\xff\0\1"
    for kind, data in records:
        body += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
    capture("Every type of record that has fields of its own.", udp(53, 40000) / body)(
        "dns_records")
    two = [bytes(DNS(id=n, rd=1, qd=DNSQR(qname="example.com", qtype=t))) for n, t in
        [(1, "NS"), (2, "MX")]]
    capture("Two messages in one TCP segment, the second cut by its end.",
        tcp(40000, 53) / (b"".join(struct.pack("!H", len(m)) + m for m in two)[:-6]))("dns_tcp")
    loop = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\1a\xc0\x0e" + b"\0\1\0\1"
    capture("A name that points at itself.", udp(40000, 53) / loop)("dns_pointer_loop")
    lie = bytes(DNS(id=1, rd=1, qd=question))
    capture("Counts that lie: five questions announced.",
        udp(40000, 53) / (lie[:5] + b"\5" + lie[6:]))("dns_counts_lie")
    mdns = IP(src=A, dst="224.0.0.251", ttl=255, id=1) / UDP(sport=5353, dport=5353)
    capture("Multicast DNS asks for services, one answer by unicast.",
        mdns / DNS(id=0, rd=0, qd=DNSQR(qname="_http._tcp.local", qtype="PTR")
            / DNSQR(qname="host.local", qtype="A", qclass=0x8001)))("mdns_query")
    label = "Büro 1.2".encode()
    body = bytes.fromhex("000084000000000200000000")
    body += name("_http._tcp.local") + bytes.fromhex("000c000100001194")
    data = bytes([len(label)]) + label + b"\xc0\x0c"
    body += struct.pack("!H", len(data)) + data
    body += name("host.local") + bytes.fromhex("0001800100000078") + b"\0\4" + bytes([192, 0, 2, 1])
    capture("Multicast DNS answers; a label with a dot and an umlaut, and the cache-flush bit.",
        mdns / body)("mdns_answer")


def web():
    capture("A request with two header fields and a body.",
        tcp(40000, 80) / (b"POST /form?a=b HTTP/1.1\r\nHost: www.example.com\r\n"
            b"Content-Length: 3\r\n\r\na=b"))("http_request")
    capture("A response.",
        tcp(80, 40000) / b"HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n")("http_response")
    hello = TLSClientHello(
        version=0x0303, gmt_unix_time=0, random_bytes=bytes(range(28)), sid=bytes(range(32)),
        ciphers=[0x0a0a, 0x1301, 0xC02F], comp=[0], ext=[
            TLS_Ext_ServerName(servernames=[ServerName(servername=b"www.example.com")]),
            TLS_Ext_ALPN(protocols=[ProtocolName(protocol=b"h2"), ProtocolName(protocol=b"http/1.1")]),
            TLS_Ext_SupportedVersion_CH(versions=[0x0304, 0x0303]),
            TLS_Ext_SupportedGroups(groups=[29, 23]),
            TLS_Ext_EncryptThenMAC(),
        ])
    hello = bytes(hello)
    record = lambda kind, data: struct.pack("!BHH", kind, 0x0301, len(data)) + data
    capture("A client hello with server name and protocols.",
        tcp(40000, 443) / record(22, hello))("tls_client_hello")
    server = bytes(TLSServerHello(version=0x0303, gmt_unix_time=0, random_bytes=bytes(28), sid=b"",
        cipher=0x1301, comp=[0], ext=[TLS_Ext_SupportedVersion_SH(version=0x0304)]))
    capture("A server hello, a change of cipher, and two records of encrypted data.",
        tcp(443, 40000) / (record(22, server) + record(20, b"\1") + record(23, bytes(20))
            + record(23, bytes(7))))("tls_server_hello")
    capture("A fatal alert.", tcp(443, 40000) / record(21, b"\2\x28"))("tls_alert")
    capture("A client hello that goes on in the next segment.",
        tcp(40000, 443) / record(22, hello)[:150])("tls_hello_cut")
    capture("The middle of a stream: no record begins here.",
        tcp(40000, 443) / b"\x80\x01\x02\x03\x04\x05")("tls_middle")


dns()
web()

wanted = sys.argv[1:] or sorted(CAPTURES)
for key in wanted:
    title, packet, link, wire = CAPTURES[key]
    lines = [f"# {title}", "# made by everyday.py", f"link {link}"]
    if wire:
        lines.append(f"wire {wire}")
    data = raw(packet)
    while data:
        lines.append(data[:16].hex(" "))
        data = data[16:]
    with open(os.path.join(HERE, key + ".hex"), "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")
