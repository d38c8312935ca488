"""Tests that the package keeps to its floors, and that the checker would notice if it did not."""

from __future__ import annotations

import pytest

from tests.house.floors import violations
from tests.house.imports import read_tree
from tests.support.paths import PACKAGE

BAD = {
    "core uses wire": ("punk.core.step", "from punk.wire.sse import SseDecoder"),
    "core uses the shell": ("punk.core.step", "from punk.llm.chat import Chat"),
    "core uses the package's root": ("punk.core.step", "from punk import Chat"),
    "core uses an unknown module": ("punk.core.step", "import punk.unheard"),
    "core goes up by relative import": ("punk.core.step", "from ..wire import sse"),
    "a package goes up by relative import": ("punk.core.__init__", "from ..wire import sse"),
    "errors use llm": ("punk.errors", "from punk.llm.chat import Chat"),
    "up inside a function": ("punk.core.step", "def f():\n    from punk.wire import sse"),
    "up inside a method": ("punk.core.step", "class A:\n    async def f(self):\n        import punk.interpreter.run"),
    "up for the type checker": (
        "punk.core.step",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import punk.llm",
    ),
    "up in a try": ("punk.core.step", "try:\n    import punk.llm\nexcept ImportError:\n    pass"),
    "up in a handler": ("punk.core.step", "try:\n    x = 1\nexcept ImportError:\n    import punk.llm"),
    "up in an else": ("punk.core.step", "if x:\n    pass\nelse:\n    import punk.llm"),
    "up in a case": ("punk.core.step", "match x:\n    case 1:\n        import punk.llm"),
    "up in a finally": ("punk.core.step", "try:\n    pass\nfinally:\n    import punk.llm"),
    "up in a with": ("punk.core.step", "with x:\n    import punk.llm"),
    "up with a star": ("punk.core.step", "from punk.wire import *"),
    "up among others": ("punk.core.step", "import json, punk.wire.sse"),
    "up by name": ("punk.llm.chat", "from importlib import import_module\nimport_module('punk.cli')"),
    "up by builtin": ("punk.llm.chat", "def f():\n    return __import__('punk.testing')"),
    "a name that cannot be checked": ("punk.llm.chat", "import importlib\nimportlib.import_module(f'punk.{x}')"),
    "a relative name": ("punk.llm.chat", "import importlib\nimportlib.import_module('.x', 'punk')"),
    "core tells the time": ("punk.core.step", "import time"),
    "core tells the date": ("punk.core.step", "from datetime import datetime"),
    "core draws lots": ("punk.core.step", "import random"),
    "core makes ids": ("punk.core.step", "from uuid import uuid4"),
    "core reads the system": ("punk.core.step", "import os"),
    "core fetches": ("punk.core.step", "from urllib.request import urlopen"),
    "core runs tasks": ("punk.core.step", "import asyncio"),
    "core runs tasks, for types": ("punk.core.step", "import typing\nif typing.TYPE_CHECKING:\n    import asyncio"),
    "core opens files": ("punk.core.step", "def f():\n    return open('x')"),
    "core prints": ("punk.core.step", "def f():\n    print('x')"),
    "core validates with pydantic": ("punk.core.step", "from pydantic import BaseModel"),
    "core uses IO of returns": ("punk.core.step", "from returns.io import IO"),
    "core uses Maybe": ("punk.core.step", "from returns.maybe import Maybe"),
    "core uses an SDK": ("punk.core.step", "def f():\n    import openai"),
    "wire uses tools": ("punk.wire.sse", "from punk.tools.schema import FunctionTool"),
    "wire uses pydantic": ("punk.wire.sse", "import pydantic"),
    "wire has a thread": ("punk.wire.sse", "import threading"),
    "tools use wire": ("punk.tools.schema", "from punk.wire.sse import SseDecoder"),
    "tools use a provider": ("punk.tools.schema", "import punk.providers.base"),
    "tools run tasks": ("punk.tools.toolbox", "import asyncio"),
    "tools use a library named like another": ("punk.tools.schema", "import pydantic_settings"),
    "tools use an SDK": ("punk.tools.toolbox", "def f():\n    import mcp"),
    "tools read files": ("punk.tools.result", "from pathlib import Path"),
    "the base uses a vendor": ("punk.providers.base", "from punk.providers.openai import wire"),
    "the base runs tasks": ("punk.providers.base", "import asyncio"),
    "a decoder uses its transport": ("punk.providers.openai.decode", "from punk.providers.openai import transport"),
    "a decoder uses its transport package": ("punk.providers.openai.decode", "from .transport.x import y"),
    "a decoder uses its SDK": ("punk.providers.openai.decode", "def f():\n    import openai"),
    "a decoder uses httpx": ("punk.providers.openai.decode", "def f():\n    import httpx"),
    "a decoder runs tasks": ("punk.providers.openai.decode", "import asyncio"),
    "a decoder tells the time": ("punk.providers.openai.decode", "import time"),
    "a decoder uses the pool": ("punk.providers.openai.decode", "from punk.providers.pool import Pool"),
    "the pool uses a vendor": ("punk.providers.pool", "from punk.providers.openai import transport"),
    "the pool uses an SDK": ("punk.providers.pool", "def f():\n    import openai"),
    "a decoder uses another vendor": ("punk.providers.openai.decode", "from punk.providers.anthropic import wire"),
    "a vendor's package uses its transport": ("punk.providers.openai.__init__", "from .transport import open_stream"),
    "a transport uses another vendor": ("punk.providers.openai.transport", "from punk.providers.anthropic import wire"),
    "a transport uses another transport": (
        "punk.providers.openai.transport",
        "from punk.providers.anthropic import transport",
    ),
    "a transport uses another SDK": ("punk.providers.openai.transport", "def f():\n    import anthropic"),
    "a transport loads its SDK": ("punk.providers.openai.transport", "import openai"),
    "a transport loads its SDK in a class": ("punk.providers.openai.transport", "class A:\n    import openai"),
    "a transport loads its SDK in a try": (
        "punk.providers.openai.transport",
        "try:\n    import openai\nexcept ImportError:\n    pass",
    ),
    "a transport loads its SDK by name": (
        "punk.providers.openai.transport",
        "import importlib\nopenai = importlib.import_module('openai')",
    ),
    "a transport loads its SDK when not checking": (
        "punk.providers.openai.transport",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import openai",
    ),
    "a transport loads httpx": ("punk.providers.openai.transport", "import httpx"),
    "a transport uses pydantic": ("punk.providers.openai.transport", "import pydantic"),
    "a transport uses the interpreter": ("punk.providers.openai.transport", "import punk.interpreter.run"),
    "local loads its runtime": ("punk.providers.local.engine", "import xllamacpp"),
    "local uses a vendor": ("punk.providers.local.transport", "from punk.providers.openai import decode"),
    "the interpreter uses a vendor": ("punk.interpreter.run", "from punk.providers.openai import decode"),
    "the interpreter uses a transport": ("punk.interpreter.run", "import punk.providers.openai.transport"),
    "the interpreter uses llm": ("punk.interpreter.run", "from punk.llm.chat import Chat"),
    "the interpreter loads mcp": ("punk.interpreter.mcp", "import mcp"),
    "the interpreter uses pydantic": ("punk.interpreter.run", "import pydantic"),
    "the interpreter uses an SDK": ("punk.interpreter.run", "def f():\n    import openai"),
    "llm uses a vendor": ("punk.llm.chat", "from punk.providers.openai import encode"),
    "llm uses an SDK": ("punk.llm.chat", "def f():\n    import openai"),
    "llm uses pydantic": ("punk.llm.chat", "import pydantic"),
    "llm uses the command": ("punk.llm.chat", "import punk.cli"),
    "llm uses testing": ("punk.llm.chat", "import punk.testing"),
    "a model uses another transport": ("punk.llm.models.local", "from punk.providers.openai import transport"),
    "a model imports its SDK": ("punk.llm.models.openai", "def f():\n    import openai"),
    "a model names another SDK": (
        "punk.llm.models.openai",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import anthropic",
    ),
    "testing uses a transport": ("punk.testing.laws", "from punk.providers.openai import transport"),
    "testing uses the command": ("punk.testing.laws", "import punk.cli"),
    "the command uses a vendor's transport": ("punk.cli.main", "from punk.providers.openai import transport"),
    "the command uses an unlisted library": ("punk.cli.main", "import typer"),
    "the tests are used": ("punk.llm.chat", "import tests.support"),
    "a module outside the plan": ("punk.helpers", "x = 1"),
    "a package outside the plan": ("punk.utils.__init__", "x = 1"),
}

