"""Places for streams and exports: how many there are, of all processes, and how many of them one client may have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service.slots import Slots


def test_places_are_shared_between_processes_and_free_when_one_dies(tmp_path: Path) -> None:
    program = "import sys; from service.slots import Slots; slots = Slots(3, sys.argv[1]); "
    program += "print([slots.take() is not None for _ in range(2)], flush=True); sys.stdin.read()"
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"[True, True]\n"
        slots = Slots(3, str(tmp_path))
        release = slots.take()
        assert release is not None
        assert slots.take() is None
        release()
        assert slots.take() is not None
        other.kill()
        other.wait()
        more = [slots.take(), slots.take(), slots.take()]
        assert [place is not None for place in more] == [True, True, False]


def test_a_place_that_was_given_back_twice_is_not_taken_from_who_has_it_now() -> None:
    slots = Slots(1, None)
    first = slots.take()
    assert first is not None
    first()
    assert slots.take() is not None
    first()
    assert slots.take() is None


def test_each_process_without_a_shared_folder_has_places_of_its_own() -> None:
    one, other = Slots(1, None), Slots(1, None)
    assert one.take() is not None
    assert other.take() is not None
    assert one.take() is None


def test_one_holder_has_no_more_than_its_share_and_leaves_the_rest_to_others() -> None:
    slots = Slots(4, None, each=2)
    first, second = slots.take("a"), slots.take("a")
    assert first is not None and second is not None
    assert slots.take("a") is None
    assert slots.take("b") is not None
    first()
    assert slots.take("a") is not None
    assert slots.take("a") is None
    # Who is nobody in particular is not counted, and all together have no more than there are.
    assert slots.take() is not None
    assert slots.take() is None
    assert slots.take("c") is None


def test_a_place_counts_for_nobody_once_another_has_it() -> None:
    slots = Slots(2, None, each=1)
    first = slots.take("a")
    assert first is not None
    first()
    anybody = slots.take()
    assert anybody is not None
    assert slots.take("a") is not None
    anybody()
    assert slots.take("b") is not None


def test_the_share_of_a_holder_is_counted_over_all_processes(tmp_path: Path) -> None:
    program = "import sys; from service.slots import Slots; slots = Slots(8, sys.argv[1], each=3); "
    program += "print([slots.take('a') is not None for _ in range(2)], flush=True); sys.stdin.read()"
    root = Path(__file__).resolve().parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"[True, True]\n"
        slots = Slots(8, str(tmp_path), each=3)
        assert slots.take("a") is not None
        assert slots.take("a") is None
        assert slots.take("b") is not None
        other.kill()
        other.wait()
        assert [slots.take("a") is not None for _ in range(3)] == [True, True, False]
