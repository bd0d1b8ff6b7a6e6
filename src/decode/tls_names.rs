//! Names of TLS numbers, after the IANA registries "TLS Parameters" and "TLS Extensions"; of the
//! cipher suites those that are in use.

/// Name of a record's content type.
pub fn content_name(value: u64) -> Option<&'static str> {
    Some(match value {
        20 => "change cipher spec",
        21 => "alert",
        22 => "handshake",
        23 => "application data",
        24 => "heartbeat",
        _ => return None,
    })
}

/// Name of a version.
pub fn version_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        _ => return grease(value),
    })
}

/// RFC 8701 2: numbers that are sent so that nobody refuses unknown ones.
fn grease(value: u64) -> Option<&'static str> {
    (value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff).then_some("GREASE")
}

/// Name of a handshake message.
pub fn handshake_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "hello request",
        1 => "client hello",
        2 => "server hello",
        4 => "new session ticket",
        5 => "end of early data",
        8 => "encrypted extensions",
        11 => "certificate",
        12 => "server key exchange",
        13 => "certificate request",
        14 => "server hello done",
        15 => "certificate verify",
        16 => "client key exchange",
        20 => "finished",
        21 => "certificate URL",
        22 => "certificate status",
        23 => "supplemental data",
        24 => "key update",
        25 => "compressed certificate",
        254 => "message hash",
        _ => return None,
    })
}

/// Name of an alert's level.
pub fn alert_level(value: u64) -> Option<&'static str> {
    match value {
        1 => Some("warning"),
        2 => Some("fatal"),
        _ => None,
    }
}

/// Name of an alert.
pub fn alert_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "close notify",
        10 => "unexpected message",
        20 => "bad record MAC",
        21 => "decryption failed",
        22 => "record overflow",
        40 => "handshake failure",
        42 => "bad certificate",
        43 => "unsupported certificate",
        44 => "certificate revoked",
        45 => "certificate expired",
        46 => "certificate unknown",
        47 => "illegal parameter",
        48 => "unknown CA",
        49 => "access denied",
        50 => "decode error",
        51 => "decrypt error",
        70 => "protocol version",
        71 => "insufficient security",
        80 => "internal error",
        86 => "inappropriate fallback",
        90 => "user canceled",
        100 => "no renegotiation",
        109 => "missing extension",
        110 => "unsupported extension",
        112 => "unrecognized name",
        113 => "bad certificate status response",
        115 => "unknown PSK identity",
        116 => "certificate required",
        120 => "no application protocol",
        121 => "ECH required",
        _ => return None,
    })
}

/// Name of a cipher suite.
pub fn cipher_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0x002f => "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0033 => "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        0x0035 => "TLS_RSA_WITH_AES_256_CBC_SHA",
        0x0039 => "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
        0x003c => "TLS_RSA_WITH_AES_128_CBC_SHA256",
        0x003d => "TLS_RSA_WITH_AES_256_CBC_SHA256",
        0x0067 => "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
        0x006b => "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        0x009c => "TLS_RSA_WITH_AES_128_GCM_SHA256",
        0x009d => "TLS_RSA_WITH_AES_256_GCM_SHA384",
        0x009e => "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        0x009f => "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        0x00ff => "TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0x1304 => "TLS_AES_128_CCM_SHA256",
        0x1305 => "TLS_AES_128_CCM_8_SHA256",
        0x5600 => "TLS_FALLBACK_SCSV",
        0xc009 => "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        0xc00a => "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xc013 => "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0xc014 => "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xc023 => "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        0xc024 => "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        0xc027 => "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        0xc028 => "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
        0xc02b => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xc02c => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xc02f => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc030 => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xcca8 => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xcca9 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        0xccaa => "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => return grease(value),
    })
}

/// Name of an extension.
pub fn extension_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "server name",
        1 => "max fragment length",
        5 => "status request",
        10 => "supported groups",
        11 => "EC point formats",
        13 => "signature algorithms",
        14 => "use SRTP",
        15 => "heartbeat",
        16 => "ALPN",
        18 => "signed certificate timestamp",
        19 => "client certificate type",
        20 => "server certificate type",
        21 => "padding",
        22 => "encrypt then MAC",
        23 => "extended master secret",
        27 => "compress certificate",
        28 => "record size limit",
        34 => "delegated credential",
        35 => "session ticket",
        41 => "pre-shared key",
        42 => "early data",
        43 => "supported versions",
        44 => "cookie",
        45 => "PSK key exchange modes",
        47 => "certificate authorities",
        48 => "OID filters",
        49 => "post-handshake authentication",
        50 => "signature algorithms of certificates",
        51 => "key share",
        57 => "QUIC transport parameters",
        0x4469 | 0x44cd => "application settings",
        0xfe0d => "encrypted client hello",
        0xff01 => "renegotiation info",
        _ => return grease(value),
    })
}

/// Name of a group.
pub fn group_name(value: u64) -> Option<&'static str> {
    Some(match value {
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        29 => "x25519",
        30 => "x448",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x6399 => "X25519Kyber768Draft00",
        _ => return grease(value),
    })
}
