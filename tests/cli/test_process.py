"""Tests of the command as a process of its own: its streams, its signals, its exit codes."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from punk.core.messages import AssistantMessage
from punk.llm.chat import Chat
from punk.providers.local.weights import runtime_installed
from tests.cli.responses_server import KEY, PUNK, answer, delta, end, environment, prompts, refused, unfinished
from tests.cli.screen import Screen
from tests.support.local_server import local_weights
from tests.support.optional import need
from tests.support.paths import ROOT
from tests.support.server import Answer, Pause, Piece, Server, WaitForClose, serve

DEADLINE = 30.0
# Long enough for a busy machine, and far below the time that an answer would take to time out.
SOON = 2.0


def ask(
    server: Server, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The command, run to its end with the server as OpenAI."""
    return subprocess.run(
        [*PUNK, *arguments],
        env={**environment(server), **(env or {})},
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        timeout=DEADLINE,
    )


@contextmanager
def asking(server: Server, *arguments: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[bytes]]:
    """The running command, with ctrl-C as in a foreground of a shell; it is gone after the block."""
    # A test run in a shell's background ignores SIGINT, and its children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*PUNK, *arguments],
            env={**environment(server), "TERM": "xterm-256color"},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def closed_soon(server: Server, since: float) -> bool:
    """Whether the client has closed the connection in time."""
    (request,) = server.requests
    assert request.done.wait(DEADLINE)
    return request.closed_at is not None and request.closed_at - since < SOON


def test_piped_it_is_plain_text_and_nothing_else() -> None:
    with serve(answer("Hello ", "**world**", "!")) as server:
        done = ask(server, "Say hello", "--system", "Be brief.")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"Hello **world**!\n", b"")
        assert prompts(server) == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Say hello"},
        ]


@pytest.mark.parametrize(
    ("arguments", "stdin", "prompt"),
    [
        ([], b"from a pipe\n", "from a pipe"),
        (["-"], b"\xef\xbb\xbffrom a pipe\r\n", "from a pipe"),
        (["Summarise:"], b"a\nb\n", "Summarise:\n\na\nb"),
        (["alone"], b"\n", "alone"),
        (["local food near me"], b"", "local food near me"),
        (["--", "local"], b"", "local"),
        ([os.fsdecode(b"caf\xe9")], b"\xff", "caf�\n\n�"),
    ],
)
def test_the_prompt_is_the_argument_and_the_pipe(arguments: list[str], stdin: bytes, prompt: str) -> None:
    with serve(answer("yes")) as server:
        done = ask(server, *arguments, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, b"")
        assert prompts(server) == [{"role": "user", "content": prompt}]


@pytest.mark.parametrize("arguments", [[], [" "], ["-m", "nobody:x", "hi"], ["a", "b"], ["local"], ["local", "food"]])
def test_a_wrong_usage_is_told_in_a_few_lines(arguments: list[str]) -> None:
    with serve(answer("never")) as server:
        done = ask(server, *arguments)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr
        assert b"Traceback" not in done.stderr
        assert server.requests == []


def test_json_is_the_final_chat_and_all_of_stdout() -> None:
    with serve(answer("Hello ", "world")) as server:
        done = ask(server, "hi", "--json", "--thinking")
    assert (done.returncode, done.stderr) == (0, b"")
    chat = Chat.from_json(done.stdout.decode())
    assert [message.content for message in chat.messages] == ["hi", "Hello world"]


def test_thinking_is_shown_when_asked_for_and_never_on_a_piped_stdout() -> None:
    said = Answer([delta(thinking="hm, "), delta(thinking="well"), delta("Yes"), end()])
    with serve(said) as server:
        shown = ask(server, "hi", "--thinking")
        hidden = ask(server, "hi")
    assert (shown.stdout, shown.stderr) == (b"Yes\n", b"hm, well\n\n")
    assert (hidden.stdout, hidden.stderr) == (b"Yes\n", b"")


