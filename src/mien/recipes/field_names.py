"""What other programs call the fields of a recipe, so that a hint names the right one."""

from __future__ import annotations

OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "train.lr": ("learning rate", "rate", "base lr", "max lr", "peak lr", "initial lr", "step size", "eta", "alpha"),
    "train.optimizer": ("optimiser", "optim", "opt", "solver"),
    "train.batch_size": ("batch", "batches", "minibatch", "mini batch size", "bs", "faces per step"),
    "train.epochs": ("epoch", "num epochs", "n epochs", "max epochs", "passes", "iterations"),
    "train.weight_decay": ("wd", "decay", "l2", "l2 penalty", "regularisation", "regularization"),
    "train.momentum": ("beta", "beta1"),
    "train.schedule": ("scheduler", "lr scheduler", "lr schedule", "lr decay", "lr policy", "annealing"),
    "train.warmup_fraction": ("warmup", "warm up", "warmup steps", "warmup epochs", "warmup ratio", "pct start"),
    "train.patience": ("early stopping", "early stop", "early stopping patience", "stop after"),
    "train.stop_at": ("target accuracy", "stop when"),
    "train.metric": ("monitor", "watch"),
    "train.label_smoothing": ("smoothing", "smooth", "label smooth"),
    "train.ema_decay": ("ema", "averaging", "moving average", "polyak"),
    "train.class_weights": ("class weight", "loss weights", "weighting", "weights"),
    "train.sampling": ("sampler", "oversample", "oversampling", "balanced sampling", "balance"),
    "train.precision": ("mixed precision", "amp", "dtype", "half", "fp16", "bf16"),
    "train.seed": ("random seed", "random state", "manual seed"),
    "train.start_from": ("pretrained", "pretrained weights", "initial weights", "init", "checkpoint", "finetune"),
    "train.teachers": ("teacher", "distill", "distillation", "distil"),
    "train.teacher_share": ("distillation weight", "teacher weight"),
    "train.start_side": ("progressive resizing", "start size"),
    "train.keep_last": ("snapshots", "save last", "keep checkpoints"),
    "train.keep": ("save best", "keep best", "restore best weights"),
    "train.valid_every": ("eval every", "validate every", "valid interval", "eval interval"),
    "model.name": ("model", "network", "net", "architecture", "arch", "backbone"),
    "data.size": ("image size", "img size", "input size", "resolution", "side", "width", "height"),
    "data.valid_fraction": (
        "valid",
        "valid split",
        "val fraction",
        "val split",
        "validation split",
        "validation fraction",
        "validation",
        "valid size",
        "val size",
        "test size",
        "holdout",
    ),
    "data.train_fraction": ("subset", "fraction", "subsample", "train size"),
    "data.stratify": ("stratified",),
    "data.drop_copies": ("duplicates", "drop duplicates", "dedup", "deduplicate", "copies"),
    "data.labels": ("labelling", "labeling", "ferplus"),
    "augment.mirror": ("flip", "hflip", "horizontal flip", "random flip", "flip probability", "fliplr"),
    "augment.rotation_degrees": ("rotation", "rotate", "rotation range", "degrees", "angle"),
    "augment.shift": ("translate", "translation", "width shift", "height shift", "shift range"),
    "augment.scale": ("zoom", "zoom range", "scaling", "random scale"),
    "augment.perspective": ("warp", "distortion", "random perspective"),
    "augment.brightness": ("brightness range",),
    "augment.contrast": ("contrast range",),
    "augment.noise": ("gaussian noise", "noise sigma", "noise std"),
}
"""Field -> the words that people write for it; letters' case and what stands between words do not count."""

SHARED_WORDS: dict[str, tuple[str, ...]] = {
    "dropout": ("model.dropout_dense", "model.dropout_conv"),
    "drop rate": ("model.dropout_dense", "model.dropout_conv"),
    "drop": ("model.dropout_dense", "model.dropout_conv"),
    "jitter": ("augment.brightness", "augment.contrast"),
    "blur": ("augment.blur_probability", "augment.blur_sigma"),
    "gaussian blur": ("augment.blur_probability", "augment.blur_sigma"),
    "erase": ("augment.erase_probability", "augment.erase_area"),
    "erasing": ("augment.erase_probability", "augment.erase_area"),
    "cutout": ("augment.erase_probability", "augment.erase_area"),
    "plateau": ("train.plateau_factor", "train.plateau_patience"),
    "factor": ("train.plateau_factor",),
}
"""A word -> the fields that it may stand for."""

OTHER_VALUES: dict[str, tuple[str, ...]] = {
    "half": ("fp16",),
    "float16": ("fp16",),
    "bfloat16": ("bf16",),
    "float32": ("no",),
    "fp32": ("no",),
    "full": ("no",),
    "adam": ("adamw",),
    "step": ("plateau",),
    "linear": ("one-cycle",),
    "acc": ("accuracy",),
    "bacc": ("balanced-accuracy",),
    "uar": ("balanced-accuracy",),
    "balanced": ("inverse", "balanced"),
    "fer+": ("ferplus",),
}
"""A word -> what it may stand for among the choices of a field; what is no choice of that field is left out."""


def list_words(fields: list[str]) -> dict[str, tuple[str, ...]]:
    """Return what may be written for fields, `section.field` each: their names with and without section, other words.

    >>> list_words(["train.lr"])["step size"]
    ('train.lr',)
    """
    words: dict[str, tuple[str, ...]] = {name: (name,) for name in fields}
    for name in fields:
        bare = name.partition(".")[2]
        words[bare] = (*words.get(bare, ()), name)
    words |= {word: (name,) for name in fields for word in OTHER_WORDS.get(name, ()) if word not in words}
    known = set(fields)
    return words | {word: names for word, names in SHARED_WORDS.items() if known >= set(names)}


def list_values(choices: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return what may be written for the choices of a field: themselves, and other words for them."""
    words: dict[str, tuple[str, ...]] = {choice: (choice,) for choice in choices}
    for word, meant in OTHER_VALUES.items():
        fitting = tuple(choice for choice in meant if choice in choices)
        if fitting and word not in words:
            words[word] = fitting
    return words
