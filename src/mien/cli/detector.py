"""`mien detector`: what finds faces on this machine, and why; `mien detector fetch` brings YuNet's file."""

from __future__ import annotations

from typing import Annotated

import typer

ACTIONS = ("show", "fetch")


def detector(
    action: Annotated[str, typer.Argument(help="show: what is used and why; fetch: bring YuNet's file once.")] = "show",
    name: Annotated[str, typer.Option("--detector", help="auto, yunet, yunet:FILE or cascade.")] = "auto",
    address: Annotated[
        str | None,
        typer.Option("--from", help="Address to fetch from; #sha256=… for another file.", show_default="OpenCV's zoo"),
    ] = None,
) -> None:
    """Tell what finds faces on this machine, and why; or fetch its file once, where no installed package ships it."""
    from mien.errors import ConfigError

    if action not in ACTIONS:
        raise ConfigError(f"mien detector {action}: expected show or fetch")
    if action == "show" and address is not None:
        raise ConfigError("--from tells where to fetch from: mien detector fetch --from ADDRESS")
    if action == "fetch" and name != "auto":
        raise ConfigError("--detector tells what `mien detector show` looks at: leave it out")
    if action == "fetch":
        from mien.recognition.yunet_file import ADDRESS, fetch_yunet

        typer.echo(fetch_yunet(ADDRESS if address is None else address))
        return
    from mien.recognition.detect import choose_detector, find_detector

    choice = choose_detector(name)
    # A file that cannot be used is an error here, not at the first picture.
    find_detector(name, on_remark=lambda _: None)
    typer.echo(f"{choice.name}: {choice.reason}")
    if choice.path is not None:
        typer.echo(f"  {choice.path}")
    if choice.remark is not None:
        typer.echo(f"mien: {choice.remark}", err=True)
