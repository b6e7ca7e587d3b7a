"""Data that ships with Dateline: the first timeline and the gazetteer's tables."""
