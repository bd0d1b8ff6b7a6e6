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


def ntp():
    stamp = lambda seconds, fraction=0: struct.pack("!II", seconds, fraction)
    now = 4004423823
    server = bytes([0x24, 2, 6, 0xE9]) + struct.pack("!II", 0x1234, 0x5678) + bytes([192, 0, 2, 9])
    server += stamp(now - 64) + stamp(now, 1 << 30) + stamp(now, 1 << 31) + stamp(now, 3 << 30)
    capture("An NTP answer with an extension field and a digest.",
        udp(123, 123) / (server + struct.pack("!HH", 0x0104, 28) + bytes(24)
            + struct.pack("!I", 1) + bytes(range(16))))("ntp_server")
    client = bytes([0xE3, 0, 10, 0]) + bytes(36) + stamp(now)
    capture("An NTP request of a client whose clock was never set.", udp(123, 123) / client)(
        "ntp_client")
    capture("An NTP control message.",
        udp(40000, 123) / (bytes([0x16, 2]) + bytes(10)))("ntp_control")


def tunnels():
    inner = ethernet() / PING
    capture("VXLAN: a frame of a virtual network in UDP.",
        udp(50000, 4789) / VXLAN(vni=77, flags=0x88, gpid=5) / inner)("vxlan")
    option = b"\x01\x02\x81\x01\xca\xfe\xba\xbe" + b"\x01\x02\x03\x00"
    head = bytes([len(option) // 4, 0x40]) + b"\x65\x58" + b"\0\0\x4d\0"
    capture("Geneve with two options, the first critical, and a frame.",
        udp(50000, 6081) / (head + option) / inner)("geneve")
    capture("Geneve with an option that lies about its length.",
        udp(50000, 6081) / (bytes([1, 0]) + b"\x08\0\0\0\x4d\0" + b"\x01\x02\x03\x07") / PING)(
        "geneve_option_lies")
    base = IP(src=A, dst=B, id=0x1234)
    capture("GRE with checksum, key and sequence number.",
        base / GRE(chksum_present=1, key_present=1, seqnum_present=1, key=7, seqence_number=9)
            / PING)("gre")
    capture("GRE that carries a whole frame.", base / GRE(proto=0x6558) / inner)("gre_frame")
    capture("GRE version 1: PPP in PPTP, with an acknowledgment.",
        IP(src=A, dst=B, id=0x1234, proto=47) / (b"\x30\x81\x88\x0b" + struct.pack("!HHII", 2 + len(PING), 99, 3, 2)
            + b"\x00\x21" + raw(PING)))("gre_pptp")
    capture("MPLS: two labels, then IPv4.",
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x8847)
            / (struct.pack("!II", 100 << 12 | 5 << 9 | 63, 200 << 12 | 0x100 | 64) + raw(PING)),
        "ethernet")("mpls")
    capture("6in4: IPv6 in IPv4.",
        base / IPv6(src=A6, dst=B6) / ICMPv6EchoRequest(id=1, seq=2, data=b"hi"))("six_in_four")
    capture("IPv4 in IPv6.", IPv6(src=A6, dst=B6) / PING)("four_in_six")
    capture("A VXLAN header without the I flag.",
        udp(50000, 4789) / VXLAN(vni=0, flags=0) / inner)("vxlan_no_vni")


def links():
    capture("A PPP link: address, control and protocol.",
        Raw(b"\xff\x03\x00\x21") / PING, "9")("ppp")
    capture("A PPP link with everything left out that may be.",
        Raw(b"\x57") / IPv6(src=A6, dst=B6) / ICMPv6EchoRequest(id=1, seq=2), "50")("ppp_short")
    capture("PPP link control stays bytes.",
        Raw(b"\xff\x03\xc0\x21\x01\x01\x00\x04"), "9")("ppp_lcp")
    capture("BSD loopback as a little-endian host wrote it.",
        Raw(b"\x1e\0\0\0") / IPv6(src=A6, dst=B6) / ICMPv6EchoRequest(id=1, seq=2), "0")(
        "null_v6")
    capture("BSD loopback as a big-endian host wrote it.", Raw(b"\0\0\0\2") / PING, "0")("null")
    capture("OpenBSD loopback.", Raw(b"\0\0\0\2") / PING, "108")("loop")


def dhcp():
    mac = bytes([2, 0, 0, 0, 0, 1])
    up = ethernet() / IP(src="0.0.0.0", dst="255.255.255.255", id=1) / UDP(sport=68, dport=67)
    down = ethernet() / IP(src=A, dst=B, id=1) / UDP(sport=67, dport=68)
    discover = BOOTP(op=1, chaddr=mac, xid=0x12345678, secs=3, flags=0x8000)
    capture("A client looks for a server: what it is and what it wants to know.",
        up / discover / DHCP(options=[("message-type", "discover"), ("hostname", b"laptop"),
            ("vendor_class_id", b"dhcpcd-10"), ("client_id", b"\1" + mac),
            ("param_req_list", [1, 3, 6, 15, 51, 119, 121]), ("max_dhcp_size", 1500),
            (80, b""), "end", "pad", "pad"]), "ethernet")("dhcp_discover")
    offer = BOOTP(op=2, chaddr=mac, xid=0x12345678, yiaddr="192.0.2.50", siaddr=A, giaddr="192.0.2.3",
        sname=b"boot", file=b"pxe.0")
    capture("The offer: an address with everything around it, through a relay.",
        down / offer / DHCP(options=[("message-type", "offer"), ("server_id", A),
            ("lease_time", 3600), ("renewal_time", 1800), ("rebinding_time", 3150),
            ("subnet_mask", "255.255.255.0"), ("broadcast_address", "192.0.2.255"),
            ("router", "192.0.2.1"), ("name_server", "192.0.2.2", "192.0.2.3"),
            ("domain", b"example.com"), ("interface-mtu", 1400),
            (119, name("example.com") + b"\3sub\xc0\0"),
            (121, bytes([24, 198, 51, 100, 192, 0, 2, 9, 0, 192, 0, 2, 1])),
            (82, b"\1\4eth7\2\6" + mac), (114, b"https://example.com/"),
            (108, struct.pack("!I", 1800)), "end"]), "ethernet")("dhcp_offer")
    capture("Options in the fields of the boot file and the server name too.",
        up / BOOTP(op=1, chaddr=mac, file=b"\x0c\1a\xff", sname=b"\x0f\1b\xff")
            / DHCP(options=[("message-type", "request"), ("requested_addr", "192.0.2.50"),
            (52, b"\3"), "end"]), "ethernet")("dhcp_overload")
    capture("An option that claims more bytes than there are.",
        up / discover / DHCP(options=[("message-type", "release"), (12, b"x")]) / b"\x0c\x40ab",
        "ethernet")("dhcp_option_lies")
    capture("BOOTP, without options.", up / BOOTP(op=1, chaddr=mac) / bytes(64), "ethernet")("bootp")


def icmpv6():
    """Messages that are rare: bodies by hand, after the RFC's pictures; scapy adds the checksum."""
    def message(kind, code, body, hops=64, source=A6, destination=B6):
        ip = IPv6(src=source, dst=destination, nh=58, hlim=hops)
        head = bytes([kind, code, 0, 0]) + body
        sum_ = in6_chksum(58, ip, head)
        return ip / Raw(bytes([kind, code]) + struct.pack("!H", sum_) + body)

    prefix = bytes.fromhex("20010db8000000000000000000000000")
    host = bytes.fromhex("20010db8000000000000000000000001")
    mac = bytes([1, 1, 2, 0, 0, 0, 0, 1])
    lie = b"\1\x03" + bytes(6)
    capture("Router renumbering: put one prefix in the place of another.",
        message(138, 0, struct.pack("!IBBH", 7, 1, 0xC0, 500) + bytes(4)
            + bytes([2, 7, 1, 48, 48, 64, 0, 0]) + prefix
            + bytes([48, 16, 0xC0, 0xC0]) + struct.pack("!III", 3600, 1800, 0x80000000) + prefix))(
        "v6_renumbering")
    capture("The result of a renumbering.",
        message(138, 1, struct.pack("!IBBH", 7, 1, 0xC8, 0) + bytes(4)
            + bytes([0, 2, 1, 64]) + struct.pack("!I", 3) + prefix))("v6_renumbering_result")
    capture("An operation of a length that cannot be.",
        message(138, 0, struct.pack("!IBBH", 7, 1, 0, 0) + bytes(4) + bytes([2, 4]) + bytes(30)))(
        "v6_renumbering_lies")
    capture("Node information: which addresses has this name?",
        message(139, 1, struct.pack("!HHQ", 3, 0x2A, 0x0102030405060708) + name("host.example")))(
        "v6_node_query")
    capture("Node information: the addresses.",
        message(140, 0, struct.pack("!HHQ", 3, 0x2A, 0x0102030405060708)
            + struct.pack("!I", 300) + host))("v6_node_reply")
    capture("Node information: the name.",
        message(140, 0, struct.pack("!HHQ", 2, 0, 1) + struct.pack("!I", 0) + name("host.example")))(
        "v6_node_name")
    capture("Inverse neighbour discovery: which address has this hardware address?",
        message(141, 0, bytes(4) + mac + bytes([2, 1, 2, 0, 0, 0, 0, 2]), 255))("v6_inverse")
    capture("A home agent tells of two others.",
        message(145, 0, struct.pack("!HH", 9, 0) + host + prefix))("v6_home_agents")
    capture("A mobile node asks for prefixes.", message(146, 0, struct.pack("!HH", 9, 0)))(
        "v6_mobile_solicitation")
    capture("Prefixes for a mobile node.",
        message(147, 0, struct.pack("!HH", 9, 0x8000) + bytes([3, 4, 64, 0xC0])
            + struct.pack("!III", 3600, 1800, 0) + prefix))("v6_mobile_advertisement")
    capture("SEND asks for a path of certificates.",
        message(148, 0, struct.pack("!HH", 5, 65535)))("v6_path_solicitation")
    capture("Multicast router solicitation.",
        message(152, 0, bytes(4), 1, "fe80::1", "ff02::2"))("v6_router_asked")
    capture("Fast handover: a solicitation for a proxy advertisement.",
        message(154, 0, bytes([2, 0]) + struct.pack("!H", 3) + mac))("v6_handover")
    dio = bytes([1, 240, 1, 0, 0x88, 3, 0, 0]) + host
    capture("RPL: a node tells of its graph, with an option.",
        message(155, 1, dio + bytes([4, 4, 1, 2, 3, 4]) + b"\0" + bytes([1, 1, 0])))("v6_rpl_dio")
    capture("RPL: a route downwards, which wants an answer.",
        message(155, 2, bytes([1, 0xC0, 0, 9]) + host + bytes([5, 2, 0, 0])))("v6_rpl_dao")
    capture("RPL: the answer.", message(155, 3, bytes([1, 0, 9, 0])))("v6_rpl_dao_ack")
    capture("6LoWPAN: is the address taken?",
        message(157, 0, bytes([0, 0]) + struct.pack("!H", 60) + bytes(range(8)) + host))("v6_duplicate")
    dad = message(135, 0, bytes(4) + host, 255, "::", "ff02::1:ff00:1")
    capture("Duplicate address detection: nobody asks for an address.", dad)("v6_dad")
    options = bytes([31, 4, 0, 0]) + struct.pack("!I", 600) + name("example.com") + name("a.b") + bytes(6)
    options += bytes([26, 1, 0x48, 0, 0, 0, 0, 0]) + bytes([7, 1, 0, 0]) + struct.pack("!I", 1000)
    options += bytes([8, 1, 0, 0]) + struct.pack("!HH", 5, 600)
    options += bytes([33, 2, 0, 0, 0, 0]) + struct.pack("!H", 60) + bytes(range(8))
    capture("A router advertisement with rarer options.",
        message(134, 0, bytes([64, 0, 7, 8]) + bytes(8) + options, 255, "fe80::1", "ff02::1"))(
        "v6_router_options")


def igmp():
    """Old routing protocols inside IGMP, and rules: bodies by hand, after the drafts' pictures."""
    def message(kind, code, body, destination, ttl=1, alert=False):
        options = [IPOption_Router_Alert()] if alert else []
        head = bytes([kind, code, 0, 0]) + body
        sum_ = struct.pack("!H", checksum(head))
        return IP(src=A, dst=destination, ttl=ttl, id=0x1234, proto=2, options=options) / Raw(
            bytes([kind, code]) + sum_ + body)

    four = lambda *parts: bytes(parts)
    local, group = four(192, 0, 2, 1), four(239, 1, 2, 3)
    capture("DVMRP probe: two neighbours are heard.",
        message(0x13, 1, four(0, 14, 255, 3) + struct.pack("!I", 99) + four(192, 0, 2, 2)
            + four(192, 0, 2, 3), "224.0.0.4"))("igmp_dvmrp_probe")
    capture("DVMRP report: two masks, three routes.",
        message(0x13, 2, four(0, 0, 255, 3) + four(255, 255, 0) + four(198, 51, 100, 3)
            + four(198, 51, 101, 0x83) + four(0, 0, 0) + four(10, 0xA0), "224.0.0.4"))(
        "igmp_dvmrp_report")
    capture("DVMRP neighbours of two interfaces.",
        message(0x13, 6, four(0, 14, 255, 3) + local + four(1, 1, 0x40, 1) + four(192, 0, 2, 2)
            + four(10, 0, 0, 1, 1, 1, 0x80, 0), B))("igmp_dvmrp_neighbors")
    capture("DVMRP prune.",
        message(0x13, 7, four(0, 0, 255, 3) + four(198, 51, 100, 0) + group
            + struct.pack("!I", 7200) + four(255, 255, 255, 0), B))("igmp_dvmrp_prune")
    version = four(0x10, 0, 0, 0)
    capture("PIM version 1 query.",
        message(0x14, 0, version + four(0x20, 0, 0, 105), "224.0.0.2"))("igmp_pim1_query")
    capture("PIM version 1 join and prune.",
        message(0x14, 3, version + four(192, 0, 2, 9) + four(0, 0, 0, 210) + four(0, 32, 4, 1)
            + group + four(255, 255, 255, 255) + four(0, 1, 0, 1)
            + four(7, 32, 198, 51, 100, 1) + four(4, 32, 198, 51, 100, 2), "224.0.0.2"))(
        "igmp_pim1_join")
    capture("PIM version 1 assert.",
        message(0x14, 5, version + group + four(255, 255, 255, 255)
            + struct.pack("!II", 0x80000065, 20), "224.0.0.2"))("igmp_pim1_assert")
    capture("PIM version 1: the meeting point is there.",
        message(0x14, 4, version + group + four(255, 255, 255, 255) + four(192, 0, 2, 77)
            + four(0, 0, 0, 90), "224.0.0.2"))("igmp_pim1_reachable")
    capture("A report with bytes behind its records.",
        message(0x22, 0, four(0, 0, 0, 1) + four(4, 0, 0, 0) + group + b"more", "224.0.0.22",
            alert=True))("igmp_trailing")
    capture("A report without a record.",
        message(0x22, 0, four(0, 0, 0, 0), "224.0.0.22", alert=True))("igmp_no_record")
    capture("RGMP to a wrong place with a TTL of 2.",
        message(0xFD, 0, group, "224.0.0.2", 2))("igmp_rgmp_breaks_rules")
    capture("Multicast router advertisement without router alert.",
        message(0x30, 20, four(0, 125, 0, 2), "224.0.0.106"))("igmp_router_no_alert")


dns()
web()
igmp()
icmpv6()
dhcp()
ntp()
tunnels()
links()

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
