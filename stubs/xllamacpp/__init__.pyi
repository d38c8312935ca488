"""The part of xllamacpp that punk uses: it ships neither stubs nor a py.typed marker."""

from collections.abc import Callable, Mapping

class CommonParamsModel:
    path: str

class CpuParams:
    n_threads: int

class CommonParams:
    model: CommonParamsModel
    model_alias: set[str]
    cpuparams: CpuParams
    cpuparams_batch: CpuParams
    n_ctx: int
    n_batch: int
    n_ubatch: int
    n_parallel: int
    n_threads_http: int
    cache_ram_mib: int
    verbosity: int
    port: int
    hostnames: list[str]
    api_keys: list[str]
    warmup: bool
    ui: bool
    endpoint_slots: bool
    def __init__(self) -> None: ...

class Server:
    # "unix://PATH" or "http://HOST:PORT".
    @property
    def listening_address(self) -> str: ...
    def __init__(self, params: CommonParams) -> None: ...
    # Blocks until the answer has ended; the callback's True stops the answer. Raises ValueError or RuntimeError.
    def handle_chat_completions(
        self, prompt_json: Mapping[str, object], callback: Callable[[dict[str, object]], bool]
    ) -> None: ...
    # The same for a bare prompt.
    def handle_completions(
        self, prompt_json: Mapping[str, object], callback: Callable[[dict[str, object]], bool]
    ) -> None: ...
