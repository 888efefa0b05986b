"""Markdown to the HTML that Qt's text widgets understand, in the colours of the theme.

CommonMark with tables and strike-through; raw HTML is shown as text.  Two additions:

* a quotation that begins with ``[!NOTE]``, ``[!TIP]``, ``[!WARNING]`` or ``[!MYTH]`` (words behind it replace the
  heading) becomes a callout;
* ``{measure_name}`` becomes a live number.

Qt lays out tables better than styled blocks, so callouts and code are one-row tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from prayog_sdk.lessons import LIVE
from prayog_sdk.qt import theme

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

__all__ = ["html", "say", "style"]

_CALLOUT = re.compile(r"\[!(NOTE|TIP|WARNING|MYTH)\][ \t]*(.*)(?:\n|$)")
_HEADINGS = {"NOTE": "Note", "TIP": "Try this", "WARNING": "Take care", "MYTH": "Often read, but not so"}
_COLOURS = {  # callout -> (bar, ground) roles of the theme
    "NOTE": ("accent", "accent_soft"),
    "TIP": ("good", "good_soft"),
    "WARNING": ("bad", "bad_soft"),
    "MYTH": ("warn", "warn_soft"),
    "": ("faint", "surface"),
}


def html(text: str, values: Mapping[str, Any]) -> str:
    """`text` as HTML for a `QTextDocument` whose default style sheet is `style()`."""
    return str(_parser(lambda name: say(values.get(name))).render(text))


def say(value: Any) -> str:
    """A measure in words: 1,234; 0.125; yes; — when it is not known yet."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def style() -> str:
    """The style sheet of the documents."""
    t = theme.current()
    points = theme.body_points()
    return f"""
    body, p, li, td, th {{ color: {t.text}; line-height: 140%; }}
    b, strong, th {{ font-weight: 600; }}
    table {{ margin: {theme.scaled(4)}px 0 {theme.scaled(12)}px 0; }}
    p {{ margin: 0 0 {theme.scaled(8)}px 0; }}
    h1, h2, h3, h4 {{ color: {t.text}; font-weight: 600; }}
    h1 {{ font-size: {points * 1.44:.2f}pt; margin: {theme.scaled(4)}px 0 {theme.scaled(8)}px 0; }}
    h2 {{ font-size: {points * 1.2:.2f}pt; margin: {theme.scaled(12)}px 0 {theme.scaled(6)}px 0; }}
    h3, h4 {{ font-size: {points:.2f}pt; margin: {theme.scaled(8)}px 0 {theme.scaled(4)}px 0; }}
    ul, ol {{ margin: 0 0 {theme.scaled(8)}px 0; }}
    li {{ margin: 0 0 {theme.scaled(3)}px 0; }}
    a {{ color: {t.accent}; text-decoration: underline; }}
    code, pre {{ font-family: "{theme.MONO}", monospace; font-size: {points * 0.95:.2f}pt; }}
    code {{ background-color: {t.raised}; }}
    pre {{ margin: 0; white-space: pre-wrap; line-height: 130%; }}
    .live {{ font-weight: 600; color: {t.accent}; }}
    .callout {{ font-weight: 600; margin: 0 0 {theme.scaled(4)}px 0; }}
    """


def _parser(value: Callable[[str], str]) -> MarkdownIt:
    from markdown_it import MarkdownIt

    t = theme.current()
    parser = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable(["table", "strikethrough"])
    parser.core.ruler.after("block", "callouts", _callouts)
    pad = theme.scaled(8)

    def text(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        return LIVE.sub(
            lambda found: f'<span class="live">{escape(value(found[1]))}</span>', escape(tokens[index].content)
        )

    def code(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        body = escape(tokens[index].content.rstrip("\n"))
        return (
            f'<table width="100%" cellspacing="0" cellpadding="{pad}" border="0"><tr>'
            f'<td bgcolor="{t.raised}"><pre>{body}</pre></td></tr></table>'
        )

    def open_callout(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        kind, title = tokens[index].meta.get("callout", ("", ""))
        bar, ground = (getattr(t, role) for role in _COLOURS[kind])
        head = f'<p class="callout" style="color:{bar}">{escape(title)}</p>' if title else ""
        room = f"padding: {pad}px {pad * 1.5:.0f}px {pad / 4:.0f}px {pad * 1.5:.0f}px"
        return (
            f'<table width="100%" cellspacing="0" cellpadding="0" border="0"><tr>'
            f'<td width="3" bgcolor="{bar}"></td><td bgcolor="{ground}" style="{room}">{head}'
        )

    def close_callout(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        return '</td></tr></table>'

    def open_table(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        return (
            f'<table border="1" cellspacing="0" cellpadding="{pad * 0.75:.0f}" '
            f'style="border-collapse: collapse; border-color: {t.faint}">'
        )

    def close_table(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        return '</table>'

    rules = {
        "text": text, "fence": code, "code_block": code, "blockquote_open": open_callout,
        "blockquote_close": close_callout, "table_open": open_table, "table_close": close_table,
    }  # fmt: skip
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


def _callouts(state: StateCore) -> None:
    """Mark the quotations that are callouts, and take the marker out of their text."""
    for index, token in enumerate(state.tokens[:-2]):
        if token.type != "blockquote_open" or state.tokens[index + 2].type != "inline":
            continue
        inline = state.tokens[index + 2]
        if found := _CALLOUT.match(inline.content):
            token.meta = {"callout": (found[1], found[2].strip() or _HEADINGS[found[1]])}
            inline.content = inline.content[found.end() :]