GOOD = {
    "core calculates": ("punk.core.step", "from __future__ import annotations\nimport json, collections.abc"),
    "core uses core and errors": ("punk.core.step", "from punk.core.log import Log\nimport punk.errors"),
    "core by relative import": ("punk.core.step", "from .log import Log\nfrom . import state"),
    "errors use core": ("punk.errors", "from punk.core.failures import Failure"),
    "core uses Result": ("punk.core.json", "from returns.result import Result\nfrom returns.methods import x"),
    "wire uses core": ("punk.wire.sse", "from punk.core.log import Log\nfrom punk.wire import json"),
    "tools": ("punk.tools.schema", "import pydantic, docstring_parser, inspect\nfrom punk.core.request import x"),
    "tools know paths": ("punk.tools.result", "from pathlib import PurePath"),
    "a decoder": (
        "punk.providers.openai.decode",
        "import pydantic\nfrom punk.providers.openai.wire import Chunk\nfrom punk.providers.base import Decoder\n"
        "from punk.wire.sse import SseDecoder\nfrom . import encode",
    ),
    "a transport": (
        "punk.providers.openai.transport",
        "import asyncio\nfrom punk.providers.openai import wire\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import openai\ndef f():\n    import httpx, httpx2\n    from openai import AsyncOpenAI",
    ),
    "the transports' pool": ("punk.providers.pool", "import asyncio\nfrom punk.core.failures import Failure"),
    "a transport uses the pool": ("punk.providers.openai.transport", "from punk.providers.pool import Pool"),
    "google's transport": ("punk.providers.google.transport", "def f():\n    from google import genai"),
    "local": ("punk.providers.local.weights", "import os\ndef f():\n    import platformdirs, xllamacpp"),
    "the interpreter": (
        "punk.interpreter.run",
        "import asyncio, time\nfrom returns.future import FutureResult\nfrom punk.providers.base import Provider\n"
        "async def f():\n    import mcp",
    ),
    "llm": ("punk.llm.chat", "import punk.interpreter.run\nfrom punk.llm.models.openai import OpenAiModel"),
    "the root": ("punk.__init__", "from punk.llm.chat import Chat"),
    "a model": (
        "punk.llm.models.azure_openai",
        "from punk.providers.openai import decode, transport\nfrom punk.llm.thinking import ThinkingConfig\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from openai import AsyncAzureOpenAI",
    ),
    "the local model": (
        "punk.llm.models.local",
        "from punk.providers.local import transport\nfrom punk.providers.openai.decode import ChatDecoder",
    ),
    "testing": ("punk.testing.laws", "import hypothesis, punk.core.step\nfrom punk.providers.openai import decode"),
    "the command": (
        "punk.cli.main",
        "import click, rich.live\nfrom punk.llm.chat import Chat\nfrom punk.providers.local.install import install",
    ),
}


@pytest.mark.parametrize(("module", "source"), BAD.values(), ids=BAD)
def test_a_broken_rule_is_found_once(module: str, source: str) -> None:
    found = violations({module: source})
    assert len(found) == 1, found
    assert str(found[0]).startswith(f"{module}:")


@pytest.mark.parametrize(("module", "source"), GOOD.values(), ids=GOOD)
def test_what_the_plan_allows_is_allowed(module: str, source: str) -> None:
    assert violations({module: source}) == []


def test_a_violation_says_where_it_stands() -> None:
    [found] = violations({"punk.core.step": "import json\n\nimport time\n"})
    assert str(found) == "punk.core.step:3: core only calculates and may not use time"


def test_the_package_keeps_to_its_floors() -> None:
    tree = read_tree(PACKAGE)
    assert "punk.__init__" in tree
    assert "\n".join(map(str, violations(tree))) == ""
