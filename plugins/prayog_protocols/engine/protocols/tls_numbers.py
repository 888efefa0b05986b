"""Numbers of TLS: versions, cipher suites, groups, signature schemes, alerts (the IANA registries)."""

from __future__ import annotations

VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3",
            0xFEFF: "DTLS 1.0", 0xFEFD: "DTLS 1.2", 0xFEFC: "DTLS 1.3"}  # fmt: skip
CONTENT_TYPES = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data", 24: "heartbeat"}
HANDSHAKE_TYPES = {
    0: "Hello Request", 1: "Client Hello", 2: "Server Hello", 3: "Hello Verify Request", 4: "New Session Ticket",
    5: "End of Early Data", 8: "Encrypted Extensions", 11: "Certificate", 12: "Server Key Exchange",
    13: "Certificate Request", 14: "Server Hello Done", 15: "Certificate Verify", 16: "Client Key Exchange",
    20: "Finished",
        22: "Certificate Status",
    24: "Key Update", 25: "Compressed Certificate", 254: "Message Hash",
}  # fmt: skip
SUITES = {
    0x002F: "RSA, AES-128-CBC, SHA-1", 0x0035: "RSA, AES-256-CBC, SHA-1", 0x003C: "RSA, AES-128-CBC, SHA-256",
    0x003D: "RSA, AES-256-CBC, SHA-256", 0x009C: "RSA, AES-128-GCM", 0x009D: "RSA, AES-256-GCM",
    0x009E: "DHE-RSA, AES-128-GCM", 0x009F: "DHE-RSA, AES-256-GCM", 0x00FF: "renegotiation info (no cipher)",
    0x1301: "AES-128-GCM, SHA-256", 0x1302: "AES-256-GCM, SHA-384", 0x1303: "ChaCha20-Poly1305, SHA-256",
    0x1304: "AES-128-CCM, SHA-256", 0x1305: "AES-128-CCM-8, SHA-256", 0x5600: "fallback (no cipher)",
    0xC009: "ECDHE-ECDSA, AES-128-CBC, SHA-1", 0xC00A: "ECDHE-ECDSA, AES-256-CBC, SHA-1",
    0xC013: "ECDHE-RSA, AES-128-CBC, SHA-1", 0xC014: "ECDHE-RSA, AES-256-CBC, SHA-1",
    0xC023: "ECDHE-ECDSA, AES-128-CBC, SHA-256", 0xC024: "ECDHE-ECDSA, AES-256-CBC, SHA-384",
    0xC027: "ECDHE-RSA, AES-128-CBC, SHA-256", 0xC028: "ECDHE-RSA, AES-256-CBC, SHA-384",
    0xC02B: "ECDHE-ECDSA, AES-128-GCM", 0xC02C: "ECDHE-ECDSA, AES-256-GCM", 0xC02F: "ECDHE-RSA, AES-128-GCM",
    0xC030: "ECDHE-RSA, AES-256-GCM", 0xC0AC: "ECDHE-ECDSA, AES-128-CCM", 0xC0AD: "ECDHE-ECDSA, AES-256-CCM",
    0xCCA8: "ECDHE-RSA, ChaCha20-Poly1305", 0xCCA9: "ECDHE-ECDSA, ChaCha20-Poly1305", 0xCCAA:
        "DHE-RSA, ChaCha20-Poly1305",
}  # fmt: skip
GROUPS = {0x0017: "secp256r1 (P-256)", 0x0018: "secp384r1 (P-384)", 0x0019: "secp521r1 (P-521)", 0x001D: "x25519",
          0x001E: "x448", 0x0100: "ffdhe2048", 0x0101: "ffdhe3072", 0x0102: "ffdhe4096", 0x0103: "ffdhe6144",
          0x0104: "ffdhe8192", 0x11EC: "X25519 with ML-KEM-768"}  # fmt: skip
SIGNATURES = {
    0x0201: "RSA, SHA-1", 0x0203: "ECDSA, SHA-1", 0x0401: "RSA, SHA-256", 0x0403: "ECDSA P-256, SHA-256",
    0x0501: "RSA, SHA-384", 0x0503: "ECDSA P-384, SHA-384", 0x0601: "RSA, SHA-512", 0x0603: "ECDSA P-521, SHA-512",
    0x0804: "RSA-PSS, "
            "SHA-256", 0x0805: "RSA-PSS, SHA-384", 0x0806: "RSA-PSS, SHA-512", 0x0807: "Ed25519", 0x0808: "Ed448",
    0x0809: "RSA-PSS key, SHA-256", 0x080A: "RSA-PSS key, SHA-384", 0x080B: "RSA-PSS key, SHA-512",
}  # fmt: skip
EXTENSIONS = {
    0: "server name", 1: "largest fragment", 5: "status request", 10: "supported groups", 11: "point formats",
    13: "signature algorithms", 14: "use SRTP", 15: "heartbeat", 16: "application protocol (ALPN)",
    17: "status request 2", 18: "certificate timestamps", 21: "padding", 22: "encrypt then MAC",
    23: "extended master secret", 27: "certificate compression", 28: "record size limit", 35: "session ticket",
    41: "pre-shared key", 42: "early data", 43: "supported versions", 44: "cookie", 45: "key exchange modes",
    47: "certificate authorities",
    49: "client certificate "
    "later", 50: "signature algorithms of certificates", 51: "key share", 57: "QUIC parameters", 65281: "renegotiation",
}  # fmt: skip
ALERTS = {
    0: "close notify", 10: "unexpected message", 20: "bad record MAC", 22: "record overflow", 40: "handshake failure",
    42: "bad certificate", 43: "unsupported certificate", 44: "certificate revoked", 45: "certificate expired",
    46: "certificate unknown", 47: "illegal parameter", 48: "unknown authority", 49: "access denied",
    50: "decode error", 51: "decrypt error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
    86: "fallback", 90: "user cancelled", 100: "no renegotiation", 109: "extension missing",
    110: "unsupported extension", 112: "unknown server name", 115: "unknown identity", 116: "certificate required",
    120: "no application protocol",
}  # fmt: skip