@pytest.mark.parametrize(
    ("reason", "word"), [("max_output_tokens", b"limit of tokens"), ("content_filter", b"filter stopped the answer")]
)
def test_a_cut_answer_is_told(reason: str, word: bytes) -> None:
    with serve(answer("So", reason=reason)) as server:
        done = ask(server, "hi")
    assert (done.returncode, done.stdout) == (0, b"So\n")
    assert word in done.stderr


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("broken", [unfinished(delta("Half")), unfinished(delta("Half"), ending="reset")])
def test_a_failed_stream_leaves_its_part(broken: Answer, output: str) -> None:
    with serve(broken) as server:
        done = ask(server, "hi", *(["--json"] if output == "json" else []))
    assert done.returncode == 1
    assert done.stderr.startswith(b"punk: ")
    assert done.stderr.count(b"\n") == 1
    if output == "json":
        assert Chat.from_json(done.stdout.decode()).latest_message.content == "Half"
    else:
        assert done.stdout == b"Half\n"


def test_a_refused_key_is_told_and_not_printed() -> None:
    with serve(refused(401, f"Incorrect API key provided: {KEY}")) as server:
        done = ask(server, "hi")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"Incorrect API key" in done.stderr
    assert KEY.encode() not in done.stderr


def test_no_server_is_an_error_in_one_line() -> None:
    with serve(answer("never")) as server:
        pass
    done = ask(server, "hi")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.count(b"\n") == 1


def test_each_delta_is_there_at_once_and_ctrl_c_keeps_what_came() -> None:
    with (
        serve(unfinished(delta("Hello "), delta("wor"), WaitForClose())) as server,
        asking(server, "hi") as process,
    ):
        assert process.stdout is not None
        assert process.stdout.read(9) == b"Hello wor"
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert closed_soon(server, interrupted)
        out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out) == (130, b"\n")
    assert err == b"punk: interrupted: the answer is incomplete\n"


def test_ctrl_c_before_the_first_word() -> None:
    with serve(unfinished(WaitForClose())) as server, asking(server, "hi", "--json") as process:
        while not server.requests:
            time.sleep(0.01)
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert closed_soon(server, interrupted)
        out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert Chat.from_json(out.decode()).messages[0].content == "hi"
    assert err == b"punk: interrupted: the answer is incomplete\n"


def test_ctrl_c_with_json_prints_the_part() -> None:
    pieces: list[Piece] = [delta(thinking="hm"), delta("Half"), WaitForClose()]
    with serve(unfinished(*pieces)) as server, asking(server, "hi", "--json", "--thinking") as process:
        assert process.stderr is not None
        assert process.stderr.read(4) == b"hm\n\n", "so the text has arrived too"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    latest = Chat.from_json(out.decode()).latest_message
    assert isinstance(latest, AssistantMessage)
    assert (latest.content, latest.thinking_blocks[0].text) == ("Half", "hm")
    assert err == b"punk: interrupted: the answer is incomplete\n"


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    lines: list[Piece] = [delta("first\n")]
    for _ in range(100):
        lines += [Pause(0.05), delta("more\n")]
    with serve(unfinished(*lines, WaitForClose())) as server, asking(server, "hi") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        left = time.monotonic()
        process.stdout.close()
        assert closed_soon(server, left)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(DEADLINE) == 141


def test_a_full_disk_is_told() -> None:
    with serve(answer("word")) as server, open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PUNK, "hi"],
            env=environment(server),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=DEADLINE,
        )
    assert done.returncode == 1
    assert done.stderr == b"punk: cannot write: No space left on device\n"


class Shown:
    """A pseudo-terminal, and what is on its screen."""

    def __init__(self, width: int, height: int) -> None:
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (height, width))
        self.screen = Screen(width, height)

    def wait_for(self, word: str) -> None:
        """Read until `word` is on the screen."""
        while word not in self.screen.text:
            # The slave side is open here too: a program that has gone would be waited for without end.
            assert select.select([self.master], [], [], DEADLINE)[0], f"{word!r} never came"
            self.screen.feed(os.read(self.master, 65536).decode())

    def rest(self) -> None:
        """Read until the program has gone."""
        os.close(self.slave)
        try:
            while output := os.read(self.master, 65536):
                self.screen.feed(output.decode())
        except OSError:  # how Linux says it
            pass
        os.close(self.master)


