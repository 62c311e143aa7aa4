"""The block diagram: well-formed, complete, told in words too, and nothing upon anything else."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from torch import nn

from mien.models import MODELS, Network, build_model
from mien.models.boxes import arrange
from mien.models.diagram import draw_network
from mien.models.stages import MOST_SLICES, WIDEST, Slice, Stage, group_stages
from mien.models.summary import summarise
from mien.recipes.schema import ModelConfig

SVG = "{http://www.w3.org/2000/svg}"


def stages_of(network: Network) -> tuple[Stage, ...]:
    """Return the stages of `network` as its diagram draws them."""
    return group_stages(network, summarise(network))


def build(name: str, size: int = 48) -> Network:
    """Return a network of the dict for seven expressions."""
    return build_model(ModelConfig(name=name), classes=7, size=size)


def build_deep(blocks: int) -> Network:
    """Return a plain chain of three parts, of which the middle one nests `blocks` blocks of three layers."""
    middle = (nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()) for _ in range(blocks))
    return Network(
        nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Sequential(*middle), nn.Flatten(), nn.Linear(256, 2)), size=8
    )


def test_the_report_network_has_nine_stages() -> None:
    """Four convolutions, the flattened features and four linear layers."""
    expected = [*["Conv2d 3×3"] * 4, "Flatten", *["Linear"] * 4]
    assert expected == [stage.title for stage in stages_of(build("report-cnn"))]


def test_a_stage_is_a_convolution_with_what_follows_it() -> None:
    """The first stage of the report's network: five layers, each a slice with channels and side of its output."""
    families = ("convolution", "norm", "activation", "pool", "dropout")
    expected = [
        Slice(family=family, channels=64, side=48 if index < 3 else 24) for index, family in enumerate(families)
    ]
    assert expected == list(stages_of(build("report-cnn"))[0].slices)


@pytest.mark.parametrize("name", MODELS)
def test_the_parameters_below_the_stages_add_up(name: str) -> None:
    """No layer is lost or told twice on the way to the picture."""
    network = build(name)
    assert summarise(network).parameters == sum(stage.parameters for stage in stages_of(network))


def test_residual_blocks_show_their_skip_connection() -> None:
    """The arc spans the six layers of the branch and not the pooling or dropout after them."""
    residual = [stage for stage in stages_of(build("small")) if stage.skip]
    assert [("Residual", 6)] * 2 == [(stage.title, stage.skip) for stage in residual]
    arcs = re.findall(r'<path class="line" d="[^"]*q', draw_network(build("small"), title="small"))
    assert len(residual) == len(arcs)


def test_a_deep_network_is_told_at_a_coarser_level() -> None:
    """Few nested blocks are drawn each; more than fit become one stage with one slice for each kind of layer."""
    assert 2 + 8 == len(stages_of(build_deep(8)))
    coarse = stages_of(build_deep(WIDEST))
    assert ["Conv2d 3×3", "1", "Linear"] == [stage.title for stage in coarse]
    assert 3 == len(coarse[1].slices) <= MOST_SLICES


def test_columns_and_their_boxes_do_not_overlap() -> None:
    """Each column ends before the next begins, and holds its boxes."""
    columns = arrange(stages_of(build("report-cnn")), size=48)
    assert all(before.right < after.left for before, after in pairwise(columns))
    for column in columns:
        assert all(column.left <= box.x - box.depth / 2 + 1e-6 for box in column.boxes)
        assert all(column.right >= box.x + box.width + box.depth / 2 - 1e-6 for box in column.boxes)


@pytest.mark.parametrize("name", MODELS)
def test_the_picture_is_well_formed_and_speaks(name: str) -> None:
    """The SVG parses, is an image with title and description, and holds every shape and count as text."""
    network = build(name)
    root = ElementTree.fromstring(draw_network(network, title=name))  # noqa: S314 - our own text
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "img" == root.get("role")
    assert f"Block diagram of {name}" == root.findtext(f"{SVG}title")
    assert f"{summarise(network).parameters:,} parameters" in (root.findtext(f"{SVG}desc") or "")
    for stage in stages_of(network):
        assert {stage.title, " × ".join(map(str, stage.shape))} <= set(texts)


def test_text_stays_on_the_picture() -> None:
    """Every label lies within the width and height of the SVG."""
    root = ElementTree.fromstring(draw_network(build("small"), title="small"))  # noqa: S314 - our own text
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    places = [(float(text.get("x", -1)), float(text.get("y", -1))) for text in root.iter(f"{SVG}text")]
    assert places
    assert all(0 < x < width and 0 < y < height for x, y in places)


def test_a_title_cannot_break_the_picture() -> None:
    """Characters that mean something in SVG are escaped."""
    svg = draw_network(build("small"), title="a<b>&c")
    assert "Block diagram of a<b>&c" == ElementTree.fromstring(svg).findtext(f"{SVG}title")  # noqa: S314 - our own text


def test_the_same_network_gives_the_same_picture() -> None:
    """A diagram under version control changes only when the network does."""
    assert draw_network(build("small"), title="small") == draw_network(build("small"), title="small")
