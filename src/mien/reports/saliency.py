"""Where in a face an answer comes from: Grad-CAM (Selvaraju et al. 2017, section 3), computed by captum.

In: a network and faces. Out: faces with a warm tint where the last convolution spoke for an expression. The map is as
coarse as that convolution's output: it tells a region of the face, not a pixel.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.evaluation.evaluation import Evaluation
from mien.faces import Faces
from mien.models import Network
from mien.models.network import WHITE
from mien.reports.data import Absent, SaliencyPart
from mien.reports.mistakes import rank_wrong
from mien.reports.pictures import picture_face
from mien.reports.thumbnails import WIDEST, Bytes, encode_picture

RIGHT, WRONG = 12, 4
TINT = (255.0, 96.0, 32.0)
STRONGEST = 0.7
"""Part of the tint where the map is highest: the face still shows through."""


def tell_saliency(network: Network, evaluation: Evaluation, faces: Faces) -> SaliencyPart | Absent:
    """Return maps of one typical right answer for each expression, and of the most confident wrong answers.

    Args:
        network: in evaluation mode, on the CPU.
        evaluation: what it answered.
        faces: the same ones.
    """
    try:
        import captum.attr  # noqa: F401
    except ImportError:
        return Absent(reason="no-captum", detail={})
    path = find_last_convolution(network)
    if path is None:
        return Absent(reason="no-convolution", detail={})
    right, wrong = _pick_typical(evaluation), rank_wrong(evaluation)[:WRONG].tolist()
    labels, given = evaluation.labels, evaluation.predicted
    asked = [(index, int(given[index])) for index in (*right, *wrong)] + [
        (index, int(labels[index])) for index in wrong
    ]
    if not asked:
        return Absent(reason="no-faces", detail={})
    images = np.stack([faces.images[index] for index, _ in asked])
    maps = map_saliency(network, path, images, [expression for _, expression in asked])
    tinted: dict[int, dict[str, str]] = {}
    for (index, expression), image, heat in zip(asked, images, maps, strict=True):
        picture = encode_picture(tint_face(image, heat))
        tinted.setdefault(index, {})[evaluation.expressions[expression]] = picture
    pictures = {index: picture_face(evaluation, faces, index, found) for index, found in tinted.items()}
    return SaliencyPart(
        layer=path, right=tuple(pictures[index] for index in right), wrong=tuple(pictures[index] for index in wrong)
    )


def find_last_convolution(network: Network) -> str | None:
    """Return the path of the last convolution of `network`, None where it has none."""
    paths = [path for path, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    return paths[-1] if paths else None


def map_saliency(network: Network, path: str, images: Bytes, expressions: list[int]) -> Tensor:
    """Return float (N, h, w), 0 to 1: how much each place of layer `path` spoke for the expression asked of each face.

    Args:
        network: in evaluation mode.
        path: of a convolution.
        images: uint8 (N, H, W).
        expressions: N indices of outputs.
    """
    from captum.attr import LayerGradCam

    pixels = torch.from_numpy(images).unsqueeze(1).float() / WHITE
    size = (network.size, network.size)
    if pixels.shape[-2:] != size:
        pixels = F.interpolate(pixels, size=size, mode="bilinear", antialias=True)
    explain = LayerGradCam(network, network.get_submodule(path))
    maps: Tensor = explain.attribute(pixels.requires_grad_(), target=expressions, relu_attributions=True).detach()[:, 0]
    return maps / maps.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)


def tint_face(image: Bytes, heat: Tensor) -> Bytes:
    """Return uint8 (S, S, 3), S = `WIDEST`: the grey `image` (H, W), tinted where `heat` (h, w) is high."""
    grey = torch.from_numpy(np.array(image)).float()[None, None]
    side = (WIDEST, WIDEST)
    face = F.interpolate(grey, size=side, mode="bicubic", antialias=True)[0, 0].clamp(0.0, WHITE)
    part = STRONGEST * F.interpolate(heat[None, None], size=side, mode="bicubic")[0, 0].clamp(0.0, 1.0)
    coloured = torch.stack([face * (1.0 - part) + channel * part for channel in TINT], dim=-1)
    tinted: Bytes = coloured.round().byte().numpy()
    return tinted


def _pick_typical(evaluation: Evaluation) -> list[int]:
    """Return for each of the first expressions the right answer of median confidence, where it has one."""
    chosen = []
    for label in range(len(evaluation.expressions)):
        right = np.flatnonzero((evaluation.labels == label) & (evaluation.predicted == label))
        if len(right):
            order = np.argsort(evaluation.probabilities[right, label], kind="stable")
            chosen.append(int(right[order[len(order) // 2]]))
    return chosen[:RIGHT]
