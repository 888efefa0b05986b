"""The words of HTTP: methods, status codes and header fields, and what they mean (RFC 9110)."""

from __future__ import annotations

from typing import Any

from prayog_protocols.engine.spec import Field, Kind

R = "RFC 9110"

METHODS = {
    "GET": "Fetch it. Safe: it changes nothing.", "HEAD": "As GET, but only the headers.",
    "POST": "Take this and do something with it. Not to be repeated without asking.",
    "PUT": "Put this there, whole. Twice is the same as once.", "DELETE": "Remove it. Twice is the same as once.",
    "PATCH": "Change a part of it (RFC 5789).", "OPTIONS": "What may be done with it?",
    "TRACE": "Send my request back to me.", "CONNECT": "Open a tunnel to there (for a proxy).",
}  # fmt: skip
# Further methods that are taken for one (WebDAV, UPnP and others).
OTHER_METHODS = (
    "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "NOTIFY", "SUBSCRIBE",
    "UNSUBSCRIBE", "M-SEARCH", "MERGE", "PURGE", "LINK", "UNLINK",
)  # fmt: skip
STATUS = {
    100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints", 200: "OK", 201: "Created",
    202: "Accepted", 203: "Non-authoritative Information", 204: "No Content", 205: "Reset Content",
    206: "Partial Content", 207: "Multi-Status", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Found",
    303: "See Other", 304: "Not Modified", 305: "Use Proxy", 307: "Temporary Redirect", 308: "Permanent Redirect",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Time-out",
    409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Request Entity Too Large",
    414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Request Range Not Satisfiable",
    417: "Expectation Failed", 418: "I'm a teapot", 421: "Misdirected Request", 422: "Unprocessable Entity",
    423: "Locked", 424: "Failed Dependency", 426: "Upgrade Required", 428: "Precondition Required",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Time-out", 505: "HTTP Version not supported", 507: "Insufficient Storage",
    511: "Network Authentication Required",
}  # fmt: skip
MEANINGS = {
    100: "Go on: send the content.", 101: "From now on we speak another protocol here.", 200: "Here it is.",
    201: "Made; Location says where.", 202: "Taken; the work comes later.", 204: "Done, and there is nothing to send.",
    206: "Here is the part that was asked for.", 301: "It has moved for good. A POST may become a GET.",
    302: "It is elsewhere for now. A POST may become a GET.", 303: "See there, with GET.",
        304: "What you have is still good.",
    307: "Elsewhere for now, with the same method.", 308: "Elsewhere for good, with the same method.",
    400: "I cannot understand this request.", 401: "Who are you? WWW-Authenticate says how to prove it.",
    403: "I know who you are, and no.", 404: "There is nothing here.", 405: "Not with this method; Allow says which.",
    408: "You took too long.", 409: "That does not fit the present state.", 410: "It was here, and is gone for good.",
    413: "Too large.", 429: "Slow down; Retry-After may say how long.", 500: "Something broke here.",
    502: "The server behind me answered nonsense.", 503: "Not now: too much to do, or under repair.",
    504: "The server behind me did not answer in time.",
}  # fmt: skip


def _text(name: str, label: str, meaning: str = "", source: str = R, kind: Kind = Kind.TEXT, **more: Any) -> Field:
    return Field(f"http.{name}", label, kind, meaning=meaning, source=source, **more)


METHOD = _text("request.method", "Method", "What should be done.", f"{R} §9", values=METHODS)
URI = _text("request.uri", "Target", "With which resource.", "RFC 9112 §3.2")
PATH = _text("request.uri.path", "Path", "Where it is on the server.", "RFC 3986 §3.3")
QUERY = _text("request.uri.query", "Query", "What is asked of it.", "RFC 3986 §3.4")
PARAMETER = _text("request.uri.query.parameter", "Parameter", "One of the things asked.", "RFC 3986 §3.4")
REQUEST_VERSION = _text("request.version", "Version", "Of the protocol that the client speaks.", "RFC 9112 §2.3")
RESPONSE_VERSION = _text("response.version", "Version", "Of the protocol that the server speaks.", "RFC 9112 §2.3")
CODE = _text("response.code", "Status", "How it went: 2xx well, 3xx elsewhere, 4xx your fault, 5xx mine.", f"{R} §15",
             Kind.UINT, values=MEANINGS)  # fmt: skip
