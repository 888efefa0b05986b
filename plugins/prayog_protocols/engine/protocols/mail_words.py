"""The words of the text protocols: commands and replies of SMTP, POP3, IMAP and FTP, and what they mean."""

from __future__ import annotations

SMTP_COMMANDS = {
    "EHLO": "Who I am; tell me your extensions.", "HELO": "Who I am, as in 1982.", "MAIL":
        "A mail from this sender: the envelope "
        "begins.", "RCPT": "One recipient of the envelope.", "DATA": "Now comes the message itself.",
    "BDAT": "Now comes a piece of the message, so many bytes (RFC 3030).", "RSET": "Forget what I began.",
    "VRFY": "Is there such a user? Mostly not answered.", "EXPN": "Who is on this list? Mostly not answered.",
    "HELP": "What can you do?", "NOOP": "Nothing; are you there?", "QUIT": "Good bye.", "AUTH":
        "I want to log in (RFC 4954).",
    "STARTTLS": "Let us go on encrypted (RFC 3207).",
}  # fmt: skip
SMTP_REPLIES = {
    211: "system status", 214: "help", 220: "ready", 221: "closing", 235: "authentication succeeded", 250: "done",
    251: "not here, will be forwarded", 252: "cannot check, will try", 334: "go on with the login",
        354: "go on with the message; end it with a dot alone on a "
        "line", 421: "not available, closing", 450: "mailbox busy: try later",
    451: "trouble here: try "
         "later", 452: "no room: try later", 454: "temporary failure", 500: "unknown command", 501: "wrong arguments",
    502: "not "
    "implemented", 503: "not now", 504: "argument not implemented", 530: "log in first", 535: "wrong name or password",
    550: "no such mailbox, or refused", 551: "not here", 552: "too much", 553: "bad mailbox name", 554: "failed",
}  # fmt: skip
POP_COMMANDS = {
    "USER": "My name.", "PASS": "My password, readable by all.", "APOP": "Name, and a digest instead of a password.",
    "AUTH": "Log in another way (RFC 5034).", "STAT": "How many messages, and how large?", "LIST": "How large is each?",
    "UIDL": "A name for each that stays the same.", "RETR": "Send me this message.", "TOP":
        "Send me its headers and some "
        "lines.", "DELE": "Mark it for deletion; QUIT deletes.", "RSET": "Take all marks back.", "NOOP": "Nothing.",
    "CAPA": "What can you do? (RFC 2449)", "STLS": "Let us go on encrypted (RFC 2595).", "QUIT":
        "Good bye, and delete now.",
}  # fmt: skip
IMAP_COMMANDS = {
    "CAPABILITY": "What can you do?", "NOOP": "Anything new?", "LOGOUT": "Good bye.", "STARTTLS":
        "Let us go on encrypted.",
    "AUTHENTICATE": "I want to log in.", "LOGIN": "My name and password.", "SELECT": "Open this mailbox.",
    "EXAMINE": "Open this mailbox, reading only.", "CREATE": "Make a mailbox.", "DELETE": "Remove a mailbox.",
    "RENAME": "Rename a mailbox.",
    "SUBSCRIBE": "Show this mailbox in my list.", "UNSUBSCRIBE": "Do not show it.", "LIST":
        "Which mailboxes are there?",
    "LSUB": "Which are in my list?", "STATUS": "How many messages are in it?", "APPEND":
        "Put this message into a mailbox.",
    "CHECK": "Tidy up.", "CLOSE": "Close the mailbox and remove what is marked.", "EXPUNGE": "Remove what is marked.",
    "SEARCH": "Which messages are like this?", "FETCH": "Send me parts of messages.", "STORE": "Change flags.",
    "COPY": "Copy messages to another mailbox.", "MOVE": "Move them (RFC 6851).", "UID":
        "The next command counts by lasting "
        "numbers.", "IDLE": "Tell me when something happens (RFC 2177).", "DONE": "Enough of IDLE.",
}  # fmt: skip
FTP_COMMANDS = {
    "USER": "My name.", "PASS": "My password, readable by all.", "ACCT": "My account.", "CWD": "Go to this directory.",
    "CDUP": "Go up.", "SMNT": "Another file system.", "QUIT": "Good bye.", "REIN": "Begin again, not logged in.",
    "PORT": "Connect to me there for data (active).", "PASV": "Where can I connect to for data (passive)?",
    "EPRT": "As PORT, for IPv6, too (RFC 2428).", "EPSV": "As PASV, the port only (RFC 2428).", "TYPE":
        "A: text, I: bytes.",
    "STRU": "F: file, R: records, P: pages.", "MODE": "S: stream, B: block, C: compressed.", "RETR":
        "Send me this file.",
    "STOR": "Take this file.", "STOU": "Take this file under a new name.", "APPE": "Add this to the file.",
    "ALLO": "Make "
    "room.", "REST": "Begin at this byte.", "RNFR": "Rename this …", "RNTO": "… to that.", "ABOR": "Stop the transfer.",
    "DELE": "Delete this file.", "RMD": "Remove this directory.", "MKD": "Make this directory.", "PWD": "Where am I?",
    "LIST": "What is here, in long?", "NLST": "What is here, names only?", "SITE": "Something of this server's own.",
    "SYST": "What kind of system are you?", "STAT": "How is it going?", "HELP": "What can you do?", "NOOP": "Nothing.",
    "FEAT": "Which extensions do you know (RFC 2389)?", "OPTS": "Options of a command.", "SIZE":
        "How large is it (RFC 3659)?",
    "MDTM": "When was it changed?", "MLSD": "What is here, for programs?", "MLST": "What is this, for programs?",
    "AUTH": "Let us go on encrypted (RFC 4217).", "PBSZ": "Buffer size of the protection.", "PROT":
        "Protect data, too.",
}  # fmt: skip
FTP_REPLIES = {
    110: "restart marker", 120: "ready in some minutes", 125: "data connection open, transfer begins",
    150: "opening the data "
         "connection", 200: "done", 202: "not needed here", 211: "status or help", 212: "directory status",
    213: "file status", 214: "help", 215: "the system's name", 220: "ready", 221: "good bye",
    225: "data connection open",
    226: "data connection closed: transfer "
         "done", 227: "passive: connect there", 228: "long passive", 229: "extended passive: connect there",
    230: "logged in", 234: "going on encrypted", 250: "done", 257: "a path", 331: "password, please",
    332: "account, please", 350: "go on", 421: "closing", 425: "cannot open the data connection",
    426: "transfer broken off",
    430: "wrong name or "
         "password", 450: "busy", 451: "trouble here", 452: "no room", 500: "unknown command", 501: "wrong arguments",
    502: "not implemented", 503: "not now", 504: "argument not implemented", 522: "address family not supported",
    530: "not logged in", 532: "account needed", 534: "policy", 550: "no such file, or no permission", 551: "page type",
    552: "too much",
    553: "bad name",
}  # fmt: skip
