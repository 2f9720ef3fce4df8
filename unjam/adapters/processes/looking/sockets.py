"""Who is connected to whom, and how long no byte has gone between them: Linux tells by netlink.

``/proc/net/tcp`` does not say when a byte last came; ``sock_diag(7)`` does, to anybody. A process
that only receives has no I/O counters that move, so nothing else tells a stream from silence.
"""

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

_WORDS = 60  # characters of a command
_SOCK_DIAG = 4
_BY_FAMILY = 20
_DUMP = 0x301  # request, root, match
_DONE, _ERROR = 3, 2
_ALL = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_NUMBERS = struct.Struct("=IIIII")  # expires, receive queue, send queue, user, inode
_INFO, _PEER = 2, 2
_SHOW_PEER = 4
_LAST_SENT, _LAST_RECEIVED = 44, 52  # in struct tcp_info, milliseconds
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_PATIENCE = 2.0  # seconds


class TcpState(IntEnum):
    """The states that matter here."""

    ESTABLISHED = 1
    SYN_SENT = 2
    LISTEN = 10


@dataclass(frozen=True, slots=True)
class Tcp:
    """One TCP socket."""

    state: int
    local: tuple[str, int]
    peer: tuple[str, int]
    quiet: float | None  # seconds since a byte last came or went; None: not told
    unread: int


@dataclass(frozen=True, slots=True)
class Sockets:
    """The sockets of this machine, by inode."""

    tcp: dict[int, Tcp]
    unix_peers: dict[int, int]  # 0: it has none


def read_sockets() -> Sockets | None:
    """Ask the system once; None where it does not answer."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as channel:
            channel.settimeout(_PATIENCE)
            tcp = {inode: one for family in _FAMILIES for inode, one in _tcp(channel, family)}
            return Sockets(tcp, dict(_unix(channel)))
    except (OSError, struct.error, AttributeError):  # another system, or a sandbox that forbids it
        return None


def _tcp(channel: socket.socket, family: int) -> Iterator[tuple[int, Tcp]]:
    ask = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _ALL) + bytes(48)
    size = 4 if family == socket.AF_INET else 16
    for body in _answers(channel, ask):
        ports = struct.unpack_from(">HH", body, 4)
        local, peer = (socket.inet_ntop(family, body[at : at + size]) for at in (8, 24))
        _, unread, _, _, inode = _NUMBERS.unpack_from(body, 52)
        info = _attribute(body, 72, _INFO)
        quiet = None if info is None else _quiet(info)
        if inode:
            yield inode, Tcp(body[1], (local, ports[0]), (peer, ports[1]), quiet, unread)


def _quiet(info: bytes) -> float:
    sent, received = (struct.unpack_from("=I", info, at)[0] for at in (_LAST_SENT, _LAST_RECEIVED))
    return float(min(sent, received)) / 1000


def _unix(channel: socket.socket) -> Iterator[tuple[int, int]]:
    ask = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, _ALL, 0, _SHOW_PEER, _ALL, _ALL)
    for body in _answers(channel, ask):
        peer = _attribute(body, 16, _PEER)
        yield struct.unpack_from("=I", body, 4)[0], struct.unpack("=I", peer)[0] if peer else 0


def _answers(channel: socket.socket, ask: bytes) -> Iterator[bytes]:
    channel.send(_HEADER.pack(_HEADER.size + len(ask), _BY_FAMILY, _DUMP, 1, 0) + ask)
    while True:
        heard = channel.recv(1 << 18)
        while heard:
            size, kind = struct.unpack_from("=IH", heard)
            body, heard = heard[_HEADER.size : size], heard[_aligned(size) :]
            if kind == _DONE:
                return
            if kind == _ERROR:
                code = -struct.unpack_from("=i", body)[0]
                if code == errno.ENOENT:  # this kernel knows no such family
                    return
                raise OSError(code, "sock_diag")
            yield body


def _attribute(body: bytes, at: int, wanted: int) -> bytes | None:
    with suppress(struct.error):
        while at < len(body):
            size, kind = _ATTRIBUTE.unpack_from(body, at)
            if kind == wanted:
                return body[at + _ATTRIBUTE.size : at + size]
            at += max(_aligned(size), _ATTRIBUTE.size)
    return None


def _aligned(size: int) -> int:
    return (size + 3) & ~3


def listener(port: int) -> str | None:
    """Name the process that listens there, ``pid 4711 (python -m http.server)``; None: not told."""
    import psutil

    with suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.pid and one.laddr[1:] == (port,):
                command = " ".join(psutil.Process(one.pid).cmdline())
                return f"pid {one.pid} ({command[:_WORDS]})"
    return None
