"""Ways of showing a face."""

import pytest
import torch

from mien.models.views import VIEWS, name_views

FACES = torch.randint(0, 256, (3, 1, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
PICTURES = {"plain": 1, "mirror": 1, "shift": 4, "tencrop": 10}


def test_every_view_has_an_expected_number_of_pictures():
    """The dictionary of this test walks the registry."""
    assert PICTURES == {name: len(list(view(FACES))) for name, view in VIEWS.items()}


@pytest.mark.parametrize("view", VIEWS)
def test_every_picture_of_a_view_has_the_shape_of_the_face(view):
    """Whatever was cut away is filled again."""
    assert {FACES.shape} == {shown.shape for shown in VIEWS[view](FACES)}


def test_a_mirrored_face_is_its_columns_in_reverse():
    """Twice mirrored it is itself."""
    (mirrored,) = VIEWS["mirror"](FACES)
    assert torch.equal(FACES[..., 0], mirrored[..., -1])
    assert torch.equal(FACES, mirrored.flip(-1))


def test_shifts_are_a_24th_of_the_side_and_repeat_the_edge():
    """One pixel of 24: up and down, left and right."""
    pictures = list(VIEWS["shift"](FACES))
    moved = [torch.equal(FACES[..., 1:, :], shown[..., :-1, :]) for shown in pictures]
    assert 1 == sum(moved)
    assert all(set(shown.flatten().tolist()) <= set(FACES.flatten().tolist()) for shown in pictures)
    down = next(shown for shown in pictures if torch.equal(FACES[..., :-1, :], shown[..., 1:, :]))
    assert torch.equal(FACES[..., 0, :], down[..., 0, :])


def test_a_grey_face_stays_grey_in_every_crop():
    """uint8 becomes a part of white."""
    grey = torch.full((1, 1, 48, 48), 51, dtype=torch.uint8)
    assert all(torch.allclose(torch.tensor(0.2), crop) for crop in VIEWS["tencrop"](grey))


def test_a_set_of_views_has_one_name():
    """The temperature of mirror,plain is that of plain,mirror."""
    assert "plain+mirror" == name_views(("mirror", "plain")) == name_views(("plain", "mirror"))
