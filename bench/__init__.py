"""Measures the main query against the usual way of making the same page and against ready-made bytes."""
