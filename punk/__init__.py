"""Streams LLM answers through a typed functional core."""
