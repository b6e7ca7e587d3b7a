"""The HTTP paths: each handler parses, calls and answers."""
