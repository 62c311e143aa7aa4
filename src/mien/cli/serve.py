"""`mien serve`: recognition over HTTP, and a page for it in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import AnswerBy, MinDetection, MinFace, MinReadability, MinSharpness, SetMethod
from mien.errors import ConfigError, demand

PACKAGES = ("fastapi", "prometheus_client", "python_multipart", "uvicorn")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    run: Annotated[
        Path | None, typer.Option(help="A run folder or exported file.", show_default="the network of mien")
    ] = None,
    detector: Annotated[str, typer.Option(help="What finds faces: auto, yunet, yunet:FILE, cascade, none.")] = "auto",
    min_detection: MinDetection = None,
    min_face: MinFace = 24,
    min_sharpness: MinSharpness = 0.5,
    min_readability: MinReadability = None,
    labels: AnswerBy = None,
    coverage: Annotated[
        float | None,
        typer.Option(help="Name sets that hold the true expression of so many faces, 0.5 to 0.99.", show_default="0.9"),
    ] = None,
    sets: SetMethod = "classes",
    prior: Annotated[
        str | None, typer.Option(help="How often each expression occurs: training, uniform or happy=0.4,…")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="MIEN_TOKEN", help="Ask for this bearer token.", show_default=False)
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Origin whose pages may ask, too; may be given again.", show_default=False)
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which it is reached, besides localhost; may be given again.", show_default=False),
    ] = None,
    max_pending: Annotated[int, typer.Option(min=1, help="Requests at once; more are answered 503.")] = 64,
    max_bytes: Annotated[int, typer.Option(min=1, help="Of a request's body.")] = 20 << 20,
    max_pixels: Annotated[int, typer.Option(min=1, help="Of a picture, width times height.")] = 1 << 25,
    client_seconds: Annotated[float, typer.Option(min=0.1, help="That a client has to send its request.")] = 15.0,
    max_wait: Annotated[float, typer.Option(min=0.1, help="Seconds that a picture may wait; else 503.")] = 5.0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="That decode and find faces.", show_default="one for each core")
    ] = None,
) -> None:
    """Recognise expressions over HTTP, and show a page for pictures and the camera. Nothing is stored."""
    demand(*PACKAGES, extra="serve")
    from mien.beliefs.base_rates import ESTIMATE
    from mien.recognition import Clarity, Recogniser
    from mien.server import Limits, build_app, count_network_threads, open_socket, run_server
    from mien.server.guard import is_loopback
    from mien.training.progress import warn

    if token == "":
        raise ConfigError("--token: expected at least one character, found none")
    sizes = {"max_pending": max_pending, "max_bytes": max_bytes, "max_pixels": max_pixels}
    limits = Limits(**sizes, client_seconds=client_seconds, wait_seconds=max_wait)
    if prior == ESTIMATE:
        raise ConfigError("--prior estimate takes many pictures at once, a server sees one after the other: give rates")
    listening = open_socket(host, port)
    recogniser = Recogniser(
        run,
        detector=detector,
        min_detection=min_detection,
        labels=labels,
        threads=count_network_threads(),
        clarity=Clarity(min_side=min_face, min_sharpness=min_sharpness),
        prior=prior,
        coverage=coverage,
        sets=sets,
        min_readability=min_readability,
        on_remark=warn,
    )
    is_local = is_loopback(host)
    app = build_app(
        recogniser,
        limits=limits,
        token=token,
        allow_origins=allow_origin or (),
        allow_hosts=allow_host or () if is_local else allow_host,
        threads=threads,
    )
    _announce(host, listening.getsockname()[1], is_open=not is_local and token is None)
    run_server(app, listening, client_seconds=client_seconds)


def _announce(host: str, port: int, *, is_open: bool) -> None:
    shown = f"[{host}]" if ":" in host else host
    typer.echo(f"http://{shown}:{port}  (API: /docs; Ctrl-C stops)")
    if is_open:
        typer.echo("mien: whoever reaches this address may use it: --token asks for a token", err=True)
