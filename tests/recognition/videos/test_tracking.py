"""Faces are followed from frame to frame."""

import math

import pytest

from mien.recognition.face import Box, Face
from mien.recognition.videos.tracking import PATIENCE_SECONDS, Tracker, measure_overlap


def face(left, *, happy=1.0, top=0, side=100):
    """Return a face that is happy with this probability, else sad."""
    probabilities = {"happy": happy, "sad": 1.0 - happy}
    expression = "happy" if happy >= 0.5 else "sad"
    box = Box(left=left, top=top, width=side, height=side)
    return Face(box=box, expression=expression, confidence=max(happy, 1 - happy), probabilities=probabilities)


def numbers(followed):
    """Return the number of each face."""
    return [number for number, _ in followed]


def test_a_face_that_drifts_keeps_its_number_and_another_gets_the_next():
    """Also when the detector changes their order."""
    tracker = Tracker(smoothing_seconds=0.0)
    assert [1, 2] == numbers(tracker.follow([face(0), face(300)], 0.0))
    assert [2, 1] == numbers(tracker.follow([face(310), face(20)], 0.1))
    assert [1, 2, 3] == numbers(tracker.follow([face(40), face(320), face(600)], 0.2))


def test_a_face_that_is_missed_for_a_moment_keeps_its_number_and_one_that_left_does_not():
    """A detector misses a face now and then."""
    tracker = Tracker(smoothing_seconds=0.0)
    tracker.follow([face(0)], 0.0)
    assert [] == tracker.follow([], 0.5)
    assert [1] == numbers(tracker.follow([face(0)], PATIENCE_SECONDS))
    assert [] == tracker.follow([], PATIENCE_SECONDS + 0.5)
    assert [2] == numbers(tracker.follow([face(0)], 2 * PATIENCE_SECONDS + 0.1))


def test_a_face_keeps_its_number_however_seldom_it_is_looked_for():
    """With --every 100, or a slow camera, more time passes from look to look than a face is waited for."""
    tracker = Tracker(smoothing_seconds=0.0)
    looks = [tracker.follow([face(10 * look)], 3.0 * PATIENCE_SECONDS * look) for look in range(3)]
    assert [[1], [1], [1]] == [numbers(look) for look in looks]


def test_two_faces_never_share_a_number():
    """The larger overlap wins; the other face is somebody new."""
    tracker = Tracker(smoothing_seconds=0.0)
    tracker.follow([face(0)], 0.0)
    assert [2, 1] == numbers(tracker.follow([face(60), face(10)], 0.1))


def test_a_face_that_moves_fast_is_looked_for_where_it_should_be_by_now():
    """Each fifth frame of somebody who walks by: the box of the look before overlaps by 3 % alone."""
    tracker = Tracker(smoothing_seconds=0.0)
    places = [0, 70, 165, 260]
    assert [[1]] * 4 == [numbers(tracker.follow([face(left)], 0.2 * look)) for look, left in enumerate(places)]


def test_a_face_that_stops_is_found_where_it_was():
    """What it should have done by now is no condition."""
    tracker = Tracker(smoothing_seconds=0.0)
    places = [0, 70, 75, 75]
    assert [[1]] * 4 == [numbers(tracker.follow([face(left)], 0.2 * look)) for look, left in enumerate(places)]


@pytest.mark.parametrize("steps", [1, 5, 50])
def test_a_change_shows_to_63_percent_after_the_time_constant_however_many_frames_that_takes(steps):
    """So --every does not change how long the average is."""
    tracker = Tracker(smoothing_seconds=0.5)
    tracker.follow([face(0, happy=1.0)], 0.0)
    for step in range(1, steps + 1):
        ((_, followed),) = tracker.follow([face(0, happy=0.0)], 0.5 * step / steps)
    assert math.exp(-1) == pytest.approx(followed.probabilities["happy"])
    assert ("sad", followed.probabilities["sad"]) == (followed.expression, followed.confidence)


def test_without_smoothing_every_frame_speaks_for_itself():
    """And the first frame always does."""
    tracker = Tracker(smoothing_seconds=0.0)
    assert face(0, happy=0.9) == tracker.follow([face(0, happy=0.9)], 0.0)[0][1]
    assert face(0, happy=0.1) == tracker.follow([face(0, happy=0.1)], 0.1)[0][1]


def test_boxes_apart_do_not_overlap_and_the_whole_picture_overlaps_itself():
    """None stands for the whole picture."""
    assert 0.0 == measure_overlap(face(0).box, face(200).box)
    assert (1.0, 0.0) == (measure_overlap(None, None), measure_overlap(None, face(0).box))


def test_a_frame_that_cannot_be_read_shows_nothing_and_has_no_part_in_the_average():
    """A hand before a face: its number stays, and so does what was seen before and after."""
    tracker, alone = Tracker(smoothing_seconds=0.5), Tracker(smoothing_seconds=0.5)
    hidden = Face(box=face(4).box, expression=None, confidence=0.0, probabilities={}, readable=False)
    (first,), (between,), (last,) = (
        tracker.follow([one], seconds) for one, seconds in ((face(0), 0.0), (hidden, 0.2), (face(8, happy=0.0), 0.4))
    )
    assert [1, 1, 1] == [first[0], between[0], last[0]]
    assert (None, {}) == (between[1].expression, between[1].probabilities)
    alone.follow([face(0)], 0.0)
    ((_, expected),) = alone.follow([face(8, happy=0.0)], 0.4)
    assert expected.probabilities == last[1].probabilities


def test_a_face_that_is_first_readable_late_is_named_by_that_look_alone():
    """There is nothing to average with."""
    tracker = Tracker(smoothing_seconds=5.0)
    hidden = Face(box=face(0).box, expression=None, confidence=0.0, probabilities={}, readable=False)
    tracker.follow([hidden], 0.0)
    ((number, named),) = tracker.follow([face(0, happy=0.2)], 0.1)
    assert (1, {"happy": 0.2, "sad": 0.8}) == (number, named.probabilities)
