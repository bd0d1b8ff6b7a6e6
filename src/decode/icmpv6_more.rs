//! Fields of ICMPv6 messages besides errors, echo, neighbours and groups: router renumbering, node
//! information, mobility, SEND, RPL, 6LoWPAN. What each message is made of stands in `icmpv6_table`.

use super::Show;
use super::spec::specs;

specs! {
    RR_SEQUENCE = "icmpv6.rr.sequence_number", "Sequence number", Show::Dec, "RFC 2894 3.1",
        "Grows with every command, so that none can be replayed.";
    RR_SEGMENT = "icmpv6.rr.segment_number", "Segment number", Show::Dec, "RFC 2894 3.1",
        "Tells messages with the same sequence number apart.";
    RR_FLAGS = "icmpv6.rr.flag", "Flags", Show::Hex(2), "RFC 2894 3.1",
        "How the command is to be carried out.";
    RR_TEST = "icmpv6.rr.flag.t", "Test", Show::Plain, "RFC 2894 3.1",
        "Nothing is to be changed, only reported.";
    RR_RESULT = "icmpv6.rr.flag.r", "Result wanted", Show::Plain, "RFC 2894 3.1",
        "The router must report.";
    RR_ALL = "icmpv6.rr.flag.a", "All interfaces", Show::Plain, "RFC 2894 3.1",
        "For interfaces that are down too.";
    RR_SITE = "icmpv6.rr.flag.s", "Site", Show::Plain, "RFC 2894 3.1",
        "For interfaces of one site only.";
    RR_PROCESSED = "icmpv6.rr.flag.p", "Processed before", Show::Plain, "RFC 2894 3.1",
        "The command had been carried out already.";
    RR_DELAY = "icmpv6.rr.maxdelay", "Longest delay", Show::Unit("ms"), "RFC 2894 3.1",
        "Within which time the router must answer.";
    RR_MATCH = "icmpv6.rr.pco.mp", "Match prefix", Show::Plain, "RFC 2894 3.2.1",
        "Which prefixes the operation is about.";
    RR_OPCODE = "icmpv6.rr.pco.mp.opcode", "Operation", Show::Named(operation), "RFC 2894 3.2.1",
        "What is done with them.";
    RR_LENGTH = "icmpv6.rr.pco.mp.oplength", "Length", Show::Unit("units of 8 bytes"),
        "RFC 2894 3.2.1", "Length of the operation.";
    RR_ORDINAL = "icmpv6.rr.pco.mp.ordinal", "Ordinal", Show::Dec, "RFC 2894 3.2.1",
        "Numbers the operations, for the results.";
    RR_MATCH_LEN = "icmpv6.rr.pco.mp.matchlen", "Match length", Show::Unit("bits"),
        "RFC 2894 3.2.1", "How many bits must be equal.";
    RR_MIN_LEN = "icmpv6.rr.pco.mp.minlen", "Shortest", Show::Unit("bits"), "RFC 2894 3.2.1",
        "Shortest prefix that matches.";
    RR_MAX_LEN = "icmpv6.rr.pco.mp.maxlen", "Longest", Show::Unit("bits"), "RFC 2894 3.2.1",
        "Longest prefix that matches.";
    RR_MATCH_PREFIX = "icmpv6.rr.pco.mp.matchprefix", "Prefix", Show::Plain, "RFC 2894 3.2.1",
        "The prefix to compare with.";
    RR_USE = "icmpv6.rr.pco.up", "New prefix", Show::Plain, "RFC 2894 3.2.2",
        "A prefix to put in the place of those that match.";
    RR_USE_LEN = "icmpv6.rr.pco.up.uselen", "Use length", Show::Unit("bits"), "RFC 2894 3.2.2",
        "How many bits of the new prefix are taken.";
    RR_KEEP_LEN = "icmpv6.rr.pco.up.keeplen", "Keep length", Show::Unit("bits"),
        "RFC 2894 3.2.2", "How many bits of the old prefix are kept behind them.";
    RR_FLAG_MASK = "icmpv6.rr.pco.up.flagmask", "Flag mask", Show::Hex(2), "RFC 2894 3.2.2",
        "Which flags of the prefix are set anew.";
    RR_RA_FLAGS = "icmpv6.rr.pco.up.raflags", "Flags", Show::Hex(2), "RFC 2894 3.2.2",
        "What they are set to.";
    RR_VALID = "icmpv6.rr.pco.up.validlifetime", "Valid lifetime", Show::Unit("s"),
        "RFC 2894 3.2.2", "How long addresses with the prefix work.";
    RR_PREFERRED = "icmpv6.rr.pco.up.preferredlifetime", "Preferred lifetime", Show::Unit("s"),
        "RFC 2894 3.2.2", "How long they are used for new connections.";
    RR_USE_FLAGS = "icmpv6.rr.pco.up.flag", "Lifetime flags", Show::Hex(8), "RFC 2894 3.2.2",
        "Whether the lifetimes run down.";
    RR_USE_PREFIX = "icmpv6.rr.pco.up.useprefix", "Prefix", Show::Plain, "RFC 2894 3.2.2",
        "The new prefix.";
    RR_REPORT = "icmpv6.rr.rm", "Result", Show::Plain, "RFC 2894 3.3",
        "What one operation did.";
    RR_REPORT_FLAGS = "icmpv6.rr.rm.flag", "Flags", Show::Hex(4), "RFC 2894 3.3",
        "Out of bounds, or forbidden.";
    RR_REPORT_ORDINAL = "icmpv6.rr.rm.ordinal", "Ordinal", Show::Dec, "RFC 2894 3.3",
        "Which operation this is the result of.";
    RR_REPORT_LEN = "icmpv6.rr.rm.matchedlen", "Matched length", Show::Unit("bits"),
        "RFC 2894 3.3", "Length of the prefix that matched.";
    RR_REPORT_INTERFACE = "icmpv6.rr.rm.interfaceindex", "Interface index", Show::Dec,
        "RFC 2894 3.3", "The router's interface.";
    RR_REPORT_PREFIX = "icmpv6.rr.rm.matchedprefix", "Matched prefix", Show::Plain,
        "RFC 2894 3.3", "The prefix that matched.";
    NI_TYPE = "icmpv6.ni.qtype", "Query type", Show::Named(query_type), "RFC 4620 5",
        "What is asked about the node.";
    NI_FLAGS = "icmpv6.ni.flag", "Flags", Show::Hex(4), "RFC 4620 6.3",
        "Which addresses are meant.";
    NI_GLOBAL = "icmpv6.ni.flag.g", "Global addresses", Show::Plain, "RFC 4620 6.3",
        "Global addresses are wanted.";
    NI_SITE = "icmpv6.ni.flag.s", "Site addresses", Show::Plain, "RFC 4620 6.3",
        "Site-local addresses are wanted.";
    NI_LINK = "icmpv6.ni.flag.l", "Link addresses", Show::Plain, "RFC 4620 6.3",
        "Link-local addresses are wanted.";
    NI_COMPATIBLE = "icmpv6.ni.flag.c", "IPv4 addresses", Show::Plain, "RFC 4620 6.3",
        "Addresses that hold an IPv4 address are wanted.";
    NI_ALL = "icmpv6.ni.flag.a", "All addresses", Show::Plain, "RFC 4620 6.3",
        "Those of all interfaces are wanted.";
    NI_TRUNCATED = "icmpv6.ni.flag.t", "Truncated", Show::Plain, "RFC 4620 6.3",
        "The answer holds not all addresses.";
    NI_NONCE = "icmpv6.ni.nonce", "Nonce", Show::Hex(16), "RFC 4620 4",
        "The answer repeats it.";
    NI_SUBJECT6 = "icmpv6.ni.query.subject_ipv6", "Subject", Show::Plain, "RFC 4620 5",
        "The address that is asked about.";
    NI_SUBJECT_NAME = "icmpv6.ni.query.subject_fqdn", "Subject", Show::Plain, "RFC 4620 5",
        "The name that is asked about.";
    NI_SUBJECT4 = "icmpv6.ni.query.subject_ipv4", "Subject", Show::Plain, "RFC 4620 5",
        "The address that is asked about.";
    NI_TTL = "icmpv6.ni.reply.node_ttl", "Time to live", Show::Unit("s"), "RFC 4620 6.3",
        "How long the address may be remembered.";
    NI_NAME = "icmpv6.ni.reply.node_name", "Name", Show::Plain, "RFC 4620 6.2",
        "A name of the node.";
    NI_ADDRESS6 = "icmpv6.ni.reply.node_address", "Address", Show::Plain, "RFC 4620 6.3",
        "An address of the node.";
    NI_ADDRESS4 = "icmpv6.ni.reply.ipv4_address", "Address", Show::Plain, "RFC 4620 6.4",
        "An IPv4 address of the node.";
    NI_DATA = "icmpv6.ni.data", "Data", Show::Plain, "RFC 4620 4",
        "Data that we cannot read further.";
    MIP_ID = "icmpv6.mip6.identifier", "Identifier", Show::Dec, "RFC 6275 6.5",
        "The answer repeats it.";
    MIP_AGENT = "icmpv6.mip6.home_agent_address", "Home agent", Show::Plain, "RFC 6275 6.6",
        "A router that forwards the packets of a node that is away.";
    MIP_FLAGS = "icmpv6.mip6.flag", "Flags", Show::Hex(4), "RFC 6275 6.8",
        "How addresses are to be had at home.";
    MIP_MANAGED = "icmpv6.mip6.flag.m", "Managed addresses", Show::Plain, "RFC 6275 6.8",
        "Addresses are to be had by DHCPv6.";
    MIP_OTHER = "icmpv6.mip6.flag.o", "Other configuration", Show::Plain, "RFC 6275 6.8",
        "Other facts are to be had by DHCPv6.";
    SEND_ID = "icmpv6.send.identifier", "Identifier", Show::Dec, "RFC 3971 6.4.1",
        "The answer repeats it.";
    SEND_ALL = "icmpv6.send.all_components", "All components", Show::Dec, "RFC 3971 6.4.2",
        "How many certificates the path has.";
    SEND_COMPONENT = "icmpv6.send.component", "Component", Show::Dec, "RFC 3971 6.4.1",
        "Which of them this is; 65535 asks for all.";
    FMIP_SUBTYPE = "icmpv6.fmip6.subtype", "Subtype", Show::Named(handover), "RFC 5568 6.1",
        "Which message of a fast handover this is.";
    FMIP_ID = "icmpv6.fmip6.identifier", "Identifier", Show::Dec, "RFC 5568 6.1.1",
        "The answer repeats it.";
    DIS_FLAGS = "icmpv6.rpl.dis.flags", "Flags", Show::Hex(2), "RFC 6550 6.2.1",
        "Must be zero.";
    DIO_INSTANCE = "icmpv6.rpl.dio.instance", "Instance", Show::Dec, "RFC 6550 6.3.1",
        "Which of several routings this is about.";
    DIO_VERSION = "icmpv6.rpl.dio.version", "Version", Show::Dec, "RFC 6550 6.3.1",
        "Grows when the root builds the graph anew.";
    DIO_RANK = "icmpv6.rpl.dio.rank", "Rank", Show::Dec, "RFC 6550 6.3.1",
        "How far the sender is from the root.";
    DIO_FLAGS = "icmpv6.rpl.dio.flag", "Flags", Show::Hex(2), "RFC 6550 6.3.1",
        "Kind of the graph.";
    DIO_GROUNDED = "icmpv6.rpl.dio.flag.g", "Grounded", Show::Plain, "RFC 6550 6.3.1",
        "The graph reaches the goal of the application.";
    DIO_MODE = "icmpv6.rpl.dio.flag.mop", "Mode of operation", Show::Dec, "RFC 6550 6.3.1",
        "How routes downwards are kept; 0 is not at all.";
    DIO_PREFERENCE = "icmpv6.rpl.dio.flag.preference", "Preference", Show::Dec,
        "RFC 6550 6.3.1", "How much this root is preferred, 7 most.";
    DIO_DTSN = "icmpv6.rpl.dio.dtsn", "DTSN", Show::Dec, "RFC 6550 6.3.1",
        "Grows when nodes should announce their routes again.";
    DIO_DODAG = "icmpv6.rpl.dio.dagid", "DODAG", Show::Plain, "RFC 6550 6.3.1",
        "Address of the root, which names the graph.";
    DAO_INSTANCE = "icmpv6.rpl.dao.instance", "Instance", Show::Dec, "RFC 6550 6.4.1",
        "Which of several routings this is about.";
    DAO_FLAGS = "icmpv6.rpl.dao.flag", "Flags", Show::Hex(2), "RFC 6550 6.4.1",
        "Whether an answer is wanted, and whether the graph is named.";
    DAO_ACK = "icmpv6.rpl.dao.flag.k", "Acknowledgment wanted", Show::Plain, "RFC 6550 6.4.1",
        "The parent must answer.";
    DAO_NAMED = "icmpv6.rpl.dao.flag.d", "DODAG named", Show::Plain, "RFC 6550 6.4.1",
        "The graph's name follows.";
    DAO_SEQUENCE = "icmpv6.rpl.dao.sequence", "Sequence", Show::Dec, "RFC 6550 6.4.1",
        "The answer repeats it.";
    DAO_DODAG = "icmpv6.rpl.dao.dodagid", "DODAG", Show::Plain, "RFC 6550 6.4.1",
        "Address of the root, which names the graph.";
    ACK_INSTANCE = "icmpv6.rpl.daoack.instance", "Instance", Show::Dec, "RFC 6550 6.5.1",
        "Which of several routings this is about.";
    ACK_FLAGS = "icmpv6.rpl.daoack.flag", "Flags", Show::Hex(2), "RFC 6550 6.5.1",
        "Whether the graph is named.";
    ACK_NAMED = "icmpv6.rpl.daoack.flag.d", "DODAG named", Show::Plain, "RFC 6550 6.5.1",
        "The graph's name follows.";
    ACK_SEQUENCE = "icmpv6.rpl.daoack.sequence", "Sequence", Show::Dec, "RFC 6550 6.5.1",
        "Repeats the announcement's.";
    ACK_STATUS = "icmpv6.rpl.daoack.status", "Status", Show::Dec, "RFC 6550 6.5.1",
        "0 is accepted; from 128 on it is refused.";
    ACK_DODAG = "icmpv6.rpl.daoack.dodagid", "DODAG", Show::Plain, "RFC 6550 6.5.1",
        "Address of the root, which names the graph.";
    CC_INSTANCE = "icmpv6.rpl.cc.instance", "Instance", Show::Dec, "RFC 6550 6.6.1",
        "Which of several routings this is about.";
    CC_FLAGS = "icmpv6.rpl.cc.flag", "Flags", Show::Hex(2), "RFC 6550 6.6.1",
        "Challenge or response.";
    CC_RESPONSE = "icmpv6.rpl.cc.flag.r", "Response", Show::Plain, "RFC 6550 6.6.1",
        "Set in a response.";
    CC_NONCE = "icmpv6.rpl.cc.nonce", "Nonce", Show::Hex(4), "RFC 6550 6.6.1",
        "The response repeats it.";
    CC_DODAG = "icmpv6.rpl.cc.dodagid", "DODAG", Show::Plain, "RFC 6550 6.6.1",
        "Address of the root, which names the graph.";
    CC_COUNTER = "icmpv6.rpl.cc.destination_counter", "Destination counter", Show::Dec,
        "RFC 6550 6.6.1", "The sender's view of the receiver's counter.";
    RPL_OPTION = "icmpv6.rpl.opt", "Option", Show::Plain, "RFC 6550 6.7.1",
        "One option of the message.";
    RPL_TYPE = "icmpv6.rpl.opt.type", "Type", Show::Named(rpl_option), "RFC 6550 6.7.1",
        "What kind of option this is.";
    RPL_LENGTH = "icmpv6.rpl.opt.length", "Length", Show::Unit("bytes"), "RFC 6550 6.7.1",
        "Length of the option's data.";
    RPL_DATA = "icmpv6.rpl.opt.data", "Data", Show::Plain, "RFC 6550 6.7.1",
        "The option's data.";
    DA_STATUS = "icmpv6.6lowpannd.da.status", "Status", Show::Dec, "RFC 6775 4.4",
        "0 is fine, 1 a duplicate address, 2 a full table.";
    DA_LIFETIME = "icmpv6.6lowpannd.da.lifetime", "Lifetime", Show::Unit("minutes"),
        "RFC 6775 4.4", "How long the address stays registered.";
    DA_EUI64 = "icmpv6.6lowpannd.da.eui64", "EUI-64", Show::Plain, "RFC 6775 4.4",
        "Hardware address of who registers.";
    DA_ADDRESS = "icmpv6.6lowpannd.da.reg_addr", "Registered address", Show::Plain,
        "RFC 6775 4.4", "The address that is registered.";
}

/// RFC 2894 3.2.1.
fn operation(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "add",
        2 => "change",
        3 => "set global",
        _ => return None,
    })
}

/// RFC 4620 5.
fn query_type(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "nothing",
        1 => "supported types (unused)",
        2 => "node name",
        3 => "node addresses",
        4 => "IPv4 addresses",
        _ => return None,
    })
}

/// RFC 5568 6.1.
fn handover(value: u64) -> Option<&'static str> {
    Some(match value {
        2 => "router solicitation for proxy advertisement",
        3 => "proxy router advertisement",
        4 => "handover initiate",
        5 => "handover acknowledge",
        _ => return None,
    })
}

/// RFC 6550 20.4.
fn rpl_option(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "one byte of padding",
        1 => "padding",
        2 => "metric container",
        3 => "route information",
        4 => "DODAG configuration",
        5 => "target",
        6 => "transit information",
        7 => "solicited information",
        8 => "prefix information",
        9 => "target descriptor",
        _ => return None,
    })
}
