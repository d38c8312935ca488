"""Reads what a docstring says of a function and of its parameters, in Google, NumPy or reST form."""

from dataclasses import dataclass
from typing import final

import docstring_parser


@final
@dataclass(frozen=True, slots=True)
class Described:
    """A docstring's summary and body, and the descriptions of its parameters by name."""

    text: str
    parameters: dict[str, str]


def read_docstring(text: str) -> Described:
    """Read a dedented docstring; one that no style can parse is all text."""
    try:
        parsed = docstring_parser.parse(text)
    except (docstring_parser.ParseError, IndexError):  # some odd colons are an IndexError in its reST parser
        return Described(text.strip(), {})
    parameters: dict[str, str] = {}
    for parameter in parsed.params:
        if parameter.description:
            # NumPy lets one entry describe several: "x, y : int".
            for name in parameter.arg_name.split(","):
                parameters[name.strip().lstrip("*")] = parameter.description.strip()
    return Described((parsed.description or "").strip(), parameters)
