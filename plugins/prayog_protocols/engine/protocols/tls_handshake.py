"""The handshake messages of TLS 1.2 (RFC 5246), TLS 1.3 (RFC 8446) and DTLS, with their extensions."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.protocols.tls_numbers import (
    EXTENSIONS,
    GROUPS,
    HANDSHAKE_TYPES,
    SIGNATURES,
    SUITES,
    VERSIONS,
)
from prayog_protocols.engine.spec import (
    Block,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Let,
    Protocol,
    Repeat,
    When,
    branch,
    bytes_,
    text,
    uint,
)

__all__ = ["handshake"]

R13, R12, R6066 = "RFC 8446", "RFC 5246", "RFC 6066"


_PARTS = {
    "ciphersuites": "What the client can do, the dearest first.",
    "comp_methods": "Always none since TLS 1.3: compressing gave secrets away.",
    "extensions_supported_groups": "Curves and groups in which the client can agree on keys.",
    "extensions_ec_point_formats": "How points of curves may be written.",
    "sig_hash_algs": "How certificates and handshakes may be signed.",
    "extensions_alpn_list": "What the client would like to speak inside, the dearest first.",
    "certificates": "The owner's first, then those that vouch for it.",
    "cert_types": "Kinds of certificates that the server takes.",
}


class _Words:
    """Fields under a prefix: "tls" or "dtls"."""

    def __init__(self, prefix: str) -> None:
        self.prefix = f"{prefix}.handshake"
        self.plain = prefix

    def number(self, name: str, width: int, label: str, meaning: str = "", source: str = R13, **more: Any) -> Field:
        return uint(f"{self.prefix}.{name}", width, label, meaning, source, **more)

    def data(self, name: str, size: str | int, label: str, meaning: str = "", source: str = R13, **more: Any) -> Field:
        return bytes_(f"{self.prefix}.{name}", size, label, meaning, source, **more)

    def part(self, name: str, label: str, items: tuple[Item, ...], size: str = "", **more: Any) -> Block:
        own = branch(f"{self.prefix}.{name}" if name else "", label, _PARTS.get(name, ""), R13, key="")
        return Block(own, items, size,
            bytes_("", 0, "Rest", key=f"rest_{name or label}".replace(".", "_").replace(" ", "_").lower()),
                     keeps=True, **more)  # fmt: skip


def _extension_content(w: _Words) -> dict[Any, tuple[Item, ...]]:
    """What an extension holds, by its type.  `hello` is the type of the message around it."""
    return {
        0: (When("ext_len", (w.part("", "Server names", (
            w.number("extensions_server_name_list_len", 16, "Length of the list", "How many bytes follow.",
                f"{R6066} §3", auto="after",
                     key="names_length"),
            Repeat("names", (
                w.number("extensions_server_name_type", 8, "Type", "0: a host.", f"{R6066} §3", key="name_type"),
                w.number("extensions_server_name_len", 16, "Length", "How many bytes follow.", f"{R6066} §3",
                    auto="sizeof('server_name')",
                         key="name_length"),
                text(f"{w.prefix}.extensions_server_name", "name_length", "Server name",
                    "Which site is wanted: one server may hold many. Everybody on the way can read "
                    "it.", f"{R6066} §3", key="server_name"),
            )),
        )),)),),
        1: (w.number("max_fragment_length", 8, "Largest fragment", "As a power of two.", f"{R6066} §4"),),
        5: (When("hello == 1", (
            w.number("extensions_status_request_type", 8, "Type", "1: OCSP.", f"{R6066} §8", key="status_type"),
            w.number("extensions_status_request_responder_ids_len", 16, "Length of responders",
                "How many bytes follow.", f"{R6066} §8",
                     key="responders"),
            bytes_("", "responders", "Responders", key="responder_ids"),
            w.number("extensions_status_request_exts_len", 16, "Length of extensions", "How many bytes follow.",
                f"{R6066} §8",
                key="status_exts"),
        )),),
        10: (
            w.number("extensions_supported_groups_length", 16, "Length", "How many bytes follow.", "RFC 8422 §5.1.1",
                auto="after",
                key="groups_length"),
            w.part("extensions_supported_groups", "Groups", (Repeat("groups", (
                w.number("extensions_supported_group", 16, "Group", "A curve or a field for the key exchange.",
                    f"{R13} §4.2.7",
                         hex=True, values=GROUPS, key="group"),)),), "groups_length"),
        ),
        11: (
            w.number("extensions_ec_point_formats_length", 8, "Length", "How many bytes follow.", "RFC 8422 §5.1.2",
                auto="after",
                key="formats_length"),
            w.part("extensions_ec_point_formats", "Point formats", (Repeat("formats", (
                w.number("extensions_ec_point_format", 8, "Format", "0: uncompressed.", "RFC 8422 §5.1.2",
                    key="format"),)),),
                "formats_length"),
        ),
        (13, 50): (
            w.number("sig_hash_alg_len", 16, "Length", "How many bytes follow.", f"{R13} §4.2.3", auto="after",
                key="schemes_length"),
            w.part("sig_hash_algs", "Signature algorithms", (Repeat("schemes", (_scheme(w),)),), "schemes_length"),
        ),
        14: (
            uint("", 16, "Length of profiles", "", "RFC 5764 §4.1.1", auto="after",
                key="profiles_length") if w.plain == "tls" else
            uint("dtls.use_srtp.protection_profiles_length", 16, "Length of profiles", "How many bytes follow.",
                "RFC 5764 §4.1.1",
                auto="after",
                 key="profiles_length"),
            w.part("", "Profiles", (Repeat("profiles", (
                uint("dtls.use_srtp.protection_profile" if w.plain == "dtls" else "", 16, "Profile",
                    "How media are protected.",
                     "RFC 5764 §4.1.2", hex=True, key="profile"),)),), "profiles_length"),
            uint("dtls.use_srtp.mki_length" if w.plain == "dtls" else "", 8, "Length of the key id",
                "How many bytes follow.",
                "RFC 5764 §4.1.3",
                 key="mki_length"),
        ),
        16: (
            w.number("extensions_alpn_len", 16, "Length", "How many bytes follow.", "RFC 7301 §3.1", auto="after",
                key="alpn_length"),
            w.part("extensions_alpn_list", "Protocols", (Repeat("protocols", (
                w.number("extensions_alpn_str_len", 8, "Length", "How many bytes follow.", "RFC 7301 §3.1",
                    auto="sizeof('protocol')",
                         key="protocol_length"),
                text(f"{w.prefix}.extensions_alpn_str", "protocol_length", "Protocol",
                    "What will be spoken inside: http/1.1, h2.",
                     "RFC 7301 §3.1", key="protocol"),)),), "alpn_length"),
        ),
        21: (w.data("extensions_padding_data", "rest", "Padding", "Makes the message longer.", "RFC 7685",
            key="padding_data"),),
        28: (uint(f"{w.plain}.record_size_limit", 16, "Limit", "Bytes of plain text in a record.", "RFC 8449 §4"),),
        35: (bytes_(f"{w.prefix}.session_ticket" if w.plain == "dtls" else f"{w.prefix}.extension.data", "rest",
            "Ticket", "What the server gave last time.", "RFC 5077 §3.2", key="ticket_data"),),
        41: (Choose("hello", {2: (
            w.number("extensions.psk.identity.selected", 16, "Selected", "Which of the offered ones.", f"{R13} §4.2.11",
                     key="selected"),
        )}, (w.part("", "Pre-shared keys", (
            w.number("extensions.psk.identities.length", 16, "Length", "How many bytes follow.", f"{R13} §4.2.11",
                key="identities_length",
                     auto="sizeof('identities')"),
            w.part("", "Identities", (Repeat("identities", (
                w.number("extensions.psk.identity.identity_length", 16, "Length", "How many bytes follow.",
                    f"{R13} §4.2.11",
                         auto="sizeof('identity')", key="identity_length"),
                w.data("extensions.psk.identity.identity", "identity_length", "Identity", "Mostly a ticket.",
                    f"{R13} §4.2.11",
                       key="identity"),
                w.number("extensions.psk.identity.obfuscated_ticket_age", 32, "Age",
                    "Hidden by a number that the server gave.",
                         f"{R13} §4.2.11.1", key="ticket_age"),)),), "identities_length"),
            w.number("extensions.psk.binders_len", 16, "Length of binders", "How many bytes follow.", f"{R13} §4.2.11",
                auto="after",
                     key="binders_length"),
            Field(f"{w.prefix}.extensions.psk.binders", "Binders", Kind.NONE, size="binders_length", key="binders",
                  meaning="Prove that the keys are known.", source=f"{R13} §4.2.11.2"),
        )),)),),
        43: (Choose("hello", {2: (
            w.number("extensions.supported_version", 16, "Version", "That will be spoken.", f"{R13} §4.2.1", hex=True,
                     values=VERSIONS, key="supported_version"),
        )}, (
            w.number("extensions.supported_versions_len", 8, "Length", "How many bytes follow.", f"{R13} §4.2.1",
                auto="after",
                key="versions_length"),
            Repeat("versions", (w.number("extensions.supported_version", 16, "Version", "That could be spoken.",
                f"{R13} §4.2.1",
                                         hex=True, values=VERSIONS, key="supported_version"),)),
        )),),
        44: (
            w.number("extensions.cookie_len", 16, "Length", "How many bytes follow.", f"{R13} §4.2.2", auto="after",
                key="cookie_length"),
            w.data("extensions.cookie", "rest", "Cookie", "Sent back to the server.", f"{R13} §4.2.2",
                key="cookie_data"),
        ),
        45: (
            uint(f"{w.plain}.extension.psk_ke_modes_length", 8, "Length", "How many bytes follow.", f"{R13} §4.2.9",
                auto="after",
                key="modes_length"),
            Repeat("modes", (uint(f"{w.plain}.extension.psk_ke_mode", 8, "Mode", "1: a fresh key exchange as well.",
                                  f"{R13} §4.2.9", key="mode"),)),
        ),
        51: (w.part("", "Key share", (Choose("1 if hello == 1 else 3 if ext_len == 2 else 2", {
            1: (w.number("extensions_key_share_client_length", 16, "Length", "How many bytes follow.", f"{R13} §4.2.8",
                auto="after",
                         key="shares_length"), Repeat("shares", (_share(w),))),
            2: (_share(w),),
            3: (w.number("extensions_key_share_selected_group", 16, "Group", "Please try again with this one.",
                         f"{R13} §4.2.8", values=GROUPS, key="selected_group"),),
        }, made="1 if hello == 1 else 2"),)),),
        65281: (
            w.number("extensions_reneg_info_len", 8, "Length", "How many bytes follow.", "RFC 5746 §3.2", auto="after",
                key="reneg_length"),
            w.data("extensions_reneg_info", "rest", "Content",
                "Proves that a new handshake belongs to the one before; empty in the first.", "RFC 5746 §3.2",
                                                               key="reneg_info"),
        ),
    }  # fmt: skip


def _scheme(w: _Words) -> Field:
    return Field(f"{w.prefix}.sig_hash_alg", "Algorithm", Kind.UINT, 16, hex=True, values=SIGNATURES, key="scheme",
                 source=f"{R13} §4.2.3", meaning="How something may be signed.", parts=(
                     w.number("sig_hash_hash", 8, "Hash (as TLS 1.2 reads it)", source=f"{R12} §7.4.1.4.1",
                         key="scheme_hash", meaning="The upper byte."),
                     w.number("sig_hash_sig", 8, "Signature (as TLS 1.2 reads it)", source=f"{R12} §7.4.1.4.1",
                              key="scheme_signature", meaning="The lower byte."),
                 ))  # fmt: skip


def _half(w: _Words, name: str, label: str, meaning: str) -> tuple[Field, Field]:
    """A number of a Diffie-Hellman exchange, and its length."""
    source = f"{R12} §7.4.3"
    return (
        w.number(f"{name}_len", 16, f"Length of {name}", "How many bytes follow.", source, auto=f"sizeof('{name}')"),
        w.data(name, f"{name}_len", label, meaning, source),
    )


def _share(w: _Words) -> Block:
    return w.part("", "Key", (
        w.number("extensions_key_share_group", 16, "Group", "Which curve or group.", f"{R13} §4.2.8", values=GROUPS,
            key="share_group"),
        w.number("extensions_key_share_key_exchange_length", 16, "Length", "How many bytes follow.", f"{R13} §4.2.8",
            auto="sizeof('key_exchange')",
                 key="key_length"),
        w.data("extensions_key_share_key_exchange", "key_length", "Public key",
            "One half of the key exchange; from both the shared secret is made.", f"{R13} §4.2.8", key="key_exchange"),
    ))  # fmt: skip


def _extensions(w: _Words, key: str = "extensions") -> tuple[Item, ...]:
    row = Block(branch("", "Extension", caption="{ext_type}"), (
        w.number("extension.type", 16, "Type", "Which one.", f"{R13} §4.2", values=EXTENSIONS, key="ext_type"),
        w.number("extension.len", 16, "Length", "How many bytes follow.", f"{R13} §4.2", auto="after", key="ext_len"),
        Block(branch("", "Content"), (Choose("ext_type", _extension_content(w)),), "ext_len",
              w.data("extension.data", 0, "Content", "Of an extension that this program does not read.",
                  key="ext_data"),
              keeps=True),
    ))  # fmt: skip
    return (
        w.number(
            "extensions_length",
            16,
            "Extensions length",
            "How many bytes follow.",
            f"{R13} §4.2",
            auto=f"sizeof('{key}')",
            key="exts_length",
        ),
        Block(branch("", "Extensions"), (Repeat(key, (row,)),), "exts_length", keeps=True),
    )


def _random(w: _Words) -> tuple[Item, ...]:
    own = w.data(
        "random",
        32,
        "Random",
        "32 fresh bytes from this side: no two sessions are alike.",
        f"{R13} §4.1.2",
        key="random",
    )
    moment = Field(f"{w.prefix}.random_time", "As a time", Kind.TIME, derived=True, key="", source=f"{R12} §7.4.1.2",
                   meaning="Old clients put their clock here; today it is random.")  # fmt: skip
    rest = Field(
        f"{w.prefix}.random_bytes",
        "The other bytes",
        Kind.BYTES,
        derived=True,
        key="",
        meaning="All but the clock in front.",
        source=f"{R12} §7.4.1.2",
    )
    old = "hello == 1 or c.tls_version() != 0x0304"
    return (own, Derive(moment, "int_(random[:4], 'big') * 10**9", "random", old, (0, 32)),
            Derive(rest, "random[4:]", "random", old, (32, 224)))  # fmt: skip


def _session(w: _Words) -> tuple[Item, ...]:
    return (
        w.number("session_id_length", 8, "Session ID length", "How many bytes follow.", f"{R12} §7.4.1.2",
            auto="sizeof('session_id')",
            key="id_length"),
        w.data("session_id", "id_length", "Session ID", "To go on with an old session; in TLS 1.3 only for show.",
               f"{R13} §4.1.2"),
    )  # fmt: skip


_SUITE = {"hex": True, "values": SUITES, "key": "suite"}


def _messages(w: _Words) -> dict[Any, tuple[Item, ...]]:
    version = w.number("version", 16, "Version", "In TLS 1.3 always that of 1.2: the real one is in an extension.",
                       f"{R13} §4.1.2", hex=True, values=VERSIONS, default=0x0303, key="hello_version")  # fmt: skip
    cookie: tuple[Item, ...] = (
        ()
        if w.plain == "tls"
        else (
            w.number(
                "cookie_length",
                8,
                "Cookie length",
                "How many bytes follow.",
                "RFC 6347 §4.2.1",
                auto="sizeof('hello_cookie')",
                key="cookie_size",
            ),
            w.data(
                "cookie",
                "cookie_size",
                "Cookie",
                "Proves that the address is real.",
                "RFC 6347 §4.2.1",
                key="hello_cookie",
            ),
        )
    )
    suites = w.part("ciphersuites", "Cipher suites", (Repeat("suites", (
        w.number("ciphersuite", 16, "Cipher suite", "What the client could use, best first.", f"{R13} §B.4", **_SUITE),
        )),),
        "suites_length")  # fmt: skip
    signature = (
        w.number("client_cert_vrfy.sig_len", 16, "Signature length", "How many bytes follow.", f"{R13} §4.4.3",
            auto="sizeof('verify_signature')",
                 key="verify_length"),
        w.data("client_cert_vrfy.sig", "verify_length", "Signature",
            "Over all that was said: whoever has the certificate's key is really "
            "here.", f"{R13} §4.4.3", key="verify_signature"),
    )  # fmt: skip
    certificate_12: tuple[Item, ...] = (
        w.number("certificates_length", 24, "Length", "How many bytes follow.", f"{R12} §7.4.2",
            auto="sizeof('certificates')",
            key="certs_length"),
        w.part("certificates", "Certificates", (Repeat("certificates", (
            w.number("certificate_length", 24, "Length", "How many bytes follow.", f"{R12} §7.4.2",
                auto="sizeof('certificate')",
                key="cert_length"),
            w.data("certificate", "cert_length", "Certificate", "Says whose the key is; signed by an authority.",
                   f"{R12} §7.4.2"),)),), "certs_length"),
    )  # fmt: skip
    certificate_13: tuple[Item, ...] = (
        w.number("certificate_request_context_length", 8, "Context length", "How many bytes follow.", f"{R13} §4.4.2",
            auto="sizeof('context')",
                 key="context_length"),
        w.data("certificate_request_context", "context_length", "Context",
            "Empty in the handshake; names the request in later ones.", f"{R13} §4.4.2", key="context"),
        w.number("certificates_length", 24, "Length", "How many bytes follow.", f"{R13} §4.4.2",
            auto="sizeof('certificates')",
            key="certs_length"),
        w.part("certificates", "Certificates", (Repeat("certificates", (
            w.number("certificate_length", 24, "Length", "How many bytes follow.", f"{R13} §4.4.2",
                auto="sizeof('certificate')",
                key="cert_length"),
            w.data("certificate", "cert_length", "Certificate", "Says whose the key is; signed by an authority.",
                   f"{R13} §4.4.2"),
            *_extensions(w, "cert_extensions"),)),), "certs_length"),
    )  # fmt: skip
    ticket_12: tuple[Item, ...] = (w.part("", "Ticket", (
        w.number("session_ticket_lifetime_hint", 32, "Lifetime", "How long the ticket may be used.", "RFC 5077 §3.3",
            unit="s", key="lifetime"),
        w.number("session_ticket_length", 16, "Length", "How many bytes follow.", "RFC 5077 §3.3",
            auto="sizeof('ticket')",
            key="ticket_length"),
        w.data("session_ticket", "ticket_length", "Ticket", "Keep this: with it the next handshake is short.",
            "RFC 5077 §3.3",
               key="ticket"),
    )),)  # fmt: skip
    ticket_13: tuple[Item, ...] = (w.part("", "Ticket", (
        w.number("session_ticket_lifetime_hint", 32, "Lifetime", "How long the ticket may be used.", f"{R13} §4.6.1",
            unit="s", key="lifetime"),
        w.number("session_ticket_age_add", 32, "Age mask", "Hides the age when the ticket is used.", f"{R13} §4.6.1"),
        w.number("session_ticket_nonce_length", 8, "Nonce length", "How many bytes follow.", f"{R13} §4.6.1",
            auto="sizeof('nonce')",
                 key="nonce_length"),
        w.data("session_ticket_nonce", "nonce_length", "Nonce", "Makes each ticket's key another one.",
            f"{R13} §4.6.1", key="nonce"),
        w.number("session_ticket_length", 16, "Length", "How many bytes follow.", f"{R13} §4.6.1",
            auto="sizeof('ticket')",
            key="ticket_length"),
        w.data("session_ticket", "ticket_length", "Ticket", "Keep this: with it the next handshake is short.",
            f"{R13} §4.6.1",
               key="ticket"),
        *_extensions(w),
    )),)  # fmt: skip
    exchange: tuple[Item, ...] = (Choose("c.key_exchange()", {"ecdhe": (w.part("", "Key exchange", (
        w.number("server_curve_type", 8, "Curve type", "3: by name.", "RFC 8422 §5.4", hex=True, key="curve_type"),
        w.number("server_named_curve", 16, "Curve", "The curve of the key.", "RFC 8422 §5.4", hex=True, values=GROUPS,
            key="curve"),
        w.number("server_point_len", 8, "Key length", "How many bytes follow.", "RFC 8422 §5.4",
            auto="sizeof('server_point')",
            key="point_length"),
        w.data("server_point", "point_length", "Public key", "One half of the key exchange.", "RFC 8422 §5.4"),
        When("c.tls_version() >= 0x0303", (_scheme(w),)),
        w.number("sig_len", 16, "Signature length", "How many bytes follow.", "RFC 8422 §5.4",
            auto="sizeof('signature')",
            key="signature_length"),
        w.data("sig", "signature_length", "Signature", "By the certificate's key: the half is really the server's.",
               "RFC 8422 §5.4", key="signature"),
    )),), "dhe": (w.part("", "Key exchange", (
        *_half(w, "p", "Prime", "All numbers are taken modulo this one."),
        *_half(w, "g", "Generator", "The base of the powers."),
        *_half(w, "ys", "Public key", "One half of the key exchange."),
        When("c.tls_version() >= 0x0303", (_scheme(w),)),
        w.number("sig_len", 16, "Signature length", "How many bytes follow.", f"{R12} §7.4.3", key="signature_length",
            auto="sizeof('signature')"),
        w.data("sig", "signature_length", "Signature", "By the certificate's key: the half is really the server's.",
               f"{R12} §7.4.3", key="signature"),
    )),)}, (bytes_("", "rest", "Key exchange", key="exchange"),), made="'ecdhe'"),)  # fmt: skip
    return {
        1: (version, *_random(w), *_session(w), *cookie,
            w.number("cipher_suites_length", 16, "Cipher suites length", "How many bytes follow.", f"{R13} §4.1.2",
                auto="sizeof('suites')",
                     key="suites_length"), suites,
            w.number("comp_methods_length", 8, "Compression methods length", "How many bytes follow.", f"{R13} §4.1.2",
                auto="sizeof('methods')",
                     key="methods_length"),
            w.part("comp_methods", "Compression methods", (Repeat("methods", (
                w.number("comp_method", 8, "Method", "0: none; everything else is a danger.", f"{R13} §4.1.2",
                    key="method"),)),),
                "methods_length"),
            When("at < end", _extensions(w))),
        2: (version, *_random(w), *_session(w),
            w.number("ciphersuite", 16, "Cipher suite", "What the server chose.", f"{R13} §B.4", **_SUITE),
            w.number("comp_method", 8, "Compression", "0: none.", f"{R13} §4.1.3", key="method"),
            When("at < end", _extensions(w))),
        3: (uint(f"{w.prefix}.version" if w.plain == "dtls" else "", 16, "Version",
            "That the server takes part in.", "RFC 6347 §4.2.1",
            hex=True,
                 key="verify_version"), *cookie),
        4: (Choose("c.tls_version()", {0x0304: ticket_13}, ticket_12, made="0x0304"),),
        8: _extensions(w),
        11: (Choose("c.tls_version()", {0x0304: certificate_13}, certificate_12, made="0x0304"),),
        12: exchange,
        13: (Choose("c.tls_version()", {0x0304: (
                *certificate_13[:2], *_extensions(w))}, (
                w.number("cert_types_count", 8, "Types count", "How many kinds follow.", f"{R12} §7.4.4",
                    auto="count('cert_types')",
                    key="types_count"),
                Block(branch(f"{w.prefix}.cert_types", "Types", _PARTS["cert_types"], f"{R12} §7.4.4"),
                    (Repeat("cert_types", (
                    w.number("cert_type", 8, "Type", "Which kinds of certificates are welcome.", f"{R12} §7.4.4",
                        values={
                        1: "RSA", 2: "DSS", 64: "ECDSA"}, key="cert_type"),)),), "types_count"),
                w.number("sig_hash_alg_len", 16, "Length", "How many bytes follow.", f"{R12} §7.4.4",
                    key="schemes_length"),
                w.part("sig_hash_algs", "Signature algorithms", (Repeat("schemes", (_scheme(w),)),), "schemes_length"),
                w.number("dnames_len", 16, "Length of names", "How many bytes follow.", f"{R12} §7.4.4",
                    key="dnames_length"),
                bytes_("", "dnames_length", "Names of authorities", key="dnames"),
            ), made="0x0304"),),
        15: (_scheme(w), *signature),
        16: (Choose("c.key_exchange()", {"ecdhe": (w.part("", "Key exchange", (
                w.number("client_point_len", 8, "Key length", "How many bytes follow.", "RFC 8422 §5.7",
                    auto="sizeof('client_point')",
                         key="point_length"),
                w.data("client_point", "point_length", "Public key", "The other half of the key exchange.",
                    "RFC 8422 §5.7"),
            )),),
            "dhe": (w.part("", "Key exchange", _half(w, "yc", "Public key", "The other half of the key exchange.")),),
            "rsa": (w.part("", "Key exchange", (
                w.number("epms_len", 16, "Length", "How many bytes follow.", f"{R12} §7.4.7.1", auto="sizeof('epms')"),
                w.data("epms", "epms_len", "Encrypted premaster secret", "Only the certificate's key opens it: whoever "
                    "gets that key later can read everything that was said.", f"{R12} §7.4.7.1"),
            )),)}, (bytes_("", "rest", "Key exchange", key="exchange"),), made="'ecdhe'"),),
        20: (Field(f"{w.prefix}.verify_data", "Check value", Kind.NONE, size="rest", source=f"{R13} §4.4.4",
            key="verify_data",
                   meaning="Over the whole handshake: nobody changed a word of it."),),
        24: (uint("", 8, "Update wanted", "1: change your keys, too.", f"{R13} §4.6.3", key="update_request"),),
    }  # fmt: skip


def handshake(prefix: str, body_only: bool = False) -> Protocol:
    """One handshake message: its type, its length, and what it says; `body_only` without what stands before that."""
    w = _Words(prefix)
    kind = w.number("type", 8, "Type", "Which message.", f"{R13} §4", values=HANDSHAKE_TYPES, key="hello", default=1)
    length = w.number("length", 24, "Length", "Of the message, without these four bytes.", f"{R13} §4", unit="bytes",
                      auto="size - 4" if prefix == "tls" else "size - 12", key="message_length")  # fmt: skip
    head: tuple[Item, ...] = (kind, length)
    if prefix == "dtls":
        head += (
            w.number("message_seq", 16, "Message number", "Counts the messages.", "RFC 6347 §4.2.2", default=0),
            w.number("fragment_offset", 24, "Fragment offset", "A large message may come in pieces.", "RFC 6347 §4.2.2",
                     default=0),
            w.number("fragment_length", 24, "Fragment length", "Bytes of this piece.", "RFC 6347 §4.2.2",
                auto="size - 12"),
        )  # fmt: skip
    body = (Let("base", "at"), Choose("hello", _messages(w), (bytes_("", "rest", "Content", key="message_content"),)))
    if body_only:
        return Protocol(f"{prefix}.handshake.body", "Handshake message", (Let("hello", "c.hello"), *body), short="TLS",
                        source=R13,
                        meaning="The content of a handshake message, put together from its pieces.")  # fmt: skip
    title = "Handshake message" if prefix == "tls" else "DTLS handshake message"
    return Protocol(f"{prefix}.handshake", title, (*head, *body), short="TLS", source=R13,
                    meaning="Both sides agree on keys and prove who they are.")  # fmt: skip
