"""The Responses wire: OpenAI's own, and Azure's."""