CODE_TEXT = _text("response.code.desc", "Status in words", "As the registry has it.", f"{R} §15", derived=True)
PHRASE = _text("response.phrase", "Reason", "Words for people; programs look at the number only.", "RFC 9112 §4")
REQUEST_LINE = _text("request.line", "Header line", "One line of the request's headers.", "RFC 9112 §5", derived=True)
RESPONSE_LINE = _text(
    "response.line", "Header line", "One line of the response's headers.", "RFC 9112 §5", derived=True
)
IS_REQUEST = _text("request", "A request", "The message is a request.", kind=Kind.BOOL, derived=True)
IS_RESPONSE = _text("response", "A response", "The message is a response.", kind=Kind.BOOL, derived=True)
REQUEST_NUMBER = _text("request_number", "Request number", "On this connection.", kind=Kind.UINT, derived=True)
RESPONSE_NUMBER = _text("response_number", "Response number", "On this connection.", kind=Kind.UINT, derived=True)
FULL_URI = _text("request.full_uri", "Whole address", "Host and target together.", derived=True)
RESPONSE_FOR = _text("response_for.uri", "Answer about", "The address that was asked for.", derived=True)
REQUEST_IN = _text("request_in", "Answers packet", "The request that this answers.", kind=Kind.FRAME, derived=True)
RESPONSE_IN = _text("response_in", "Answered in packet", "The response to this request.", kind=Kind.FRAME, derived=True)
PREVIOUS_REQUEST = _text(
    "prev_request_in", "Request before in packet", "On the same connection.", kind=Kind.FRAME, derived=True
)
PREVIOUS_RESPONSE = _text(
    "prev_response_in", "Response before in packet", "On the same connection.", kind=Kind.FRAME, derived=True
)
NEXT_REQUEST = _text(
    "next_request_in", "Next request in packet", "On the same connection.", kind=Kind.FRAME, derived=True
)
NEXT_RESPONSE = _text(
    "next_response_in", "Next response in packet", "On the same connection.", kind=Kind.FRAME, derived=True
)
TIME = _text("time", "Time to answer", "From request to response.", kind=Kind.DURATION, derived=True, unit="s")
CHUNK_SIZE = _text(
    "chunk_size", "Chunk size", "In hexadecimal; 0 ends the content.", "RFC 9112 §7.1", Kind.UINT, unit="bytes"
)
CHUNK_DATA = _text("chunk_data", "Chunk", "A piece of the content.", "RFC 9112 §7.1", Kind.BYTES)
CHUNK_END = _text("chunk_boundary", "End of chunk", "An empty line.", "RFC 9112 §7.1", Kind.BYTES)
TRAILER = _text("chunked_trailer_part", "Trailer", "Header lines after the content.", "RFC 9112 §7.1.2")
FILE_DATA = _text(
    "file_data", "Content", "What was sent, as it was meant: chunks joined, compression undone.", f"{R} §6.4"
)
LENGTH = _text("content_length", "Length", "As a number.", kind=Kind.UINT, derived=True, unit="bytes")
BASIC = _text(
    "authbasic", "Name and password", "Base64 hides nothing: anybody can read them.", "RFC 7617", derived=True
)
COOKIE_PAIR = _text("cookie_pair", "Cookie", "One name and its value.", "RFC 6265 §4.2")

_HEADERS: dict[str, tuple[str, str, str]] = {
    "accept": ("accept", "Which kinds of content the client takes.", f"{R} §12.5.1"),
    "accept-encoding": ("accept_encoding", "Which compressions the client understands.", f"{R} §12.5.3"),
    "accept-language": ("accept_language", "Which languages the reader likes.", f"{R} §12.5.4"),
    "authorization": ("authorization", "Who the client is, and the proof.", f"{R} §11.6.2"),
    "cache-control": ("cache_control", "Who may keep a copy, and how long.", "RFC 9111 §5.2"),
    "connection": ("connection", "Whether the connection stays open, and which headers are for this hop only.",
        f"{R} §7.6.1"),
    "content-encoding": ("content_encoding", "How the content was compressed.", f"{R} §8.4"),
    "content-length": ("content_length_header", "How many bytes of content follow.", f"{R} §8.6"),
    "content-type": ("content_type", "What kind of content it is.", f"{R} §8.3"),
    "cookie": ("cookie", "What the server asked the client to remember: this is how a stateless protocol knows you.",
               "RFC 6265 §4.2"),
    "date": ("date", "When the message was made.", f"{R} §6.6.1"),
    "host": ("host", "Which site is meant: one server can hold many. The only header that a request must have.",
        f"{R} §7.2"),
    "http2-settings": ("http2_settings", "For going over to HTTP/2.", "RFC 7540 §3.2.1"),
    "last-modified": ("last_modified", "When it was last changed.", f"{R} §8.8.2"),
    "location": ("location", "Where it is now.", f"{R} §10.2.2"),
    "proxy-authenticate": ("proxy_authenticate", "How to prove yourself to the proxy.", f"{R} §11.7.1"),
    "proxy-authorization": ("proxy_authorization", "The proof for the proxy.", f"{R} §11.7.2"),
    "proxy-connection": ("proxy_connect_host", "Never standardised.", ""),
    "referer": ("referer", "The page from which the reader comes (the spelling is an old mistake).", f"{R} §10.1.3"),
    "sec-websocket-accept": ("sec_websocket_accept",
        "Proves that the server understood: SHA-1 over the key and a fixed text.",
                             "RFC 6455 §4.2.2"),
    "sec-websocket-extensions": ("sec_websocket_extensions", "Extensions wanted or agreed on.", "RFC 6455 §9"),
    "sec-websocket-key": ("sec_websocket_key", "16 random bytes, so that no cache can answer.", "RFC 6455 §4.1"),
    "sec-websocket-protocol": ("sec_websocket_protocol", "What will be spoken inside.", "RFC 6455 §1.9"),
    "sec-websocket-version": ("sec_websocket_version", "13.", "RFC 6455 §4.1"),
    "server": ("server", "Which program answers.", f"{R} §10.2.4"),
    "set-cookie": ("set_cookie", "Please send this back with every request.", "RFC 6265 §4.1"),
    "transfer-encoding": ("transfer_encoding", "chunked: the length is not known yet, so the content comes in pieces.",
                          "RFC 9112 §6.1"),
    "upgrade": ("upgrade", "Another protocol that could be spoken here.", f"{R} §7.8"),
    "user-agent": ("user_agent", "Which program asks.", f"{R} §10.1.5"),
    "www-authenticate": ("www_authenticate", "How to prove who you are.", f"{R} §11.6.1"),
    "x-forwarded-for": ("x_forwarded_for", "For whom a proxy asks. Anybody can write it.", "RFC 7239"),
}  # fmt: skip
HEADERS = {header: _text(name, header.title(), meaning, source) for header, (name, meaning, source) in _HEADERS.items()
           if header != "proxy-connection"}  # fmt: skip

FIELDS = tuple(value for value in dict(globals()).values() if isinstance(value, Field)) + tuple(HEADERS.values())
