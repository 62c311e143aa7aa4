"""What the process of one run does: `train_and_measure` takes a `Job` and leaves a trained and measured run folder."""

from __future__ import annotations

import sys

from mien.data.loading import SYNTHETIC
from mien.evaluation.measure import Question, measure
from mien.runs.folder import RunFolder
from mien.runs.run import load_run
from mien.studies.inside import Stop
from mien.studies.job import Job
from mien.training.allocator import keep_memory
from mien.training.progress import show_progress
from mien.training.start import resume_run, start_run
from mien.training.telling import Options


def train_and_measure(job: Job, stop: Stop) -> None:
    """Do what is left of one run.

    Raises:
        MienError: in one line, why it cannot be done.
        KeyboardInterrupt: `stop` was asked for; what was trained is saved.
    """
    keep_memory()
    folder = RunFolder(job.run)
    options = Options(device=job.device, should_stop=stop.asked.is_set)
    if job.training != "done":
        with show_progress(job.epochs) as listener:
            if job.training == "begun":
                resume_run(folder, options=options, listener=listener)
            else:
                source = job.data or SYNTHETIC
                start_run(job.recipe, source, folder, skip_bad=job.skip_bad, options=options, listener=listener)
    stop.interrupt_from_now_on()
    if not job.is_measured:
        question = Question(split=job.split, device=job.device, skip_bad=job.skip_bad)
        found = measure([load_run(job.run)], question)
        for line in (*found.list_remarks(), f"accuracy {found.evaluation.accuracy:.1%} on {job.split}"):
            sys.stdout.write(f"{line}\n")  # into the log of the run
        found.save()
