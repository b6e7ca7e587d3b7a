"""The Dateline service: the store of dated events and the timeline query over it."""

from importlib.metadata import version

__version__ = version("dateline")
