"""Who may ask, and what a browser may do with the answer. In: a request. Out: 401, 403, 421, or headers that protect.

Four pieces of middleware: the strict content security policy, the bearer token, no requests from other sites, and none
under a name that is not this server's.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Collection
from typing import final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.errors import shorten

PROTECTED = ("/v1/", "/metrics", "/analyze")
"""What needs the token: everything but the page, its reference and the two health checks."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@final
class SecurityHeaders:
    """Middleware: adds `SECURITY_HEADERS`, and asks that no answer be kept anywhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith("/page/") else "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


@final
class BearerToken:
    """Middleware: 401 for a request to `PROTECTED` without the token."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PROTECTED) or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("authorization", "").encode("latin-1")
        if secrets.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
            return
        refusal = {"detail": "expected the header  Authorization: Bearer TOKEN  with the token of this server"}
        await JSONResponse(refusal, 401, headers={"WWW-Authenticate": "Bearer"})(scope, receive, send)


@final
class SameSite:
    """Middleware: 403 for a request that a page of another origin makes a browser send.

    A form needs no permission to be sent across origins, only to read the answer; so the work is refused, too.
    """

    def __init__(self, app: ASGIApp, *, allowed: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"].startswith(PROTECTED) and self._is_foreign(Headers(scope=scope)):
            refusal = {"detail": "requests from pages of other origins are off: the server's --allow-origin allows one"}
            await JSONResponse(refusal, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin in self._allowed or "*" in self._allowed:
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:  # a browser's word, right behind a proxy, too
            return site not in ("same-origin", "none")
        return origin is not None and urlsplit(origin).netloc != headers.get("host")


@final
class KnownHost:
    """Middleware: 421 for a request under a name that is neither loopback's nor an allowed one.

    A page anywhere may let its own name lead to 127.0.0.1 (DNS rebinding): the browser then takes this server for the
    page's own, and only the name in `Host` tells.
    """

    def __init__(self, app: ASGIApp, *, allowed: Collection[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset("*" if name == "*" else name_host(name) for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = [name_host(value.decode("latin-1")) for name, value in scope["headers"] if name == b"host"]
        strange = [host for host in hosts if not (is_loopback(host) or {host, "*"} & self._allowed)]
        if not strange:
            await self._app(scope, receive, send)
            return
        detail = f"expected the host localhost, found {shorten(strange[0], 80)}: the server's --allow-host allows one"
        await JSONResponse({"detail": detail}, 421)(scope, receive, send)


def name_host(text: str) -> str:
    """Return the host of a `Host` header, without its port.

    >>> name_host("Mien.Example:8000"), name_host("[::1]:8000"), name_host("::1")
    ('mien.example', '::1', '::1')
    """
    text = text.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host = text.partition(":")[0] if text.count(":") == 1 else text
    return host.rstrip(".")


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's own, whatever a name server says.

    >>> is_loopback("localhost"), is_loopback("127.0.0.2"), is_loopback("::1"), is_loopback("localhost.example")
    (True, True, True, False)
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
