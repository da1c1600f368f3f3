"""Learning to tell falls: nets of one hidden layer over the impacts that the detector finds in recorded trials.

What the service would see is what is learnt from: the trials go through alerting.detect.fall as they do in an
evaluation. The impact at the fall is a fall; every impact of a trial without one is none; later impacts of a fall are
left out. How good it is, and the threshold, come from people the nets have not seen: the people are dealt into folds,
and each fold is judged by nets that learnt from the others (leave-people-out). The nets that are kept learn from
everybody.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.fall import NARROW_G, REFRACTORY_S, FallDetector, FallModel, Wear
from alerting.detect.fall_features import FEATURE_NAMES
from alerting.detect.nets import inputs
from anhu.errors import LearningUnavailable
from anhu.evaluate.fall import AFTER_S, BEFORE_S, ROWS_MAX, impacts_of
from anhu.evaluate.fall_recording import Trial
from anhu.evaluate.report import wilson
from anhu.learn.sensors import SENSORS, Sensor, told_by

HIT_S: Final = 1.0  # an impact this near to the fall's is the fall
LABEL_REACH_S: Final = (-1.0, 4.0)  # a labelled fall's highest impact lies here
SPREAD_MIN: Final = 1e-3
THRESHOLD_MIN: Final = 0.1
THRESHOLD_STEP: Final = 0.02


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn for one way of wearing.

    plain_nets learn from the trials as they were recorded, nets from what all the sensors tell; their mean judges.
    missed_max (a share) and false_alarms_per_hour_max: what is asked for; the threshold weighs the two against each
    other, misses of all sensors where `all_sensors`, else as recorded. Sensors that cut off below NARROW_G have a
    threshold of their own.
    """

    sensors: tuple[Sensor, ...]
    units: int
    plain_nets: int
    nets: int
    decay: float  # weight decay (scikit-learn's alpha)
    rounds: int  # passes over the impacts
    impacts_per_step: int
    missed_max: float
    false_alarms_per_hour_max: float
    all_sensors: bool


RECIPES: Final[dict[Wear, Recipe]] = {
    "waist": Recipe(SENSORS, 24, 3, 4, 0.03, 35, 200, 0.02, 0.5, all_sensors=True),  # also what a pocket is judged by
    "wrist": Recipe(SENSORS, 12, 4, 4, 0.3, 60, 64, 0.08, 8.0, all_sensors=False),
}


@dataclass(frozen=True, slots=True)
class Examples:
    """Impacts as rows: features float32[n, f]; trial int64[n], the number of its trial; judged_s float64[n], when it
    was judged; fall bool[n]; used bool[n], whether there is something to learn from it."""

    trials: Sequence[Trial]
    features: NDArray[np.float32]
    trial: NDArray[np.int64]
    judged_s: NDArray[np.float64]
    fall: NDArray[np.bool_]
    used: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Proof:
    """What nets made of people they had not seen, as recorded, at the threshold."""

    threshold: float
    events: int
    detected: int
    hours: float
    false_alarms: int

    def as_json(self) -> dict[str, Any]:
        """The figures under the protocol's names."""
        return {
            "events": self.events,
            "detected": self.detected,
            "recall": round(self.detected / self.events, 4),
            "recall_ci95": [round(each, 4) for each in wilson(self.detected, self.events) or ()],
            "hours": round(self.hours, 4),
            "false_alarms": self.false_alarms,
            "false_alarms_per_hour": round(self.false_alarms / self.hours, 4),
        }


