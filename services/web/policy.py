"""What a browser is told of each page: where it may load from, which is nowhere unless the page says so."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

_NONE = "'none'"

#: What a page may do: no page loads anything but our own styles, sends a form anywhere but here, or is framed.
_ALWAYS = {
    "default-src": "'none'",
    "style-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

#: What a page may ask for besides, by name.
MORE = {
    "scripts": {"script-src": "'self'", "connect-src": "'self'"},
    "pictures": {"img-src": "'self'"},
}


def policy(allowed: Iterable[str] = ()) -> str:
    """The Content-Security-Policy (W3C, level 3) of a page that is allowed these of `MORE`."""
    rules = dict(_ALWAYS)
    for name in allowed:
        rules |= MORE[name]
    return "; ".join(f"{what} {where}" for what, where in rules.items())


def headers(allowed: Iterable[str] = ()) -> dict[str, str]:
    """The headers of a page. What somebody signed in for is kept by no browser and no proxy."""
    return {
        "Content-Security-Policy": policy(allowed),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
    }


def of_picture(svg: str) -> str:
    """The same of a picture of ours, which loads nothing, and has the styles within it that these are."""
    styles = re.findall(r"<style>(.*?)</style>", svg, re.DOTALL)
    hashes = [f"'sha256-{b64encode(sha256(html.unescape(it).encode()).digest()).decode()}'" for it in styles]
    return f"default-src 'none'; style-src {' '.join(hashes) or _NONE}; frame-ancestors 'none'"