def test_on_a_terminal_it_is_rendered_and_stays_on_the_screen_once() -> None:
    points = [f"{number}. Point **{number}** of it\n" for number in range(1, 41)]
    pieces: list[Piece] = [delta(thinking="hm"), delta("# Title\n\n")]
    for point in points:
        pieces += [delta(point[:5]), delta(point[5:]), Pause(0.005)]
    said = Answer([*pieces, delta("\nThe end."), end()])
    shown = Shown(50, 12)
    with serve(said) as server, asking(server, "hi", "--thinking", stdout=shown.slave) as process:
        shown.wait_for("The end.")
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(DEADLINE) == 0
        shown.rest()
    screen = shown.screen
    assert [line.strip() for line in screen.lines if line] == [
        "hm",
        "Title",
        *(f"{number} Point {number} of it" for number in range(1, 41)),
        "The end.",
    ]
    assert screen.dim == "hm"
    assert screen.cursor == (len(screen.text.split("\n")), 0)
    assert screen.cursor_shown


def test_on_a_terminal_ctrl_c_keeps_what_came() -> None:
    shown = Shown(50, 12)
    with (
        serve(unfinished(delta("Hello *wor"), WaitForClose())) as server,
        asking(server, "hi", stdout=shown.slave) as process,
    ):
        shown.wait_for("Hello *wor")
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert closed_soon(server, interrupted)
        _, err = process.communicate(timeout=DEADLINE)
        shown.rest()
    assert process.returncode == 130
    assert err == b"punk: interrupted: the answer is incomplete\n"
    assert shown.screen.text == "Hello *wor"
    assert shown.screen.cursor == (1, 0)
    assert shown.screen.cursor_shown


@pytest.mark.parametrize("missing", ["click", "rich", "platformdirs", "markdown_it"])
def test_without_its_extra_it_says_what_to_install(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from punk.cli import main; sys.exit(main(['hi']))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=DEADLINE)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b'punk: the command needs its extra; run: pip install "punk-llm[cli]"\n'


def test_help_and_version() -> None:
    with serve(answer("never")) as server:
        told = ask(server, "--help")
        version = ask(server, "--version")
    assert (told.returncode, told.stderr) == (0, b"")
    assert all(word in told.stdout for word in (b"--thinking", b"stderr", b"130", b"141", b"punk local install"))
    assert (version.returncode, version.stdout[:5]) == (0, b"punk ")


def test_words_that_the_encoding_lacks_neither_fail_nor_reach_the_json() -> None:
    with serve(answer("caf\u00e9 \U0001f389")) as server:
        env = {"PYTHONIOENCODING": "ascii"}
        text = ask(server, "hi", env=env)
        chat = ask(server, "hi", "--json", env=env)
    assert (text.returncode, text.stdout, text.stderr) == (0, b"caf? ?\n", b"")
    assert (chat.returncode, chat.stderr) == (0, b"")
    assert Chat.from_json(chat.stdout.decode()).latest_message.content == "caf\u00e9 \U0001f389"


def test_nothing_is_fetched_where_that_is_forbidden(tmp_path: Path) -> None:
    need(runtime_installed(), "the `local` extra is not installed")
    env = {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "PUNK_NO_DOWNLOAD": "1"}
    with serve(answer("never")) as server:
        done = ask(server, "hi", "-m", "local", env=env)
        install = ask(server, "local", "install", env=env)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"PUNK_NO_DOWNLOAD forbids" in done.stderr
    assert (install.returncode, install.stdout, install.stderr) == (2, b"", done.stderr)
    assert list(tmp_path.rglob("*.gguf")) == []


def test_without_a_key_a_real_model_answers() -> None:
    local_weights()
    env = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    with subprocess.Popen(
        [*PUNK, "Explain quantum entanglement briefly"],
        env={**env, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        out = process.stdout.fileno()
        pieces = list(iter(lambda: os.read(out, 65536), b""))
        told = process.stderr.read()
        assert process.wait(DEADLINE) == 0
    assert len(pieces) > 5, "it is streamed"
    assert b"entangle" in b"".join(pieces)
    assert told.startswith(b"punk: the answer comes from the small local demo model")
    assert told.count(b"\n") == 1
