"""
How many runs each condition gets, and in which order.

First the calm runs, then each condition that the test can meet, until a difference is sure, or failures as often as was
asked for would have been seen. A failure under a condition that is exact is asked to come again: six times in fresh
processes, which is what decides, since the first one was chosen for having failed.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from hermetic.record.history.comparing import fisher_one_sided
from hermetic.record.history.intervals import runs_to_see
from hermetic.runs.stress.conditions import CONDITIONS, WAITS, Facts, calms
from hermetic.runs.stress.trials import Arm
from hermetic.runs.stress.verdict import SURE, Cause, Verdict, classify, is_cold, is_rounding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from hermetic.runs.stress.conditions import Condition
    from hermetic.runs.stress.trials import Bench, Trial

_CHUNK = 20
_PROMISING = 80
_AGAIN = 6
# A condition that a test did not meet in so many runs is left.
_UNMET = 5
_MOST_BEFORE = 60
_INTERPRETERS = 60
_FEWEST_INTERPRETERS = 20
# Six runs with one seed and six with another cannot be surer.
_SURE_OF_SEED = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    How much to do.

    Args:
        rate: failures this frequent are to be seen with 95 %; it decides how many runs there are at most.
        runs: so many under each condition instead; None to let `rate` decide.
        seconds: for everything; no new runs begin after.
        only: the names of the conditions; all if empty.
        arm_seconds: at most so long for one condition of one test, once it has had 20 runs, or 80 when they look telling.
        is_thorough: every condition is tried, also once one is found that explains the failures by itself.
    """

    rate: float = 0.01
    runs: int | None = None
    seconds: float = float("inf")
    only: frozenset[str] = frozenset()
    arm_seconds: float = 15.0
    is_thorough: bool = False

    @property
    def most(self) -> int:
        return self.runs if self.runs is not None else runs_to_see(self.rate)


