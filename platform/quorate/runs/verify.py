"""A bundle held against one's own computations: its hashes, its figures, and fits that its own hash chooses.

1. `bundle_file` unpacks it, and holds every file and every fit against the hash tree.
2. `bundle_claims` holds what is in it against each other: seal, recipe, plugin files, which fits there must be.
3. It becomes a small home that is thrown away; from there on it is a run like any other.
4. Rows are laid out from the bars. The keys of all fits are told anew; predictions become the report's figures anew,
   and those must be the report's. The chosen fits are fitted anew, and their predictions must be the bundle's.

Plugin files of a bundle are executed only where the user says so; without, what needs them is told to be unchecked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, QuorateError, RecipeError
from quorate.execution.progress import Clock, Progress
from quorate.report.report import Report
from quorate.runs.bundle_bars import bars_of
from quorate.runs.bundle_claims import check_recipe, claims
from quorate.runs.bundle_file import REPORT, Contents, parsed, read
from quorate.runs.bundle_fits import TOLERANCE, Anew, Spot
from quorate.runs.bundle_session import session_of
from quorate.runs.bundle_tree import chance, chosen
from quorate.runs.stored import changed_since
from quorate.runs.surroundings import in_usual_surroundings
from quorate.store import Home, Run
from quorate.store.trust import forget, trust

SPOTS = 20


@dataclass
class Verification:
    """What came of verifying a bundle.

    Parameters
    ----------
    run, root : str
        The run's id, and the root of the hash tree.
    fits : int
        In the tree.
    faults : list of str
        What differs: in the bundle, or from what was computed anew.
    unchecked : list of str
        What was asked for, or is in the bundle, and could not be checked, and why.
    keys : int
        Fits whose key, the hash of all that they read, is the same by the bars and the recipe.
    spots : list of Spot
        Fits that were computed anew.
    figures : list of str
        Parts whose figures were computed anew from the bundle's predictions.
    changed : list of str
        Libraries and processor that are not those of the run: then predictions may differ within `tolerance`.
    tolerance : float
        By how much predictions may differ then: root mean square, as a share of their standard deviation.
    chance : float
        How likely it is that spots as many as these find one of 10 % forged fits.
    word : str
        What the verifier added to the root, by which fits were chosen.
    wanted : int
        How many fits were to be computed anew.
    """

    run: str
    root: str
    fits: int
    faults: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    keys: int = 0
    spots: list[Spot] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    tolerance: float = TOLERANCE
    chance: float = 0.0
    word: str = ""
    wanted: int = 0

    @property
    def verdict(self) -> str:
        """VERIFIED; DIFFERENT, if anything differs; INSUFFICIENT, if less was checked than was asked for."""
        if self.faults:
            return "DIFFERENT"
        return "INSUFFICIENT" if self.unchecked and self.wanted else "VERIFIED"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "verdict": self.verdict}


@in_usual_surroundings
def verify(
    path: str | Path,
    *,
    spot: int = SPOTS,
    root: str | None = None,
    word: str = "",
    bars: str | Path | None = None,
    ask_source: bool = False,
    trusted: bool = False,
    progress: Progress | None = None,
) -> Verification:
    """Hold a bundle against its own hashes, and against what is computed here from its recipe and its bars.

    Parameters
    ----------
    path : path
        The bundle, from anyone.
    spot : int
        How many fits to compute anew, chosen by the root of its hash tree; 0: none, and no figure: hashes alone.
    root : str, optional
        The root, or its first 12 digits or more, as you know it from elsewhere.
    word : str
        Of your own, which chooses fits together with the root: who made the bundle could not know it.
    bars : path, optional
        Where the bars are, if they are not in it: a home that keeps them, or what the recipe's source reads.
    ask_source : bool
        Else ask the source that the recipe names.
    trusted : bool
        Whether plugin files of the bundle are executed.

    Raises
    ------
    IntegrityError
        If it is no bundle.
    StoreError, RecipeError
        If it cannot be read, or what was asked for cannot be.
    """
    if spot < 0:
        raise RecipeError(f"--spot must be 0 or more fits; it was {spot}")
    contents, faults = read(Path(path))
    found = Verification(contents.run, contents.root, len(contents.fits), faults, word=word)
    found.wanted = min(spot, len(contents.fits))
    if root is not None and (len(root) < 12 or not contents.root.startswith(root.lower())):
        found.faults.append(f"the root of its hash tree is {contents.root}, and was to be {root} (12 digits or more)")
    if found.faults:
        return found
    document = parsed(contents.files[REPORT], REPORT) if REPORT in contents.files else {}
    found.faults += claims(contents, document)
    if found.faults or not spot:
        return found
    with _as_home(contents, document, trusted) as run:
        try:
            report = Report(document, run)
            _compute(contents, report, found, bars, ask_source, trusted, progress or Progress())
        except (KeyError, TypeError, AttributeError, IndexError) as e:
            raise IntegrityError(f"{path}: its report holds what quorate does not write: {e!r:.100}") from e
    return found


@contextmanager
def _as_home(contents: Contents, document: dict[str, Any], trusted: bool) -> Iterator[Run]:
    """Yield the bundle's run in a home that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="quorate-verify-") as folder:
        home = Home(Path(folder) / "home")
        run = Run(home, document["provenance"]["run"])
        for name, content in contents.files.items():
            if name.startswith("predictions/"):
                continue
            target = home.path / name if "/" in name else run.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        try:
            if trusted:
                trust(home.path)
            yield run
        finally:
            forget(home.path)