def learn(recorded: Sequence[Trial], wear: Wear, *, folds: int, seed: int, made_by: str) -> tuple[str, Proof]:
    """A data file for `wear` (alerting.detect.fall reads it), and its proof. Raises LearningUnavailable."""
    recipe = RECIPES[wear]
    rng = np.random.default_rng(seed)
    told = [gather([told_by(sensor, trial, rng) for trial in recorded]) for sensor in recipe.sensors]
    people = sorted({trial.person for trial in recorded})
    fold_of = dict(zip(rng.permutation(people).tolist(), (np.arange(len(people)) % folds).tolist(), strict=True))
    scores = [np.zeros(len(each.trial)) for each in told]
    for fold in range(folds):
        table = fit([_some(each, fold_of, fold, inside=False) for each in told], recipe, seed)
        nets = _model(table, 0.5).nets
        for each, score in zip(told, scores, strict=True):
            mine = _some(each, fold_of, fold, inside=True).used
            score[mine] = nets.score(each.features[mine])
    narrow = [_narrow(sensor) for sensor in recipe.sensors]
    proofs = prove(told, scores, recipe, narrow)
    proof = proofs[0]
    table = fit(told, recipe, seed)
    kept = {
        "made_by": made_by,
        "learnt_from": {"people": people, "trials": len(recorded), "sensors": [each.name for each in recipe.sensors],
                        "impacts": int(sum(each.used.sum() for each in told))},
        "people_it_had_not_seen": {
            "folds": folds, **proof.as_json(),
            "other_sensors": {sensor.name: {"threshold": each.threshold, **each.as_json()} for sensor, each in
                              zip(recipe.sensors[1:], proofs[1:], strict=True)},
        },
        "threshold": round(proof.threshold, 3),
        "threshold_narrow": round(proofs[narrow.index(True)].threshold, 3),
        "features": list(FEATURE_NAMES),
        **table,
    }  # fmt: skip
    return json.dumps(kept, separators=(",", ":")).replace('],"', '],\n"') + "\n", proof


def gather(recorded: Sequence[Trial]) -> Examples:
    """Every impact in the trials, as an example."""
    looking = FallDetector(None)
    features, trial, judged_s, impact_s = [], [], [], []
    for first in range(0, len(recorded), ROWS_MAX):
        for row, at_s, impacts, nth in impacts_of(recorded[first : first + ROWS_MAX], looking):
            features.append(impacts.features[nth])
            trial.append(first + row)
            judged_s.append(at_s)
            impact_s.append(impacts.impact_us[nth] / 1e6)
    of = np.array(trial, np.int64)
    hit_s = np.array([np.nan if each.impact_s is None else _hit_s(each) for each in recorded])[of]
    off_s = np.array(impact_s) - hit_s
    fell = np.isfinite(hit_s)
    fall = fell & (np.abs(off_s) <= HIT_S)
    return Examples(recorded, np.array(features), of, np.array(judged_s), fall, ~fell | fall | (off_s < -HIT_S - 0.5))


def _hit_s(trial: Trial) -> float:
    """When the fall's highest impact was."""
    length = np.linalg.norm(trial.acceleration, axis=1)
    off_s = np.arange(len(length)) / trial.rate_hz - (trial.impact_s or 0.0)
    near = (off_s >= LABEL_REACH_S[0]) & (off_s <= LABEL_REACH_S[1])
    return float(np.where(near, length, 0).argmax() / trial.rate_hz)


def _some(examples: Examples, fold_of: dict[str, int], fold: int, *, inside: bool) -> Examples:
    """The examples with `used` only where the person is in `fold` (and then all of them), or only where not."""
    mine = np.array([fold_of[examples.trials[trial].person] == fold for trial in examples.trial.tolist()])
    return replace(examples, used=mine if inside else examples.used & ~mine)


def fit(told: Sequence[Examples], recipe: Recipe, seed: int) -> dict[str, Any]:
    """Nets that learnt from the used examples (the first of `told` is as recorded), as alerting.detect.nets reads them.
    Raises LearningUnavailable."""
    try:
        from sklearn.neural_network import MLPClassifier
    except ImportError as error:
        raise LearningUnavailable from error
    rows = np.concatenate([each.features[each.used] for each in told])
    falls = np.concatenate([each.fall[each.used] for each in told])
    middle = np.median(rows, axis=0).astype(np.float64)
    low, high = np.quantile(rows, [0.2, 0.8], axis=0)
    spread = (high - low) / 1.7 + SPREAD_MIN  # of a normal distribution about the standard deviation
    middle, spread = _short(middle), _short(spread)
    seen = inputs(rows, middle, spread)
    plain = int(told[0].used.sum())
    nets = []
    for nth in range(recipe.plain_nets + recipe.nets):
        share = slice(0, plain if nth < recipe.plain_nets else None)
        net = MLPClassifier(
            (recipe.units,), activation="tanh", alpha=recipe.decay, batch_size=recipe.impacts_per_step,
            learning_rate_init=0.002, max_iter=recipe.rounds, tol=0, n_iter_no_change=recipe.rounds + 1,
            random_state=seed + nth,
        )  # fmt: skip
        _fit_quietly(net, seen[share], falls[share])
        (weight, out), (bias, out_bias) = net.coefs_, net.intercepts_
        nets.append(
            {
                "weight": _short(weight).tolist(),
                "bias": _short(bias).tolist(),
                "out": _short(out[:, 0]).tolist(),
                "out_bias": float(_short(out_bias)[0]),
            }
        )
    return {"middle": middle.tolist(), "spread": spread.tolist(), "nets": nets}


