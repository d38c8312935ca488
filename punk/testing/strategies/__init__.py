"""Hypothesis strategies for everything that a chat or a stream is made of; they need the extra `testing`."""

from punk.testing.strategies.bent import bent, recut
from punk.testing.strategies.conversations import Conversation, conversations, deferred_conversations
from punk.testing.strategies.events import events, provider_events, requests
from punk.testing.strategies.messages import chats, histories, messages
from punk.testing.strategies.turns import turns
from punk.testing.strategies.values import finishes, json_objects, json_values, provider_data, texts, usages

__all__ = [
    "Conversation",
    "bent",
    "chats",
    "conversations",
    "deferred_conversations",
    "events",
    "finishes",
    "histories",
    "json_objects",
    "json_values",
    "messages",
    "provider_data",
    "provider_events",
    "recut",
    "requests",
    "texts",
    "turns",
    "usages",
]
