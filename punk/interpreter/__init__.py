"""Performs what the core asks for: the only floor that makes tasks and threads. Internal."""