def _compute(
    contents: Contents,
    report: Report,
    found: Verification,
    bars: str | Path | None,
    ask_source: bool,
    trusted: bool,
    progress: Progress,
) -> None:
    """Compute anew what can be, and note in `found` what differs and what could not be checked."""
    found.changed = _changed(report)
    opened = session_of(report, trusted, progress)
    found.unchecked += opened.unchecked
    if opened.session is None:
        return
    if opened.whole and not found.changed:
        found.faults += check_recipe(contents, opened.session)
    try:
        panel: Bars | str = bars_of(report, opened.session, bars, ask_source, trusted)
    except IntegrityError as e:
        found.faults.append(str(e))
        return
    except QuorateError as e:
        panel = f"the bars cannot be read: {e}"
    if isinstance(panel, str):
        found.unchecked.append(f"{panel}; so no fit and no figure was computed anew")
        return
    wanted = [contents.fits[place] for place in chosen(contents.root, len(contents.fits), found.wanted, found.word)]
    with opened.session.fitting(cache=False) as fitting:
        rules = not any(line.startswith("quorate ") for line in found.changed)
        anew = Anew(
            contents, report, opened, panel, wanted, fitting, Clock(progress), exact=not found.changed, same_rules=rules
        )
        anew.compute()
    progress.close()
    found.spots, found.figures, found.keys = anew.spots, anew.figures, anew.keys
    found.unchecked += anew.unchecked
    found.faults += anew.faults
    found.faults += [
        f"the fit of {spot.what} gives other predictions: {spot.differing:,} of {spot.rows:,} differ, at most by "
        f"{spot.largest:.3g}"
        for spot in found.spots
        if not spot.agrees
    ]
    found.chance = chance(len(contents.fits), len(found.spots))
    if left := found.wanted - len(found.spots):
        found.unchecked.append(f"{left} of the {found.wanted} chosen fits were not computed anew")


def _changed(report: Report) -> list[str]:
    """Return how libraries and processor are other than those of any part of the run."""
    told: Sequence[Any] = [report.provenance]
    if report.results["holdout"] is not None:
        told = [*told, {**report.provenance, **report.provenance["holdout"]}]
    return list(dict.fromkeys(line for one in told for line in changed_since(one)))
