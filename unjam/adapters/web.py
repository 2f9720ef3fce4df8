"""Addresses on this machine: whose they are, whether they are free, whether somebody answers there."""

import errno
import http.client
import ipaddress
import socket
from contextlib import suppress

from unjam.errors import UsageError

_PATIENCE = 2.0  # seconds


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can come by this name or number."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"


def address(host: str, port: int) -> str:
    """Return where a browser of this machine finds what listens there."""
    with suppress(ValueError):
        number = ipaddress.ip_address(host)
        if number.is_unspecified:  # everywhere, so here too
            host = "127.0.0.1" if number.version == 4 else "::1"  # noqa: PLR2004 -- IPv4
        if ":" in host:
            host = f"[{host}]"
    return f"http://{host}:{port}"


def is_free(host: str, port: int) -> bool:
    """Tell whether one could listen there now; raises UsageError where one never could."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except socket.gaierror as error:
        raise UsageError(f"--host {host}: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise UsageError(f"cannot listen at {host} port {port}: {error.strerror}") from error
    return True


def answers(host: str, port: int, path: str) -> bool:
    """Tell whether a server there says that all is well."""
    asking = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    try:
        asking.request("GET", path)
        return asking.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()
