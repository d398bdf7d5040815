"""The tables of a recipe that say what is learnt: labels, features, folds, models, ensemble."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from quorate.recipe.schema.base import IN_BARS, IN_SESSIONS, Open, Params, Section

SESSIONS = ("session", "sessions")
MOST_SEEDS = 100  # of a model: the mean over more is no other
QUANTILES = (0.05, 0.5, 0.95)  # of an interval, where the recipe names none


def _sessions(text: str) -> str:
    """Return a number of sessions as ``"1 session"`` or ``"5 sessions"``."""
    number, _, what = text.strip().partition(" ")
    if not (number.isascii() and number.isdecimal() and int(number) >= 1 and what.strip() in SESSIONS):
        raise ValueError(f'must be bars, 1 or more, or sessions, e.g. "5 sessions"; it was {text!r}')
    return f"{int(number)} {SESSIONS[int(number) > 1]}"


def _counted(value: Any) -> str:
    """Return what a horizon counts: what is a text with letters after a space can be sessions alone."""
    return IN_SESSIONS if isinstance(value, str) and value.strip().partition(" ")[2].isalpha() else IN_BARS


Horizon = Annotated[
    Annotated[int, Field(ge=1), Tag(IN_BARS)] | Annotated[str, AfterValidator(_sessions), Tag(IN_SESSIONS)],
    Discriminator(_counted),
]


class Weight(Open):
    """One way to weigh training rows; every other key is an option of the weight.

    Parameters
    ----------
    name : str
        The plugin that says how much each training row counts, of kind weight.
    """

    name: str


def _weights(value: Any) -> Any:
    """Return weights as a list of tables: a name stands for a table with that name, one of them for a list of one."""
    if value is None:
        return value
    return [{"name": one} if isinstance(one, str) else one for one in (value if isinstance(value, list) else [value])]


class Labels(Section):
    """What the models predict, `horizon` bars ahead of the fill; of a label that is a number also further steps.

    Parameters
    ----------
    name : str
        The plugin that computes what is predicted, of kind label.
    horizon : int or str
        How far ahead of the fill the label ends: bars, or ``"5 sessions"``, at the bar that closes the fifth session
        after that of the fill, whatever bars those have.
    steps : int or list of int, bars
        Horizons that every model forecasts at once, `horizon` among them: a list, or ``30`` for 1 to 30. That of
        `horizon` is combined, traded and judged by gates, the others are told in the report. A row trains once its
        longest label has ended.
    weights : str, table or list
        How much each training row counts: the name of a plugin of kind weight, such as ``uniqueness``, ``return``,
        ``time-decay`` or ``class-balance``, a table of it and its options, or a list of these, which are multiplied.
        They are computed on each fold from its training rows alone, and passed to every model that takes them; without
        it, all rows count the same.
    params : dict
        Options of the label.
    """

    name: str = "direction"
    horizon: Horizon = 1
    steps: int | list[int] | None = None
    weights: Annotated[list[Weight] | None, BeforeValidator(_weights)] = None
    params: Params = {}

    @property
    def path(self) -> tuple[int, ...]:
        """The steps, ascending; none where there is but the horizon."""
        return tuple(range(1, self.steps + 1)) if isinstance(self.steps, int) else tuple(self.steps or ())

    @model_validator(mode="after")
    def _once(self) -> Labels:
        names = [one.name for one in self.weights or ()]
        if self.weights == [] or len(set(names)) < len(names):
            raise ValueError(f"weights must be one or more, each named once, or left out; they were {names}")
        return self

    @model_validator(mode="after")
    def _steps(self) -> Labels:
        if self.steps is None:
            return self
        if isinstance(self.horizon, str):
            raise ValueError(
                f"steps count bars, and horizon is {self.horizon!r}: give horizon in bars, or leave steps out"
            )
        path = self.path
        if len(path) < 2 or path[0] < 1 or list(path) != sorted(set(path)):
            raise ValueError(
                "steps must be at least two bars from 1 on, ascending, e.g. [1, 5, 30], or 30 for 1 to 30; "
                f"it was {self.steps}"
            )
        if self.horizon not in path:
            raise ValueError(
                f"steps must hold horizon, the step that is traded and judged; the steps are "
                f"{', '.join(map(str, path[:10]))}{', ...' if len(path) > 10 else ''}, the horizon is {self.horizon}: "
                f"set labels.horizon, e.g. to {path[0]}"
            )
        return self


class Transform(Open):
    """One step of what features go through; every other key is an option of the transform.

    Parameters
    ----------
    name : str
        The plugin that turns them, of kind transform.
    """

    name: str


def _steps(value: Any) -> Any:
    """Return a chain as a list of tables: a name stands for a table with that name, one step for a list of one."""
    if value is False:
        return value
    steps = [{"name": one} if isinstance(one, str) else one for one in (value if isinstance(value, list) else [value])]
    sound = [
        isinstance(one, Transform) or (isinstance(one, dict) and isinstance(one.get("name"), str)) for one in steps
    ]
    if not steps or not all(sound):
        raise ValueError(
            'must be the name of a transform, a table of it and its options, e.g. { name = "clip", high = 3.0 }, a '
            f"list of these, or false; it was {value!r}"
        )
    return steps


Chains = dict[str, Annotated[list[Transform] | Literal[False], BeforeValidator(_steps)]]


class Features(Section):
    """Which features the models see.

    ``*`` alone is all that are installed or given; what lies in a plugin folder is named.

    Parameters
    ----------
    use : list of str
        Names of features, patterns such as ``return_*``, or ``group:momentum`` for a group. What is followed by ``@``
        and a frequency, ``return_5@1w`` or ``group:momentum@1d``, is computed on bars of that frequency, of which those
        count that are over at the row's close; ``@source`` are the bars before `data.resample`.
    exclude : list of str
        Names, patterns or groups that are taken out again, ``@`` and a frequency as above.
    categories : list of str
        Texts that models which take such read beside the features: ``symbol``, or what ``data.categories``
        names.
    transforms : dict
        What features go through before a model reads them, learnt from the training rows of each fold alone. The key
        is a feature, a pattern, ``group:NAME``, or ``*`` for the rest; the most specific one counts. The value is the
        name of a plugin of kind transform, a table of it and its options, e.g. ``{ name = "pca", components = 2 }``,
        or a list of these, gone through in order; false leaves them as they are.
    """

    use: list[str] = ["*"]
    exclude: list[str] = []
    categories: list[str] = []
    transforms: Chains = {}


class Folds(Open):
    """The walk-forward: which bars train, and which are then predicted; every other key is an option of the splitter.

    Parameters
    ----------
    splitter : str
        The plugin that lays out the folds, of kind splitter.
    embargo : int, bars
        No training label ends within so many bars before a fold. Labels that end inside a fold never train it,
        whatever this is.
    """

    splitter: str = "expanding"
    embargo: int = Field(default=0, ge=0)


def _or_false(value: Any) -> Any:
    """Return none for false, which scikit-learn's models have as their own default under that name."""
    return None if value is False else value


