"""The server that ``dateline serve`` starts: it takes requests in and gives answers out; no client holds a thread."""
