"""What a network is made of, for a reader. In: a `Network`. Out: `NetworkPart`: diagram, layers, kinds of layers."""

from __future__ import annotations

from mien.models import Network
from mien.models.diagram import draw_network
from mien.models.stages import find_family, group_stages
from mien.models.summary import Layer, summarise
from mien.reports.data import LayerKind, LayerRow, NetworkPart


def tell_network(network: Network, *, name: str) -> NetworkPart:
    """Return the parts of `network`, which is called `name`.

    Raises:
        ConfigError: the network cannot take faces of its size.
    """
    summary = summarise(network)
    families = {layer.kind: find_family(network.get_submodule(layer.path)) for layer in summary.layers}
    return NetworkPart(
        name=name,
        diagram=draw_network(network, title=name),
        layers=tuple(_row(layer) for layer in summary.layers),
        kinds=tuple(
            _sum_up(kind, family, [layer for layer in summary.layers if layer.kind == kind])
            for kind, family in families.items()
        ),
        has_skips=any(stage.skip for stage in group_stages(network, summary)),
        parameters=summary.parameters,
        multiply_adds=summary.multiply_adds,
        total_megabytes=summary.total_megabytes,
    )


def _row(layer: Layer) -> LayerRow:
    return LayerRow(kind=layer.kind, shape=layer.shape, parameters=layer.parameters, multiply_adds=layer.multiply_adds)


def _sum_up(kind: str, family: str, layers: list[Layer]) -> LayerKind:
    return LayerKind(
        kind=kind,
        family=family,
        count=len(layers),
        parameters=sum(layer.parameters for layer in layers),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
    )
