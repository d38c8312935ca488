"""Nasty mistakes in the core that its laws must catch: `python -m tests.core.mutants [word …]` tries them all, or those
whose names hold one of the words, and ends with 1 if one survives."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from tests.core.mutation import Workspace, workspace
from tests.support.paths import ROOT

SECONDS: Final = 120.0
TESTS: Final = ("tests/core",)


@final
@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake: `before`, which stands once in the file, becomes `after`."""

    name: str
    file: str
    before: str
    after: str

    def source(self) -> str:
        """The file with the mistake in it. Raises `ValueError` where `before` does not stand there once."""
        text = (ROOT / self.path).read_text(encoding="utf-8")
        if text.count(self.before) != 1:
            raise ValueError(f"{self.name}: {self.before!r} stands {text.count(self.before)} times in {self.path}")
        return text.replace(self.before, self.after)

    @property
    def path(self) -> str:
        return f"punk/core/{self.file}.py"


MUTANTS: Final = (
    Mutant("a hole in the log", "log", "log.size = size + 1", "log.size = size + (2 if size == 5 else 1)"),
    Mutant(
        "append does not branch",
        "log",
        "if slots.setdefault(size, item) is not item:",
        "slots[size] = item\n        if False:",
    ),
    Mutant("a branch forgets its first item", "log", "for i in range(size)}", "for i in range(1, size)}"),
    Mutant("since begins one late", "log", "range(index, self.size)", "range(index + 1, self.size)"),
    Mutant(
        "a terminal state is left",
        "step",
        "        case Completed() | AwaitingApproval() | Cancelled() | Failed():\n",
        "        case Cancelled() if isinstance(event, TurnEnded):\n"
        "            return Completed(state.run, state.log), NOTHING\n"
        "        case Completed() | AwaitingApproval() | Cancelled() | Failed():\n",
    ),
    Mutant(
        "a late event is forgotten",
        "tool_steps",
        "            # The provider still",
        "            return state, ()\n            # The provider still",
    ),
    Mutant(
        "a late event is applied",
        "step",
        "            return late(state, event)\n        case _:\n            assert_never(state)",
        "            return replace(state, log=state.log.append(event)), NOTHING\n"
        "        case _:\n            assert_never(state)",
    ),
    Mutant(
        "an unsealed call runs",
        "rounds",
        "elif drafted.fault is None:",
        "elif drafted.fault in (None, 'the call was not finished'):",
    ),
    Mutant("a call runs without its note", "rounds", "            log = log.append(CallSealed(call))\n", ""),
    Mutant(
        "max_tokens runs calls",
        "rounds",
        'frozenset({"stop", "tool_use", None})',
        'frozenset({"stop", "tool_use", "max_tokens", None})',
    ),
    Mutant(
        "an unknown reason runs calls",
        "rounds",
        'frozenset({"stop", "tool_use", None})',
        'frozenset({"stop", "tool_use", "other", None})',
    ),
    Mutant(
        "a turn without a reason runs none",
        "rounds",
        'frozenset({"stop", "tool_use", None})',
        'frozenset({"stop", "tool_use"})',
    ),
    Mutant(
        "cancel does not let go", "endings", "state.log.append(event)), (Abandon(),)", "state.log.append(event)), ()"
    ),
    Mutant(
        "cancel lets go twice",
        "endings",
        "state.log.append(event)), (Abandon(),)",
        "state.log.append(event)), (Abandon(), Abandon())",
    ),
    Mutant(
        "cancel forgets what has arrived", "endings", "return Cancelled(_settle(state),", "return Cancelled(state.run,"
    ),
    Mutant("a violation does not let go", "endings", "state.log, failure), (Abandon(),)", "state.log, failure), ()"),
    Mutant("a violating event is forgotten", "endings", "replace(run, late=run.late.append(event))", "run"),
    Mutant("a violation names the other side", "step", '"provider", "a second answer', '"punk", "a second answer'),
    Mutant(
        "usage is added up within a turn",
        "step",
        "replace(state.turn, usage=usage)",
        "replace(state.turn, usage=usage + (state.turn.usage or usage))",
    ),
    Mutant(
        "usage before a pause is forgotten",
        "state",
        "return paused.usage if usage is None else paused.usage + usage",
        "return usage",
    ),
    Mutant("a partial's usage claims to be whole", "state", "known + Usage(lower_bound=True)", "known"),
    Mutant("thinking runs on into the text", "thinking_reader", 'return text != ""', "return False"),
    Mutant(
        "thinking runs on through calls",
        "thinking_reader",
        "case CallStarted() | OpaqueStarted() | TurnEnded():",
        "case OpaqueStarted() | TurnEnded():",
    ),
    Mutant(
        "a later loop does not wait for the tools",
        "thinking_reader",
        "elif turn > stands and",
        "elif turn >= stands and",
    ),
    Mutant("a loop waits for a turn that cannot come", "thinking_reader", "return End(here) if in_vain else", "return"),
    Mutant(
        "a loop repeats its last piece",
        "thinking_reader",
        "return Piece(entry.text, InPhase(position + 1, cursor.turn",
        "return Piece(entry.text, InPhase(position, cursor.turn",
    ),
    Mutant(
        "a reader skips a piece",
        "readers",
        "return Piece(entry.text, position + 1)",
        "return Piece(entry.text, position + 2)",
    ),
    Mutant("a reader is told of the end too early", "readers", "| RunningTools() |", "|"),
    Mutant(
        "results in the order in which they came",
        "tool_steps",
        "    answers = (*state.answers[:position], answer,",
        "    position = next(i for i, each in enumerate(state.answers) if isinstance(each, str))\n"
        "    answers = (*state.answers[:position], answer,",
    ),
    Mutant(
        "a result is taken twice",
        "tool_steps",
        "if call.id == call_id and state.answers[position] in allowed:",
        "if call.id == call_id:",
    ),
    Mutant("the next turn before all results", "rounds", "if len(given) == len(state.calls):", "if given:"),
    Mutant("derived ids collide", "draft", '{message_index}_{len(calls)}"', '{message_index}_0"'),
    Mutant("derived ids repeat in every turn", "draft", 'f"call_{message_index}_', 'f"call_'),
    Mutant(
        "derived ids ignore given ones",
        "draft",
        "while derived in given or derived in taken:",
        "while derived in taken:",
    ),
    Mutant("a doubled id runs twice", "draft", "doubled = block.id in taken", "doubled = False"),
    Mutant(
        "contradicting arguments run",
        "draft",
        "if not joined or same_json(joined, whole):",
        "if True:",
    ),
    Mutant(
        "deltas joined in the wrong order",
        "draft",
        'joined = "".join(block.pieces)',
        'joined = "".join(reversed(block.pieces))',
    ),
    Mutant(
        "a text block swallows a piece",
        "draft",
        "if isinstance(block, _Text) and text:",
        "if isinstance(block, _Text) and len(text) > 1:",
    ),
    Mutant(
        "thinking loses its signature",
        "draft",
        "block.signature, block.data = signature, data",
        "block.signature, block.data = None, data",
    ),
    Mutant(
        "an opaque part becomes replayable",
        "draft",
        "OpaquePart(kinds[number], data, replayable)",
        "OpaquePart(kinds[number], data)",
    ),
    Mutant(
        "parts in the wrong order",
        "draft",
        "for number in sorted(blocks):",
        "for number in sorted(blocks, reverse=True):",
    ),
    Mutant("a closed block takes more", "step", "open=state.turn.open - {block}", "open=state.turn.open"),
    Mutant("the codec drops the signature", "codec_parts", 'get("signature", optional(text))', "None"),
    Mutant("the codec drops what was not run", "codec", 'unrun_calls=get("unrun_calls", array(call)),', ""),
    Mutant("the codec drops the lower bound", "codec", 'lower_bound=get("lower_bound", boolean), ', ""),
    Mutant("a synthetic result is no error", "history", "why, is_error=True)", "why)"),
    Mutant(
        "only the first call of an interrupted message is answered",
        "history",
        "for call in pending.calls)",
        "for call in pending.calls[:1])",
    ),
    Mutant(
        "a later result replaces the first",
        "history",
        "results.setdefault(message.call_id, message)",
        "results[message.call_id] = message",
    ),
    Mutant(
        "a pause is forgotten",
        "rounds",
        "return request_turn(replace(run, paused=answer), state.log)",
        "return request_turn(run, state.log)",
    ),
    Mutant(
        "a pause is said twice", "rounds", "run.messages.append(called), paused=None)", "run.messages.append(called))"
    ),
    Mutant(
        "a pause in the last round is lost",
        "rounds",
        "Failed(replace(run, messages=_said(run), paused=None), log, reached",
        "Failed(run, log, reached",
    ),
    Mutant(
        "one round too many",
        "rounds",
        "if run.rounds >= request.max_rounds:",
        "if run.rounds > request.max_rounds:",
    ),
    Mutant(
        "calls of the last round are run",
        "rounds",
        "reached = (None if deferred else _reached(run)) or _too_many(run, runnable)",
        "reached = _too_many(run, runnable)",
    ),
    Mutant("one call too many", "rounds", "run.calls + calls > most else", "run.calls + calls > most + 1 else"),
    Mutant("calls are not counted", "rounds", "run = replace(run, calls=run.calls + runnable)", "pass"),
    Mutant("the tokens of one turn count", "rounds", "tokens=state.run.tokens + _tokens", "tokens=_tokens"),
    Mutant("one token too many", "rounds", "run.tokens >= request.max_total", "run.tokens > request.max_total"),
    Mutant("handed over calls are run", "rounds", "if not run.request.execute_tools:", "if run.rounds < 0:"),
    Mutant(
        "a handed over call may run unsealed later",
        "rounds",
        "run.messages.extend(_given(answers))), log), NOTHING",
        "run.messages), log), NOTHING",
    ),
    Mutant(
        "resuming loses the results it has",
        "step",
        "judge(message.calls), resumed.results)",
        "judge(message.calls), {})",
    ),
    Mutant(
        "a lost turn completes",
        "step",
        "case TurnFailed(failure=failure):\n            return lose_turn(Streaming(",
        "case TurnFailed(failure=failure):\n"
        "            return Completed(state.run, state.log.append(event)), NOTHING\n"
        "            return lose_turn(Streaming(",
    ),
    Mutant("a retry after something was seen", "rounds", "or _is_seen(state):", "or False:"),
    Mutant("a retry after a thought", "rounds", 'any(block.kind != "text"', 'any(block.kind == "call"'),
    Mutant("no retry once a text has begun", "rounds", 'any(block.kind != "text" for', "any(True for"),
    Mutant("a retry after any failure", "rounds", "if not is_retryable(failure) or _is_seen(", "if _is_seen("),
    Mutant("attempts are not counted", "rounds", "attempt=run.attempt + 1)", "attempt=run.attempt)"),
    Mutant(
        "attempts go on through the rounds", "rounds", "rounds=run.rounds + 1, attempt=1)", "rounds=run.rounds + 1)"
    ),
    Mutant("attempts go on through the models", "rounds", "model=run.model + 1, attempt=1)", "model=run.model + 1)"),
    Mutant("a fallback is left out", "rounds", "model=run.model + 1, attempt", "model=len(routes) - 1, attempt"),
    Mutant(
        "fallbacks have the clocks of the first",
        "rounds",
        "request.routes[run.model].clocks",
        "request.routes[0].clocks",
    ),
    Mutant("fallbacks have the policy of the first", "rounds", "routes[run.model].retry", "routes[0].retry"),
    Mutant(
        "a retry counts as a round",
        "rounds",
        "again = replace(run, attempt",
        "again = replace(run, rounds=run.rounds + 1, attempt",
    ),
    Mutant("a retry at once", "rounds", "(StartBackoff(seconds),)", "(StartBackoff(0.0),)"),
    Mutant("one attempt too many", "retry", "if attempt >= self.attempts", "if attempt > self.attempts"),
    Mutant("retry-after is not heard", "retry", "return max(asked, own)", "return own"),
    Mutant("patience has no end", "retry", "if asked <= self.patience else None", "if asked >= 0 else None"),
    Mutant("a wait beyond its cap", "retry", "min(self.cap, self.base", "max(self.cap, self.base"),
    Mutant("waits do not grow", "retry", "min(attempt - 1, 64)", "0"),
    Mutant("jitter makes waits longer", "retry", "1 - self.jitter * chance", "1 + self.jitter * chance"),
    Mutant("all runs wait alike", "retry", "(seed, round, model, attempt)", "(0, round, model, attempt)"),
    Mutant(
        "a run that is out of time goes on",
        "endings",
        "failure, (Abandon(),))\n\n\ndef late",
        "failure, NOTHING)\n\n\ndef late",
    ),
    Mutant("pings are progress", "timeouts", "case Heartbeat() | UsageReported():", "case UsageReported():"),
    Mutant("counts are progress", "timeouts", "case Heartbeat() | UsageReported():", "case Heartbeat():"),
    Mutant("empty pieces are progress", "timeouts", 'return text != ""', "return True"),
    Mutant(
        "progress does not set the clock back",
        "timeouts",
        '"progress", self.clocks.progress)',
        '"progress", self.left)',
    ),
    Mutant("reads take no time", "timeouts", "self.left - seconds", "self.left"),
    Mutant(
        "the first event's clock goes on",
        "timeouts",
        'return Watch(self.clocks, "progress"',
        'return Watch(self.clocks, "first_event"',
    ),
    Mutant(
        "a chat's timeouts beat a call's", "timeouts", "replace(others, **self.said)", "replace(self, **others.said)"
    ),
    Mutant(
        "an unapproved call starts",
        "tool_steps",
        'call_id, ("start",), "result")',
        'call_id, ("approval", "start"), "result")',
    ),
    Mutant(
        "a call starts twice", "tool_steps", 'call_id, ("start",), "result")', 'call_id, ("start", "result"), "result")'
    ),
    Mutant(
        "an approved call is taken for a running one",
        "tool_steps",
        'call_id, asked, "start")',
        'call_id, asked, "result")',
    ),
    Mutant(
        "a call is approved where nobody is asked",
        "tool_steps",
        'if state.run.request.approvals == "asked" else ()',
        "",
    ),
    Mutant(
        "progress before the start",
        "tool_steps",
        'call_id, ("result",), "result")',
        'call_id, ("start", "result"), "result")',
    ),
    Mutant(
        "an unapproved call has a result",
        "tool_steps",
        'if is_error else ("start", "result")',
        'if True else ("start", "result")',
    ),
    Mutant(
        "a denial is not taken",
        "tool_steps",
        'if is_error else ("start", "result")',
        'if False else ("start", "result")',
    ),
    Mutant("a result loses its parts", "tool_steps", "name, parts, is_error)", "name, event.content, is_error)"),
    Mutant("deferred calls are run", "rounds", "if call.id not in deferred)", "if call.id)"),
    Mutant("nobody says who is to be asked", "rounds", "RunTools(running, unapproved - deferred)", "RunTools(running)"),
    Mutant("that approval is needed is not noted", "rounds", "log = log.append(ApprovalNeeded(call))", "pass"),
    Mutant(
        "an approval given before is ignored", "rounds", 'if call.approval == "needed")', "if call.name in guarded)"
    ),
    Mutant(
        "every call needs approval",
        "rounds",
        "if call.name in guarded and call.approval is None",
        "if call.approval is None",
    ),
    Mutant(
        "an approval is overwritten", "rounds", "in guarded and call.approval is None else call", "in guarded else call"
    ),
    Mutant(
        "a chat forgets that its calls need approval",
        "rounds",
        "called = guard(ToolCallMessage(parts, finish=finish, usage=usage, origin=origin), run.request)",
        "called = ToolCallMessage(parts, finish=finish, usage=usage, origin=origin)",
    ),
    Mutant(
        "calls await approval unmarked",
        "rounds",
        "calls = tuple(replace(drafted, call=_under_guard(drafted.call, guarded)) for drafted in draft.calls)",
        "calls = draft.calls",
    ),
    Mutant(
        "calls that may not run are marked",
        "rounds",
        "unrun = [drafted.call for",
        "unrun = [_under_guard(drafted.call, _guarded(run.request)) for",
    ),
    Mutant(
        "a marked call runs once its tool is free",
        "rounds",
        'if call.approval == "needed")',
        'if call.approval == "needed" and call.name in guarded)',
    ),
    Mutant("a marked call runs", "rounds", 'if call.approval == "needed")', "if False)"),
    Mutant(
        "an unmarked call of a guarded tool runs",
        "step",
        "message = guard(resumed.message, request)",
        "message = resumed.message",
    ),
    Mutant(
        "handed over calls await approval",
        "rounds",
        "if not request.execute_tools:",
        "if False:",
    ),
    Mutant(
        "deferred calls count", "rounds", "len(_ready(drafts, known)) - len(deferred)", "len(_ready(drafts, known))"
    ),
    Mutant("what is deferred needs a round", "rounds", "(None if deferred else _reached(run))", "_reached(run)"),
    Mutant(
        "a limit forgets the results it has",
        "rounds",
        "known.get(drafted.call.id) or synthetic_result(drafted.call, why)",
        "synthetic_result(drafted.call, why)",
    ),
    Mutant(
        "what awaits approval loses the results of its siblings",
        "rounds",
        "AwaitingApproval(replace(run, messages=run.messages.extend(given)),",
        "AwaitingApproval(run,",
    ),
    Mutant(
        "a run ends for approval while siblings run",
        "rounds",
        "len(given) + len(waiting) == len(state.calls):",
        "waiting:",
    ),
    Mutant(
        "a run that asks ends instead",
        "rounds",
        'if run.request.approvals == "deferred" and len(given)',
        "if len(given)",
    ),
    Mutant(
        "what was never approved may have run", "state", "synthetic_result(call, UNAPPROVED)", "synthetic_result(call)"
    ),
    Mutant("what never began may have run", "state", "synthetic_result(call, UNSTARTED)", "synthetic_result(call)"),
    Mutant("what was approved was not", "state", "interrupted(replace(call, approval=None),", "interrupted(call,"),
    Mutant(
        "that a call may be repeated is not said",
        "history",
        'f"{INTERRUPTED} {REPEATABLE}" if repeatable else INTERRUPTED',
        "INTERRUPTED",
    ),
    Mutant(
        "any call may be repeated",
        "history",
        "any(tool.name == call.name and tool.idempotent for",
        "any(tool.idempotent for",
    ),
    Mutant(
        "an old call that nobody approved may have run",
        "history",
        'if call.approval == "needed":',
        "if False:",
    ),
    Mutant(
        "an old call that was approved never ran",
        "history",
        'if call.approval == "needed":',
        "if call.approval is not None:",
    ),
    Mutant(
        "an old call that needed no approval never ran",
        "history",
        'if call.approval == "needed":',
        'if call.approval != "given":',
    ),
    Mutant(
        "a run does not say what became of old calls",
        "step",
        "valid_history(said, request.tools)",
        "valid_history(said)",
    ),
    Mutant(
        "a resumed run does not say what became of old calls",
        "step",
        "valid_history(resumed.before, request.tools)",
        "valid_history(resumed.before)",
    ),
    Mutant("the codec forgets approvals", "codec_parts", 'get("approval", _MAYBE_APPROVAL),', "None,"),
    Mutant(
        "the codec keeps the text of a result only",
        "codec",
        "plain = value.parts == (TextPart(value.content),)",
        "plain = True",
    ),
    Mutant(
        "the codec writes every result in parts",
        "codec",
        "plain = value.parts == (TextPart(value.content),)",
        "plain = False",
    ),
)


def survives(mutant: Mutant, place: Workspace) -> bool:
    """Whether the tests of the core see nothing wrong."""
    return place.verdict(mutant.path, mutant.source(), TESTS, SECONDS) == "survived"


def main(words: Sequence[str]) -> int:
    """Try the mutants; 0 when each is killed."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    survivors: list[str] = []
    with workspace() as place:
        place.check(TESTS, SECONDS)
        for mutant in chosen:
            lives = survives(mutant, place)
            print(f"{'SURVIVED' if lives else 'killed':9}{mutant.name}", flush=True)
            survivors += [mutant.name] * lives
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
