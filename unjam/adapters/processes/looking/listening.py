"""Who listens at a port."""

from contextlib import suppress

_WORDS = 60  # characters of a command


def listener(port: int) -> str | None:
    """Name the process that listens there, ``pid 4711 (python -m http.server)``; None: not told."""
    import psutil

    with suppress(psutil.Error):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.pid and one.laddr[1:] == (port,):
                command = " ".join(psutil.Process(one.pid).cmdline())
                return f"pid {one.pid} ({command[:_WORDS]})"
    return None
