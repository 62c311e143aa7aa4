"""The web application. In: a `Recogniser`, limits and who may ask. Out: a FastAPI application.

Its routes: / and /docs (pages), /v1/recognise, /analyze, /v1/model, /healthz, /readyz, /metrics, /openapi.json.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.requests import ClientDisconnect

import mien
from mien.hints import suggest
from mien.recognition import Recogniser
from mien.server.analyze import Analyses, analyze_picture
from mien.server.answers import ANALYZE_BODY, BODY, REFUSALS, Answer, Health
from mien.server.batching import Batcher
from mien.server.guard import BearerToken, KnownHost, SameSite, SecurityHeaders
from mien.server.limits import Backlog, Limits, LingeringRefusal, Waiting
from mien.server.meters import Meters, RequestMeter
from mien.server.pipeline import Pipeline, recognise_all
from mien.server.uploads import read_uploads

PAGE = Path(__file__).resolve().parent / "page"
DESCRIPTION = "Facial expressions in pictures. Nothing is stored, and no request leaves this server."
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def build_app(
    recogniser: Recogniser,
    *,
    limits: Limits | None = None,
    token: str | None = None,
    allow_origins: Sequence[str] = (),
    allow_hosts: Sequence[str] | None = None,
    threads: int | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        recogniser: whose network and detector are used.
        limits: what is accepted.
        token: that requests to /v1 and /metrics must bring; None: anybody may ask.
        allow_origins: origins such as "https://example.org" whose pages may ask, too.
        allow_hosts: names under which it is reached besides those of loopback; None: any name.
        threads: that decode pictures and look for faces; None: one for each core.
    """
    limits = limits or Limits()
    waiting = Waiting(limits.max_pending)
    meters = Meters(lambda: waiting.count)
    batcher = Batcher(recogniser.answer, on_batch=meters.note_batch)
    backlog = Backlog(threads or os.cpu_count() or 1, limits.wait_seconds)
    pool = ThreadPoolExecutor(backlog.threads, thread_name_prefix="pictures")
    pipeline = Pipeline(
        recogniser=recogniser,
        threads=pool,
        backlog=backlog,
        batcher=batcher,
        meters=meters,
        max_pixels=limits.max_pixels,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with pool:
            app.state.network = asyncio.create_task(batcher.run())
            await pipeline.warm_up()
            yield
            app.state.network.cancel()
            with suppress(asyncio.CancelledError):
                await app.state.network

    app = FastAPI(
        title="mien",
        version=mien.__version__,
        description=DESCRIPTION,
        docs_url=None,  # the ready-made page would load its scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    _add_middleware(app, meters, token, allow_origins, allow_hosts)
    _add_recognition(app, pipeline, waiting, limits)
    _add_state(app, recogniser, meters, lambda: waiting.is_full() or backlog.is_full())
    _add_pages(app)
    return app


def _add_middleware(
    app: FastAPI, meters: Meters, token: str | None, allow_origins: Sequence[str], allow_hosts: Sequence[str] | None
) -> None:
    """Add the layers around every request, the innermost first."""
    if token is not None:
        app.add_middleware(BearerToken, token=token)
    app.add_middleware(SameSite, allowed=allow_origins)
    if allow_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=allow_origins, allow_methods=["GET", "POST"], allow_headers=["authorization"]
        )
    if allow_hosts is not None:
        app.add_middleware(KnownHost, allowed=allow_hosts)
    app.add_middleware(LingeringRefusal)
    app.add_middleware(RequestMeter, meters=meters)
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(Exception, _tell_failure)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(ClientDisconnect, _note_disconnect)


async def _tell_failure(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": "the server failed at this request; its log tells why"}, 500)


async def _tell_invalid(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    lines = (f"{problem['loc'][-1]}: {problem['msg']}" for problem in problems)
    return JSONResponse({"detail": "; ".join(lines)}, 422)


ASKED = ("detect", "prior")
"""What a request for recognition may ask for beside its pictures, in its address or in its body."""


def refuse_others(asked: Sequence[str], names: Sequence[str], *, where: str) -> None:
    """Refuse what a request asks for beside `names`, or twice: whoever asks must not believe that it was heard.

    Raises:
        RequestValidationError: with the name.
    """
    for name in asked:
        if name not in names:
            told = {"loc": (where, name), "msg": f"expected {' or '.join(names)}{suggest(name, names)}"}
            raise RequestValidationError([told])
        if asked.count(name) > 1:
            raise RequestValidationError([{"loc": (where, name), "msg": "expected once, found it twice"}])


async def _note_disconnect(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody hears it


def _add_recognition(app: FastAPI, pipeline: Pipeline, waiting: Waiting, limits: Limits) -> None:
    @app.post("/v1/recognise", responses=REFUSALS, openapi_extra=BODY, tags=["recognition"])
    async def recognise(
        request: Request,
        detect: Annotated[bool, Query(description="Look for faces; otherwise each picture is one face.")] = True,
        prior: Annotated[
            str | None,
            Query(description="How often each expression occurs: training, uniform, happy=0.4,… None: the server's."),
        ] = None,
    ) -> Answer:
        """Recognise the expressions in one or several pictures."""
        refuse_others([name for name, _ in request.query_params.multi_items()], ASKED, where="query")
        with waiting.admit():
            asked = await read_uploads(request, limits)
            refuse_others(list(asked.options), ASKED, where="body")
            start = time.perf_counter()
            asked_prior = asked.options.get("prior", prior)
            given = None if asked_prior is None else str(asked_prior)
            pictures = await recognise_all(pipeline, asked.uploads, detect=asked.tell("detect", detect), prior=given)
            return Answer(pictures=pictures, seconds=time.perf_counter() - start)

    @app.post("/analyze", responses=REFUSALS, openapi_extra=ANALYZE_BODY, tags=["recognition"])
    async def analyze(request: Request) -> Analyses:
        """Answer as DeepFace's /analyze does, for one picture and the action emotion."""
        with waiting.admit():
            return await analyze_picture(pipeline, await read_uploads(request, limits))


def _add_state(app: FastAPI, recogniser: Recogniser, meters: Meters, is_full: Callable[[], bool]) -> None:
    refused: dict[int | str, dict[str, Any]] = {code: REFUSALS[code] for code in (401, 403)}

    @app.get("/v1/model", responses=refused, tags=["recognition"])
    async def model() -> dict[str, Any]:
        """Tell what is known of the network: expressions, recipe, size, versions."""
        return recogniser.card

    @app.get("/healthz", tags=["state"])
    async def healthz() -> Health:
        """Tell that the process lives."""
        return Health(status="ok")

    @app.get("/readyz", responses={503: REFUSALS[503]}, tags=["state"])
    async def readyz() -> Health:
        """Tell whether the next picture would be accepted."""
        if app.state.network.done() or is_full():
            raise HTTPException(503, "busy: the next request would be refused")
        return Health(status="ready")

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}, **refused}, tags=["state"])
    async def metrics() -> Response:
        """Tell the counters of this server in Prometheus's text format."""
        return Response(meters.render(), media_type=PROMETHEUS)


def _add_pages(app: FastAPI) -> None:
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    for path, file in (("/", "index.html"), ("/docs", "reference.html")):
        app.add_api_route(
            path, lambda file=file: FileResponse(PAGE / file), methods=["GET", "HEAD"], include_in_schema=False
        )
