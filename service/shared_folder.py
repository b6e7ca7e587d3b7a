"""The folder that the worker processes of one server have together, for what they count in common."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# The client library of Prometheus looks for it under this name.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_by_workers() -> Iterator[None]:
    """Within it, worker processes that are started count together, in files of a folder that goes with it."""
    folder = tempfile.mkdtemp(prefix="dateline-metrics-")
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def shared_folder() -> str | None:
    """The folder; None for a process by itself."""
    return os.environ.get(FOLDER)
