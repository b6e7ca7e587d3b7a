"""The web page: what each of its views shows, as plain data for a template. It asks no more than it shows."""