class Model(Open):
    """One member, ``[models.NAME]``; every other key is a parameter of the model.

    ``NAME = false`` in ``[models]`` leaves it out.

    Parameters
    ----------
    plugin : str
        The plugin that is fitted, of kind model; without it, the one called NAME.
    warm_start : str
        With ``last_fold``, the model of a fold goes on from that of the fold before, in place of beginning afresh.
        Trials of a sweep, and splits that train on later data, begin afresh.
    seeds : int
        With how many seeds it is fitted on each fold, 1 or more; its forecast is the mean over them. Without it, 1.
    accept_licence : str
        The licence of its pre-trained weights, word for word, if that forbids use for profit: without it, a run with
        them is not promoted.
    """

    plugin: str | None = None
    warm_start: Annotated[Literal["last_fold"] | None, BeforeValidator(_or_false)] = None
    seeds: int | None = Field(default=None, ge=1, le=MOST_SEEDS)
    accept_licence: str | None = None


class Ensemble(Section):
    """How the members' forecasts are combined into one.

    Parameters
    ----------
    method : str
        The plugin that weighs the members, of kind ensembler; what it makes of them is judged.
    compare : list of str
        Other ensemblers, shown beside the one that is judged.
    params : dict
        Options of the ensembler that is judged.
    calibration : str
        Brings members of different scales to one before they are combined, by rows whose label had ended at the
        fold's first bar; or, of several symbols, by where each stands among those of its bar: ``bar-rank``, from -0.5
        to 0.5, or ``bar-z-score``, as which members are then traded and judged, too.
    interval : str
        Puts quantiles beside the forecast of a number, made of how far earlier ones were off: ``split`` on each fold of
        all errors that were known, ``adaptive`` at each bar of recent ones, at a level that moves with each miss.
    quantiles : list of float
        Which ones; without it, ``[0.05, 0.5, 0.95]``.
    """

    method: str = "past-performance"
    compare: list[str] = ["mean"]
    params: Params = {}
    calibration: Literal["none", "isotonic", "platt", "z-score", "bar-rank", "bar-z-score"] = "none"
    interval: Literal["split", "adaptive"] | None = None
    quantiles: list[float] | None = None

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles that are asked for; none without an interval."""
        return tuple(self.quantiles or QUANTILES) if self.interval else ()

    @model_validator(mode="after")
    def _quantiles(self) -> Ensemble:
        levels = self.quantiles
        if levels is None:
            return self
        if self.interval is None:
            raise ValueError(
                'quantiles are of an interval: set ensemble.interval to "split" or "adaptive", or leave them out'
            )
        if len(levels) < 2 or levels != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
            raise ValueError(
                f"quantiles must be at least two levels between 0 and 1, ascending, e.g. "
                f"{list(QUANTILES)}; they were {levels}"
            )
        return self