def _fit_quietly(net: Any, seen: NDArray[np.float64], falls: NDArray[np.bool_]) -> None:
    """The passes are counted on purpose; the library warns of a net that could still improve."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net.fit(seen, falls)


def _short(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Four digits: what is written is what is judged by, and a data file stays readable."""
    return np.array([float(f"{each:.4g}") for each in np.ravel(values)]).reshape(np.shape(values))


def _model(table: dict[str, Any], threshold: float) -> FallModel:
    told = {"threshold": threshold, "threshold_narrow": threshold, "features": list(FEATURE_NAMES)}
    return FallModel.parse(json.dumps({**table, **told}))


def _narrow(sensor: Sensor) -> bool:
    return sensor.range_g is not None and sensor.range_g < NARROW_G


def prove(
    told: Sequence[Examples], scores: Sequence[NDArray[np.float64]], recipe: Recipe, narrow: Sequence[bool]
) -> list[Proof]:
    """What each sensor notices, at the threshold where misses and false alarms, each counted in what is allowed of it,
    come to the least, among all sensors. Those that are `narrow` have one of their own, found among them alone, which
    misses the fewest falls of all that keep within the false alarms allowed: another device than these scores lower
    still, and a fall that nobody hears of is worse than a call for nothing. False alarms are those of the first sensor
    of each, whose recordings are whole. Raises LearningUnavailable."""
    recorded = told[0].trials
    if all(trial.impact_s is None for trial in recorded) or all(trial.impact_s is not None for trial in recorded):
        raise LearningUnavailable("nothing can be learnt from these recordings: falls and other activity are needed")

    def shares(proofs: Sequence[Proof]) -> tuple[float, float]:
        """Misses and false alarms, each as a share of what is allowed."""
        missed = np.mean(
            [(proof.events - proof.detected) / proof.events for proof in proofs[: None if recipe.all_sensors else 1]]
        )
        alarms = proofs[0].false_alarms / proofs[0].hours
        return float(missed / recipe.missed_max), alarms / recipe.false_alarms_per_hour_max

    def together(proofs: Sequence[Proof]) -> tuple[float, ...]:
        return (sum(shares(proofs)),)

    def misses(proofs: Sequence[Proof]) -> tuple[float, ...]:
        missed, alarms = shares(proofs)
        return max(alarms, 1.0), missed, alarms

    found: dict[int, Proof] = {}
    for kind in sorted(set(narrow)):
        mine = [number for number, each in enumerate(narrow) if each == kind]
        weighed = mine if kind else range(len(told))
        least = min(
            (
                [at_threshold(told[number], scores[number], threshold) for number in weighed]
                for threshold in np.round(np.arange(THRESHOLD_MIN, 1, THRESHOLD_STEP), 2).tolist()
            ),
            key=misses if kind else together,
        )
        found.update({number: proof for number, proof in zip(weighed, least, strict=True) if number in mine})
    return [found[number] for number in range(len(told))]


def at_threshold(examples: Examples, score: NDArray[np.float64], threshold: float) -> Proof:
    """What alarms at scores of at least `threshold` notice, none within the refractory time of another."""
    last_s: dict[int, float] = {}
    noticed: set[int] = set()
    false_alarms = 0
    for row in np.flatnonzero(score >= threshold).tolist():
        number, at_s = int(examples.trial[row]), float(examples.judged_s[row])
        if at_s - last_s.get(number, -np.inf) < REFRACTORY_S:
            continue
        last_s[number] = at_s
        impact_s = examples.trials[number].impact_s
        if impact_s is None:
            false_alarms += 1
        elif -BEFORE_S <= at_s - impact_s <= AFTER_S:
            noticed.add(number)
    falls = sum(trial.impact_s is not None for trial in examples.trials)
    hours = sum(trial.seconds for trial in examples.trials if trial.impact_s is None) / 3600
    return Proof(threshold, falls, len(noticed), hours, false_alarms)
