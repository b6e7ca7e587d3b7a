"""Opens what is to be imported: unpacks gzip, lets its beginning be looked at, and notices when it changes."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from typing import Any, BinaryIO

from service.importers.record import UnreadableFile

# Bytes of the beginning that can be looked at without taking them.
HEAD = 1 << 16
GZIP = b"\x1f\x8b"
# What reading packed data raises that is cut short, or is none.
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


def opened(stream: BinaryIO) -> io.BufferedReader[Any]:
    """A stream for an importer to read: its ``peek`` shows the first HEAD bytes, or all of a shorter one."""
    if isinstance(stream, io.BufferedReader) and isinstance(stream.raw, _Steady | _Whole):
        return stream
    return _Reader(_Whole(stream), HEAD)


def opened_file(file: BinaryIO) -> io.BufferedReader[Any]:
    """A file of this machine, or its standard input, packed by gzip or not, for an importer to read.

    Reading it raises UnreadableFile where the packed data is cut short or damaged, and where a file is found to be
    another at its end than at its beginning.
    """
    steady = _Reader(_Steady(file), HEAD)
    if steady.peek(len(GZIP))[: len(GZIP)] != GZIP:
        return steady
    return _Reader(_Unpacked(gzip.GzipFile(fileobj=steady, mode="rb")), HEAD)


def head(stream: BinaryIO) -> bytes:
    """The beginning of a stream from ``opened`` of which nothing was read yet."""
    assert isinstance(stream, io.BufferedReader)
    return stream.peek(HEAD)


class _Reader(io.BufferedReader):
    """Hands out what there is before it raises what comes after, where the usual one would lose it."""

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(size) if size and size > 0 else super().read(size)


class _Whole(io.RawIOBase):
    """Reads as much as is asked for, though a pipe hands out less at a time."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stream.seekable())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._stream.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        taken = 0
        while taken < len(view) and (piece := self._piece(len(view) - taken)):
            view[taken : taken + len(piece)] = piece
            taken += len(piece)
        if taken == 0:
            self._at_end()
        return taken

    def _piece(self, size: int) -> bytes:
        """Some more bytes, at most so many; none where there are no more."""
        return bytes(self._stream.read(size))

    def _at_end(self) -> None:
        """Called where nothing more is to be had."""


class _Unpacked(_Whole):
    """Packed data, of which all that can be unpacked is handed out before it is told that it is cut short."""

    _fault = ""

    def seekable(self) -> bool:
        # The reader of packed data takes itself for seekable whatever it reads from.
        return bool(self._stream.fileobj.seekable())

    def _piece(self, size: int) -> bytes:
        if self._fault:
            return b""
        try:
            # Of a longer reading that meets a fault, what was unpacked before it would be lost.
            return bytes(self._stream.read1(size))
        except DAMAGED as error:
            self._fault = f"The gzip data is cut short or damaged ({error})."
            return b""

    def _at_end(self) -> None:
        if self._fault:
            raise UnreadableFile(self._fault)


class _Steady(_Whole):
    """A file that must be the same at its end as at its beginning."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._began = self._state()

    def _state(self) -> tuple[int, int] | None:
        try:
            found = os.fstat(self._stream.fileno())
        except OSError:
            return None
        # A pipe has no size, and a terminal's time moves with what is typed.
        return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None

    def _at_end(self) -> None:
        if self._state() != self._began:
            raise UnreadableFile("The file was changed while it was read; import it again when it is finished.")
