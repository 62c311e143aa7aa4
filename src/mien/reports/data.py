"""What a report says, as plain values: every part of it, or `Absent` with the reason why it could not be made.

The renderers see nothing else, so that a page, a Markdown file and a JSON file of one run have the same content.
Drawings that only the network or the data can make (diagram, faces, saliency) are held here as text and base64 PNGs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.evaluation.compare_rules import Trade
from mien.evaluation.groups import GroupColumn
from mien.evaluation.metrics import Interval, Scores
from mien.evaluation.reliability import Calibration
from mien.evaluation.set_scores import SetScores
from mien.robustness import Robustness
from mien.studies import Results

FORMAT = 1
KIND = "mien report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A part that could not be made.

    Attributes:
        reason: a key of the catalogue, without its leading "absent.".
        detail: what fills the gaps of that line.
    """

    reason: str
    detail: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a run came from.

    Attributes:
        name: of its folder.
        recipe: its settings, nested as in the recipe; "name" and "about" included.
        data: the file or folder that it was trained on, without its path.
        members: of an ensemble, each with its part; empty for a single network.
        synthetic: True if those faces, or the ones evaluated, are drawn.
        expressions: its classes.
        size: side of its faces in pixels.
        epoch: whose weights are used.
        faces: of each split; empty where the run does not say.
        fingerprints: of train and valid; likewise.
        versions: of Python and packages, when it was trained.
        hardware: in words, "" where the run does not say; so do `started` and `finished` (UTC).
        seconds: of all epochs; None where the run does not say.
    """

    name: str
    recipe: dict[str, Any]
    data: str
    members: tuple[str, ...]
    synthetic: bool
    expressions: tuple[str, ...]
    size: int
    epoch: int
    faces: dict[str, int]
    fingerprints: dict[str, str]
    versions: dict[str, str]
    hardware: str
    started: str
    finished: str
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One line of the layer table; see `mien.models.summary.Layer`."""

    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKind:
    """All layers of one kind.

    Attributes:
        kind: class of the layer, such as "Conv2d".
        family: "convolution", "norm", … as in the diagram.
        count: how many.
        parameters: of all of them.
        multiply_adds: likewise, for one face.
    """

    kind: str
    family: str
    count: int
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPart:
    """The network. `parameters` and `multiply_adds` (of one face) are totals; `diagram` is an SVG."""

    name: str
    diagram: str
    layers: tuple[LayerRow, ...]
    kinds: tuple[LayerKind, ...]
    has_skips: bool
    parameters: int
    multiply_adds: int
    total_megabytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPart:
    """How training went.

    Attributes:
        history: one record an epoch; see `mien.plots.draw_curves`.
        best_epoch: the epoch whose weights were kept.
        stopped: how training ended, in words; "" if it has not.
        stopped_early: True if that was before the last epoch of the recipe.
        kept_accuracy: on valid at the best epoch; None without a valid split, as the next.
        last_accuracy: on valid at the last epoch.
        train_accuracy: at the best epoch, on augmented faces, with dropout.
        multiply_adds: of the whole training, forward and backward; None where it is not known how many faces it had.
    """

    history: tuple[dict[str, float], ...]
    best_epoch: int
    stopped: str
    stopped_early: bool
    kept_accuracy: float | None
    last_accuracy: float | None
    train_accuracy: float | None
    multiply_adds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitScores:
    """Figures of one split; `without_copies` leaves out faces with an exact copy in train or valid."""

    split: str
    views: tuple[str, ...]
    scores: Scores
    without_copies: Scores | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacePicture:
    """One face and the answer to it.

    Attributes:
        id: where it came from.
        true: its label.
        given: the answer.
        probability: of the answer.
        true_probability: of the label.
        png: base64.
        saliency: base64 PNGs by expression: what spoke for that expression; may be empty.
    """

    id: str
    true: str
    given: str
    probability: float
    true_probability: float
    png: str
    saliency: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusedPair:
    """`count` of the `support` faces of `true` were taken for `given`; `back` of `back_support` the other way."""

    true: str
    given: str
    count: int
    support: int
    interval: Interval
    back: int
    back_support: int
    faces: tuple[FacePicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaliencyPart:
    """Grad-CAM at `layer`: of typical right answers, and of the most confident wrong ones."""

    layer: str
    right: tuple[FacePicture, ...]
    wrong: tuple[FacePicture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancePart:
    """Faces of each expression in each split; `recall` is that of the split reported on, None where it has no face."""

    counts: dict[str, tuple[int, ...]]
    recall: tuple[float | None, ...] | None
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPart:
    """Decision rules on the split reported on, argmax first."""

    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPart:
    """Whether probabilities can be believed.

    Attributes:
        temperature: fitted on valid; None where there is none, and then `after` and `loss_after`, too.
        before: as the network gave them.
        after: scaled by the temperature.
        loss_before: log loss, in nats.
        loss_after: likewise.
        excess: mean confidence minus accuracy, after scaling where that is possible: above 0 is too sure.
    """

    temperature: float | None
    before: Calibration
    after: Calibration | None
    loss_before: float
    loss_after: float | None
    excess: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Findings of one kind (`mien.auditing.KINDS`) in each split; `groups` of copies, 0 for other kinds."""

    kind: str
    counts: tuple[int, ...]
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPart:
    """What is wrong with the data.

    Attributes:
        splits: their names.
        faces: of each of them.
        rows: kinds of which something was found.
        shared: "test train" -> how many faces of test have an exact copy in train.
    """

    splits: tuple[str, ...]
    faces: tuple[int, ...]
    rows: tuple[AuditRow, ...]
    shared: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """All that a report says.

    Attributes:
        made_with: version of mien.
        evaluated: in the order to show; the first is the one that the sections speak of.
        unevaluated: why other splits are missing.
        pictured: None, or why there are no pictures of faces in `pairs`, `wrong` and `saliency`.
        wrong: the most confident wrong answers.
        sets: how sets of expressions fare; None where no thresholds are known.
        coverage: that sets were asked for.
        groups: how groups of faces fare, where `mien evaluate --groups` asked.
    """

    kind: str = KIND
    format: int = FORMAT
    made_with: str
    origin: Origin
    network: NetworkPart
    training: TrainingPart | Absent
    study: Results | Absent
    evaluated: tuple[SplitScores, ...]
    unevaluated: tuple[Absent, ...]
    pictured: Absent | None
    pairs: tuple[ConfusedPair, ...]
    wrong: tuple[FacePicture, ...]
    saliency: SaliencyPart | Absent
    balance: BalancePart | Absent
    rules: RulesPart | Absent
    calibration: CalibrationPart | Absent
    robustness: Robustness | Absent
    audit: AuditPart | Absent
    sets: SetScores | None = None
    coverage: float = 0.0
    groups: tuple[GroupColumn, ...] | Absent = ()
