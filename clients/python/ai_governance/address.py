"""Where the gateway is, and through which proxy it is reached."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import re
import ssl
import urllib.request
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from ai_governance.errors import invalid_argument

PRINTABLE = re.compile(r"[!-~]+")


class Address(NamedTuple):
    """The origin of the gateway, and the path in front of its own paths ("" for none)."""

    scheme: str
    host: str
    port: int
    prefix: str


def parse_address(url: str) -> Address:
    """Raises GovernanceError `invalid_argument` for what is not the address of a gateway.

    The error does not repeat the address: it may hold a password.
    """
    wanted = "the address of the gateway is like http://127.0.0.1:8080"
    if not PRINTABLE.fullmatch(url):
        raise invalid_argument(wanted)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise invalid_argument(wanted) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid_argument(wanted)
    if parts.username is not None or parts.query or parts.fragment:
        raise invalid_argument("an address has no user, no query and no fragment")
    default = 443 if parts.scheme == "https" else 80
    return Address(parts.scheme, parts.hostname, port or default, parts.path.rstrip("/"))


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_for(address: Address) -> SplitResult | None:
    """The proxy that the environment names, never for this machine itself."""
    if is_loopback(address.host) or urllib.request.proxy_bypass(address.host):
        return None
    named = urllib.request.getproxies().get(address.scheme)
    if not named:
        return None
    try:
        proxy = urlsplit(named if "://" in named else f"http://{named}")
        usable = proxy.scheme == "http" and proxy.hostname and (proxy.port or True)
    except ValueError:
        usable = False
    if not usable:
        raise invalid_argument(f"{address.scheme}_proxy is not http://host:port")
    return proxy


class Route(NamedTuple):
    """How one request travels: a connection, and what goes in front of its path."""

    connection: http.client.HTTPConnection
    target_prefix: str
    headers: dict[str, str]


def make_route(address: Address, timeout: float) -> Route:
    """A connection that is not open yet. `timeout` is in seconds."""
    proxy = proxy_for(address)
    host, port = (proxy.hostname or "", proxy.port or 80) if proxy else address[1:3]
    credentials = proxy_credentials(proxy) if proxy else {}
    if address.scheme == "https":
        context = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=timeout, context=context
        )
        if proxy:
            connection.set_tunnel(address.host, address.port, credentials)
        return Route(connection, address.prefix, {})
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    authority = f"[{address.host}]" if ":" in address.host else address.host
    origin = f"http://{authority}:{address.port}" if proxy else ""
    return Route(connection, origin + address.prefix, credentials)


def proxy_credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    user = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    token = base64.b64encode(user.encode("utf-8")).decode("ascii")
    return {"Proxy-Authorization": f"Basic {token}"}