class Campaign:
    """
    Stresses tests one after another.

    Args:
        bench: where they run.
        plan: how much.
        tell: told what is being done, a line each.
        now: the wall clock, in seconds since the epoch.
        monotonic: what time limits are measured with.
    """

    def __init__(
        self,
        bench: Bench,
        plan: Plan,
        *,
        tell: Callable[[str], None] = lambda _: None,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bench = bench
        self._plan = plan
        self._tell = tell
        self._now = now()
        self._monotonic = monotonic
        self._ends = monotonic() + plan.seconds
        self._calm: Mapping[str, Any] = {}
        self._used: frozenset[str] = frozenset()
        self._is_cold = False

    def run(self, tests: Sequence[str]) -> list[Verdict]:
        """
        One verdict for each test.
        """
        verdicts = [self._one(test) for test in tests]
        asked = [
            one
            for one in verdicts
            if one.class_ not in {"broken", "skipped"} and self._wants("hash") and not self._is_explained(one)
        ]
        if asked:
            self._interpreters(asked)
        for verdict in verdicts:
            if verdict.class_ == "unknown":
                verdict.class_ = classify(verdict, rate=self._plan.rate if self._plan.runs is None else 1.0)
            cause = verdict.cause
            if cause is not None and is_rounding(cause.example.text):
                verdict.notes.append(
                    "The two values differ by rounding alone: compare with pytest.approx() or math.isclose(), or add with "
                    "math.fsum(), whose result does not depend on the order."
                )
        return verdicts

    def _wants(self, name: str) -> bool:
        return not self._plan.only or name in self._plan.only

    # ------------------------------------------------------------ one test

    def _one(self, test: str) -> Verdict:
        verdict = Verdict(test=test, class_="unknown", calm=Arm(), first=Arm(), later=Arm())
        self._tell(f"{test}: calm")
        if not self._find_calm(verdict):
            return verdict
        durations = self._calm_runs(verdict)
        self._is_cold = is_cold(verdict)
        facts = Facts(duration_s=median(durations) if durations else 0.0, now=self._now)
        for condition in CONDITIONS:
            if condition.means == "interpreter" or not self._wants(condition.name):
                continue
            if self._is_explained(verdict):
                break
            if condition.uses and condition.uses not in self._used:
                verdict.unmet.append(condition.name)
            elif self._monotonic() < self._ends:
                self._condition(condition, verdict, facts)
        if verdict.cause is not None:
            self._tell(f"{test}: decided by {verdict.cause.condition.title}")
        return verdict

    def _is_explained(self, verdict: Verdict) -> bool:
        """
        Whether one setting gives the failure each time and calm surroundings never do: what else could add to it would only
        be found among failures that are explained already.
        """
        return (
            not self._plan.is_thorough
            and verdict.calm.failures == 0
            and any(cause.condition.is_exact and not cause.condition.is_provoked for cause in verdict.causes)
        )

    def _find_calm(self, verdict: Verdict) -> bool:
        """
        Surroundings in which the test passes; without any, what it is instead.
        """
        last: Arm = Arm()
        for calm in calms(self._now):
            trials = self._bench.run(verdict.test, [calm] * 4)
            if trials and trials[0].was_skipped:
                verdict.class_ = "skipped"
                return False
            for trial in trials:
                last.add(trial)
            failed = [trial.failed for trial in trials]
            if not all(failed) or len(trials) < 4:
                # Passed once, and never again: what it leaves behind would be taken for a condition.
                verdict.is_repeatable = failed != [False, True, True, True]
                self._calm = calm
                self._used = frozenset[str]().union(*(trial.used for trial in trials))
                return True
        verdict.calm = last
        if self._passes_after_others(verdict.test):
            verdict.class_ = "order-dependent"
            verdict.notes.append(
                f"It fails alone and passes after others: hermetic bisect '{verdict.test}' names them."
            )
        else:
            verdict.class_ = "broken"
        return False

    def _passes_after_others(self, test: str) -> bool:
        place = self._bench.collected.index(test)
        earlier, others = self._bench.collected[:place], [one for one in self._bench.collected if one != test]
        for before in (earlier, others):
            trials = self._bench.run(test, [calms(self._now)[0]], before=before) if before else []
            if trials and not trials[0].failed:
                return True
        return False

    def _chunk(self, verdict: Verdict) -> int:
        return _CHUNK if verdict.is_repeatable else 1

    def _calm_runs(self, verdict: Verdict) -> list[float]:
        durations: list[float] = []
        began = self._monotonic()
        # Ten processes at least, so that the first run in each can be told from the later ones.
        size = max(1, min(self._chunk(verdict), self._plan.most // 10))
        while self._goes_on(verdict.calm, began, least=40):
            for trial in self._bench.run(verdict.test, [self._calm] * min(size, self._plan.most - verdict.calm.runs)):
                verdict.calm.add(trial)
                (verdict.first if trial.is_first else verdict.later).add(trial)
                durations.append(trial.duration_s)
                self._used |= trial.used
        return durations

    def _goes_on(self, arm: Arm, began: float, *, least: int = 20, most: int | None = None) -> bool:
        now = self._monotonic()
        if now > self._ends or arm.runs >= (self._plan.most if most is None else most):
            return False
        return arm.runs < least or now - began < self._plan.arm_seconds

    # ------------------------------------------------------------ one condition

    def _condition(self, condition: Condition, verdict: Verdict, facts: Facts) -> None:
        self._tell(f"{verdict.test}: {condition.title}")
        arm = verdict.arms[condition.name] = Arm()
        began = self._monotonic()
        is_met = False
        while self._goes_on(arm, began, least=self._least(condition, arm, verdict)) and not self._is_decided(
            condition, arm, verdict
        ):
            trials = self._trials(condition, verdict, facts, arm.runs)
            is_met |= any(not condition.uses or condition.uses in trial.used or trial.failed for trial in trials)
            for trial in self._telling(condition, trials):
                arm.add(trial)
            if not is_met and arm.runs >= _UNMET * 4:
                del verdict.arms[condition.name]
                verdict.unmet.append(condition.name)
                return
        if arm.failures:
            self._judge(condition, verdict, arm)

    def _still(self, condition: Condition, verdict: Verdict) -> Arm:
        """
        The calm runs that a condition's are compared with. After other tests, each run is the first of this test in its
        process; and where the first one fails by itself, only the later ones tell of a condition.
        """
        if condition.means == "order":
            return verdict.first
        return verdict.later if self._is_cold else verdict.calm

    def _telling(self, condition: Condition, trials: list[Trial]) -> list[Trial]:
        """
        Those that can be compared with these calm runs; all where a process is lost in its first.
        """
        if condition.means == "order" or not self._is_cold:
            return trials
        return [trial for trial in trials if not trial.is_first] or trials

    def _least(self, condition: Condition, arm: Arm, verdict: Verdict) -> int:
        """
        How many runs a condition has before its time counts: more once its failures may well be its doing, since a busy
        machine makes few runs in that time, and few runs cannot be sure.
        """
        return _PROMISING if arm.failures > 1 and _chance(arm, self._still(condition, verdict)) < 0.05 else _CHUNK

    def _is_decided(self, condition: Condition, arm: Arm, verdict: Verdict) -> bool:
        if condition.is_exact and verdict.calm.failures == 0:
            return arm.failures >= 3
        return arm.failures >= 3 and _chance(arm, self._still(condition, verdict)) < SURE / 10

    def _trials(self, condition: Condition, verdict: Verdict, facts: Facts, done: int) -> list[Trial]:
        if condition.means == "order":
            before = _shuffled(self._bench.collected, verdict.test, seed=done + 1)
            return self._bench.run(verdict.test, [self._calm], before=before)
        size = min(self._chunk(verdict), max(1 + self._is_cold, self._plan.most - done))
        if condition.has_turns or condition.load:
            # Each of these processes has its own pattern of turns.
            size = min(size, 5)
        numbers = range(done + 1, done + size + 1)
        settings = [{**self._calm, **condition.vary(number, facts)} for number in numbers]
        return self._run(condition, verdict, settings, seed=done + 1)

    def _run(self, condition: Condition, verdict: Verdict, settings: list[dict[str, Any]], *, seed: int) -> list[Trial]:
        return self._bench.run(verdict.test, settings, load=condition.load, turns=seed if condition.has_turns else None)

    def _judge(self, condition: Condition, verdict: Verdict, arm: Arm) -> None:
        """
        Whether the failures are the condition's doing.
        """
        if not condition.is_exact:
            chance = _chance(arm, self._still(condition, verdict))
            if chance < SURE:
                self._name(
                    condition,
                    verdict,
                    Cause(condition=condition, arm=arm, again=None, chance=chance, example=arm.failed[0]),
                )
            return
        best: tuple[float, Arm, Trial] | None = None
        for example in arm.failed[:3]:
            again = Arm()
            size = 2 if verdict.is_repeatable and not example.before else 1
            for _ in range(_AGAIN):
                # A process that is lost gives one run less than it was asked for.
                trials = self._bench.run(verdict.test, [example.setting] * size, before=example.before)
                for trial in self._telling(condition, trials):
                    again.add(trial)
                if again.runs >= _AGAIN:
                    break
            chance = _chance(again, self._still(condition, verdict))
            if best is None or chance < best[0]:
                best = (chance, again, example)
            if chance < SURE:
                break
        if best is not None and best[0] < SURE:
            self._name(
                condition, verdict, Cause(condition=condition, arm=arm, again=best[1], chance=best[0], example=best[2])
            )

    def _name(self, condition: Condition, verdict: Verdict, cause: Cause) -> None:
        del verdict.arms[condition.name]
        patient = self._patient(condition, verdict, cause) if condition.is_slow else None
        verdict.causes.append(
            Cause(
                condition=condition,
                arm=cause.arm,
                again=cause.again,
                chance=cause.chance,
                example=cause.example,
                patient=patient,
            )
        )

    def _patient(self, condition: Condition, verdict: Verdict, cause: Cause) -> Arm:
        """
        The same condition with all waits and timeouts multiplied.
        """
        patient = Arm()
        began = self._monotonic()
        # Enough for a difference to show, if it is one: about five failures as often as without.
        most = max(20, min(150, round(5 * cause.arm.runs / cause.arm.failures)))
        while self._goes_on(patient, began, least=20, most=most):
            settings = [{**trial.setting, "waits": WAITS} for trial in (cause.example,) * 5]
            for trial in self._run(condition, verdict, settings, seed=patient.runs + 1):
                patient.add(trial)
        return patient

    # ------------------------------------------------------------ the hash seed

    def _interpreters(self, verdicts: list[Verdict]) -> None:
        """
        All tests at once in new interpreters, each with a hash seed of its own.
        """
        hashing = next(condition for condition in CONDITIONS if condition.means == "interpreter")
        arms = {verdict.test: Arm() for verdict in verdicts}
        began = self._monotonic()
        for seed in range(1, min(self._plan.most, _INTERPRETERS) + 1):
            waiting = [test for test, arm in arms.items() if arm.failures < 2]
            now = self._monotonic()
            took_long = seed > _FEWEST_INTERPRETERS and now - began > self._plan.arm_seconds * len(verdicts)
            if not waiting or now > self._ends or took_long:
                break
            self._tell(f"{len(waiting)} tests: hash seed {seed}")
            for test, trial in self._bench.interpret(waiting, hash_seed=seed).items():
                arms[test].add(trial)
        failing = [verdict for verdict in verdicts if arms[verdict.test].failures]
        calm = self._again(failing, {verdict.test: 0 for verdict in failing})
        again = self._again(
            failing, {verdict.test: arms[verdict.test].failed[0].setting["hash"] for verdict in failing}
        )
        for verdict in verdicts:
            arm = arms[verdict.test]
            if not arm.runs:
                continue
            verdict.arms["hash"] = arm
            if not arm.failures:
                continue
            repeated, still = again[verdict.test], calm[verdict.test]
            # The forked calm runs have the hash seed 0 as well. But where a new interpreter alone makes the test fail, the
            # seed is not what decides.
            chance = _chance(repeated, verdict.calm + still)
            if chance < SURE and _chance(repeated, still) < _SURE_OF_SEED:
                del verdict.arms["hash"]
                verdict.causes.append(
                    Cause(condition=hashing, arm=arm, again=repeated, chance=chance, example=arm.failed[0])
                )
            else:
                verdict.first += still

    def _again(self, verdicts: Iterable[Verdict], seeds: Mapping[str, int]) -> dict[str, Arm]:
        arms = {verdict.test: Arm() for verdict in verdicts}
        for seed in sorted(set(seeds.values())):
            tests = [test for test, wanted in seeds.items() if wanted == seed]
            for _ in range(_AGAIN):
                for test, trial in self._bench.interpret(tests, hash_seed=seed).items():
                    arms[test].add(trial)
        return arms


def _chance(arm: Arm, other: Arm) -> float:
    return fisher_one_sided(failures=arm.failures, runs=arm.runs, other_failures=other.failures, other_runs=other.runs)


def _shuffled(collected: Sequence[str], test: str, *, seed: int) -> list[str]:
    draw = random.Random(seed)  # noqa: S311 - an order of tests is no secret
    others = [one for one in collected if one != test]
    draw.shuffle(others)
    return others[: draw.randint(1, min(len(others), _MOST_BEFORE))] if others else []
