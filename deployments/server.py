"""Prefect's server as `unjam up` runs it: nothing goes out, and no other site's page can act through it.

A server without a password is open to whatever runs on this machine, the browser among it. So it
takes no request that another site's page makes, nor one that came by a name it does not have: a name
of theirs may lead here. Its own pages are held to it too: a report can name a picture elsewhere.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

from prefect.server.api.collections import KNOWN_VIEWS
from prefect.server.api.server import create_app
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.settings import PREFECT_SERVER_API_HOST
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unjam.adapters.web import is_loopback

_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'self'"
)

_begin = AioSqliteConfiguration.begin_transaction


class Sealed:
    """Lets in what is asked of us by name, from our own pages or from no page."""

    def __init__(self, inner: ASGIApp, *, loopback: bool) -> None:
        self._inner = inner
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif not self._admits(Headers(scope=scope)):
            await _refuse(scope, receive, send)
        else:
            await self._inner(scope, receive, _with_policy(send))

    def _admits(self, headers: Mapping[str, str]) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return False
        return not self._loopback or is_loopback(urlsplit(f"//{host}").hostname or "")


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    told = "unjam: refused, this came from another site or by another name\n"
    await PlainTextResponse(told, status_code=403)(scope, receive, send)


def _with_policy(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["content-security-policy"] = _POLICY
        await send(message)

    return sending


def begin_to_write(
    database: AioSqliteConfiguration,
    session: AsyncSession,
    with_for_update: bool = False,  # noqa: ARG001, FBT001, FBT002 -- it takes the place of Prefect's
) -> AbstractAsyncContextManager[AsyncSessionTransaction]:
    """Begin a transaction that waits for its turn to write, in SQLite.

    Prefect's begin as readers, but for a few; such a one is answered "database is locked", without any
    waiting, if another wrote meanwhile: fifty flow runs asked for at once got 503 a hundred times.
    """
    return _begin(database, session, with_for_update=True)


def application() -> Any:
    """Make the server; for uvicorn."""
    AioSqliteConfiguration.begin_transaction = begin_to_write  # type: ignore[method-assign,assignment]
    for view in KNOWN_VIEWS:
        KNOWN_VIEWS[view] = (
            ""  # not from the address it has: from the copy that travels with Prefect
        )
    return Sealed(create_app(final=True), loopback=is_loopback(PREFECT_SERVER_API_HOST.value()))
