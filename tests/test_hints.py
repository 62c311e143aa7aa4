"""A name that does not exist leads to the one that was meant, and never to another one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mien
from mien.errors import ConfigError
from mien.hints import suggest
from mien.recipes.field_names import OTHER_VALUES, OTHER_WORDS, SHARED_WORDS
from mien.recipes.named import SMALL
from mien.recipes.schema import field_names, find_fields, override

DROPOUT = ["model.dropout_dense", "model.dropout_conv"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("train.learning_rate", ["train.lr"]),
        ("train.learningrate", ["train.lr"]),
        ("train.learnig_rate", ["train.lr"]),
        ("train.LR", ["train.lr"]),
        ("train.initial-learning-rate", ["train.lr"]),
        ("learning_rate", ["train.lr"]),
        ("train.rl", ["train.lr"]),
        ("train.dropout", DROPOUT),
        ("model.dropout", DROPOUT),
        ("model.dropout_rate", DROPOUT),
        ("train.dropout_conv", ["model.dropout_conv"]),
        ("train.optimiser", ["train.optimizer"]),
        ("model.optim", ["train.optimizer"]),
        ("train.batch", ["train.batch_size"]),
        ("data.batch_size", ["train.batch_size"]),
        ("train.batchsize", ["train.batch_size"]),
        ("train.num_epochs", ["train.epochs"]),
        ("train.epoch", ["train.epochs"]),
        ("train.wd", ["train.weight_decay"]),
        ("train.weightdecay", ["train.weight_decay"]),
        ("train.lr_scheduler", ["train.schedule"]),
        ("train.early_stopping", ["train.patience"]),
        ("train.warmup_epochs", ["train.warmup_fraction"]),
        ("train.amp", ["train.precision"]),
        ("train.pretrained", ["train.start_from"]),
        ("model.architecture", ["model.name"]),
        ("data.image_size", ["data.size"]),
        ("data.validation_split", ["data.valid_fraction"]),
        ("augment.flip", ["augment.mirror"]),
        ("augment.rotation", ["augment.rotation_degrees"]),
        ("augment.blur", ["augment.blur_probability", "augment.blur_sigma"]),
        ("augment.cutout", ["augment.erase_probability", "augment.erase_area"]),
        ("augment.color_jitter", ["augment.brightness", "augment.contrast"]),
        ("augment.brightnes", ["augment.brightness"]),
        ("augment.elephant", []),
        ("train.x", []),
        ("train.", []),
        ("", []),
    ],
)
def test_the_field_that_was_meant_is_found(written: str, expected: list[str]) -> None:
    """Other programs' words, other spellings, slips of the pen; nothing where nothing is like it."""
    assert expected == find_fields(written)


@pytest.mark.parametrize("field", field_names())
def test_every_field_is_found_by_its_own_name_and_by_every_other_word(field: str) -> None:
    """In whatever section it is sought; no word stands for two fields unless it says so."""
    section, _, name = field.partition(".")
    assert field in find_fields(f"{section}.{name}")
    assert field in find_fields(f"elsewhere.{name}")
    for word in OTHER_WORDS.get(field, ()):
        assert [field] == find_fields(f"{section}.{word.replace(' ', '_')}")


def test_other_words_stand_for_fields_and_values_that_exist() -> None:
    """A field that goes takes its other words along."""
    fields = set(field_names())
    assert fields >= set(OTHER_WORDS)
    assert fields >= {name for names in SHARED_WORDS.values() for name in names}
    assert all(OTHER_VALUES.values())


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("train.learning_rate=0.1", "no field train.learning_rate; did you mean train.lr?"),
        ("train.dropout=0.1", "no field train.dropout; did you mean model.dropout_dense or model.dropout_conv?"),
        ("optimiser.lr=0.1", "no section 'optimiser'; did you mean train.lr?"),
        ("lr=0.1", "for example train.lr=0.05; did you mean train.lr=0.1?"),
        ("batch=64", "for example train.lr=0.05; did you mean train.batch_size=64?"),
        ("train.lr", "for example train.lr=0.05; did you mean train.lr=VALUE?"),
        ("train.elephant=1", "no field train.elephant; `mien recipes small` lists them all"),
        ("train.optimizer=adam", "found 'adam'; did you mean adamw?"),
        ("train.schedule=onecycle", "found 'onecycle'; did you mean one-cycle?"),
        ("train.schedule=cosine_annealing", "found 'cosine_annealing'; did you mean cosine?"),
        ("train.precision=float16", "found 'float16'; did you mean fp16?"),
        ("train.metric=balanced_accuracy", "found 'balanced_accuracy'; did you mean balanced-accuracy?"),
        ("train.class_weights=balanced", "found 'balanced'; did you mean inverse?"),
        ("train.sampling=elephant", "expected one of uniform, balanced, found 'elephant'"),
    ],
)
def test_a_wrong_assignment_leads_to_the_right_one(assignment: str, expected: str) -> None:
    """The message ends with the hint."""
    with pytest.raises(ConfigError) as told:
        override(SMALL, [assignment])
    assert str(told.value).endswith(expected)


def test_likeness_of_letters_comes_last() -> None:
    """A name that is there, but for what stands between its words, wins over one that merely looks like it."""
    assert "; did you mean one-cycle?" == suggest("one cycle", ["one_cycles", "one-cycle"])
    assert "; did you mean resnet9?" == suggest("resnet", {"resnet9": len, "small": len})
    assert "" == suggest("resnet", ["small", "compact"])


def test_there_is_one_place_that_looks_for_what_was_meant() -> None:
    """Nobody else compares letters."""
    sources = Path(mien.__file__).parent.rglob("*.py")
    imports = (ast.Import, ast.ImportFrom)
    found = [
        path.name
        for path in sources
        if any(
            isinstance(node, imports) and "difflib" in (getattr(node, "module", None), *(n.name for n in node.names))
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    ]
    assert ["hints.py"] == found
