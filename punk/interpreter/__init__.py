"""Performs what the core asks for (internal): the only floor that makes tasks and threads."""
