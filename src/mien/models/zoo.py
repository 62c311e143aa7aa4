"""Networks of the package timm (`timm:resnet18`), untrained, with one grey input channel."""

from __future__ import annotations

from torch import nn

from mien.errors import ConfigError, MissingExtraError
from mien.hints import ask, suggest
from mien.models.network import Network


def build_timm(name: str, *, classes: int, size: int) -> Network:
    """Return timm's network `name` for grey faces.

    Raises:
        MissingExtraError: timm is not installed.
        ConfigError: timm knows no such network.
    """
    try:
        import timm
    except ImportError:
        raise MissingExtraError("timm", "zoo") from None
    except RuntimeError as error:  # timm imports torchvision, whose binary must match torch's
        raise ConfigError(f"model 'timm:{name}': timm does not import beside this torch ({error})") from None
    if not timm.is_model(name):
        near = [f"timm:{one}" for one in timm.list_models(f"*{name.split('_')[0]}*")[:3]]
        hint = ask(near, before="; ") or suggest(f"timm:{name}", (f"timm:{one}" for one in timm.list_models()))
        raise ConfigError(f"model 'timm:{name}': timm has no network of this name{hint}")
    return Network(nn.Sequential(timm.create_model(name, num_classes=classes, in_chans=1)), size=size)
