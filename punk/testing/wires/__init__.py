"""Encoders of answers, a module a wire: what a server would send for a turn of events."""
