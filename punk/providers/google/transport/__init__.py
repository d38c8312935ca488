"""Reaches the Gemini API and Vertex: over punk's own HTTP client, or through a given client of Google's SDK."""
