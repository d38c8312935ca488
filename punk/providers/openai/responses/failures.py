"""Reads the failures that the Responses wire reports, wherever in a document it says so."""

from __future__ import annotations

from returns.result import Success

from punk.core.failures import ProviderError
from punk.core.json import JsonObject
from punk.wire.body import error_of
from punk.wire.json import loads_lenient, repair_surrogates


def reported(data: bytes) -> ProviderError:
    """The failure in the document `data`, which says that it is one."""
    match loads_lenient(data).map(repair_surrogates):
        case Success(dict() as document):
            return provider_error(document)
        case _:
            return provider_error({})


def provider_error(document: JsonObject) -> ProviderError:
    """The failure that `document` tells."""
    # In the flat form `type` names the event; what the error is, its code says.
    told: JsonObject = {name: value for name, value in document.items() if (name, value) != ("type", "error")}
    message, error_type = error_of(told)
    return ProviderError(message or f"the provider reports {error_type or 'an error without a word'}", error_type)
