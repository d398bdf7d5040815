"""What learns: models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from quorate.errors import PluginError, reason_of
from quorate.plugins.space import Distribution
from quorate.plugins.specs.base import Lazy, Spec
from quorate.plugins.specs.models import check_model
from quorate.plugins.specs.outputs import at_steps
from quorate.plugins.specs.places import places_named
from quorate.plugins.specs.pretrained import Pretrained

Task = Literal["classification", "regression"]
TASK = "task"  # the argument by which the factory of a model for any task is told the label's
# What a model may offer.
_LAZY = (
    "contributions", "state_dict", "load_state_dict", "onnx", "together", "at_once", "parallel", "history",
    "pretrained",
)  # fmt: skip
HORIZONS = "horizons"  # the argument by which the factory of a model of prices is told what labels span
CATEGORIES = "categories"  # the argument by which the factory of a model that takes them is told their names


def task_of(binary: bool) -> Task:
    """Return what is learnt of a label that is a class, or a number."""
    return "classification" if binary else "regression"


@dataclass(frozen=True)
class ModelSpec(Spec):
    """A model: ``function(**params)`` makes an object with scikit-learn's ``fit`` and ``predict``.

    If the factory's signature names ``random_state`` or ``n_jobs``, the platform passes the fit's
    seed and its number of threads.

    Parameters
    ----------
    task : {"classification", "regression", "any"}
        ``classification`` must offer ``predict_proba`` and gives the probability of the positive
        class; ``regression`` offers ``predict`` and gives the label's expectation, which for a
        binary label is that same probability. ``any`` does what the label asks for: its factory names
        ``task``, and is passed ``"classification"`` or ``"regression"``.
    input : {"rows", "windows", "bars"}
        ``rows``: `X` is the feature matrix, float32 (n, n_features). ``windows``: the features of the
        symbol's last bars, float32 (n, `lookback`, n_features). ``bars``: raw open, high, low, close,
        volume, float64 (n, `lookback`, 5). Oldest bar first, the bar of the prediction last; read-only.
    lookback : int
        Bars that a ``windows`` or ``bars`` model sees.
    lazy : bool
        Of ``windows``: `X` is a `Windows`, which gathers rows when it is indexed, in place of an array, which
        costs `lookback` times the memory of the bars of several symbols. ``predict`` is given an array.
    lengths : bool
        Of ``windows``: they may be of unequal length. `X` then is a `Windows` with ``lengths``, for ``predict``, too,
        where a row's forecast must not depend on the rows beside it.
    outputs : tuple of str, or str or callable
        What ``predict`` or ``predict_proba`` gives, if it is more than the one prediction: ``p``,
        ``p_<class>``, ``mean``, ``sd``, ``q<level>`` (``q0.1``). The method then returns one column per
        name, (n, n_outputs), or a mapping from names to columns. ``p`` or ``p_1``, ``mean`` or ``q0.5``
        is what the ensemble combines; the others are kept in the run. Quantiles of a row that cross are
        sorted. Where the names depend on parameters: ``function(params)``, which takes all parameters
        and gives the names; none for the one prediction.
    steps : bool
        It learns the labels of several steps at once: where a recipe has ``labels.steps``, `y` is (n, n_steps), and
        ``predict`` gives (n, n_steps), or (n, n_steps, n_outputs). A regression without is fitted once per step.
    validation : float
        Share of the training rows, the latest, that the platform holds back and passes to `fit` as
        ``validation=(X, y)``, for early stopping. Rows whose label reaches into it are left out.
    validation_blocks : int
        As how many blocks of bars it is held back: 1 for the latest; of several, the latest of each of so many
        pieces of the training window. Rows whose label reaches into a block, or that a label of the block reaches
        into, are left out.
    settings : mapping
        Which parameter of the factory says what of this spec: ``{"lookback": "lookback"}``, of ``lookback``,
        ``validation``, ``validation_blocks`` and ``device``.
    together : str or callable, optional
        ``function(models, pairs, validations)`` fits several models that the factory has just made, whose parameters
        differ in `apart` alone, as ``fit`` would fit each: `pairs` are their ``(X, y)``, `validations` are None or what
        is held back. Where rows are weighed, one that names ``weights`` gets a list of the weights of each pair and of
        what is held back; without, each is fitted alone. It returns for each why it could not be fitted, an empty text
        where it was. What a model then predicts must be the same, bit for bit on a CPU, whatever it was fitted together
        with. A warning that has one of `models` as its attribute ``about`` is noted for that fit alone.
    watched : bool
        It is trained in epochs, tells each, and can go on where it was stopped: before it is fitted, its attribute
        ``watch`` is set to a `Watch` where somebody wants that.
    apart : tuple of str
        Parameters in which models that are fitted together may differ.
    at_once : str or callable, optional
        ``function(model, X, y, memory)`` gives how many unfitted models like this one are best fitted together on such
        rows: more would take longer, or allocate more than `memory` bytes (0: any). Without it all of a worker are.
    warm : mapping
        Of a model that can go on: ``fit`` takes ``start=``, one that was fitted on earlier rows, which it leaves as it
        is, and goes on from all it has learnt, the scaling of features and labels included; `together` takes
        ``starts=``, a list of these, or None. The mapping holds parameters with which it learns nothing more, and
        predicts what `start` does, e.g. ``{"warm_epochs": 0}``. It needs `state_dict`.
    parallel : str or callable, optional
        ``function(model, pair, validation)`` fits a model that the factory has just made in one of several processes,
        all of which call it with the same rows, ``(X, y)`` and None or what is held back, and between which
        ``torch.distributed`` is set up. It returns why the model could not be fitted, an empty text where it was, the
        same in all; what is learnt is the same in all, too. It needs `state_dict`.
    accepts_nan : bool
        The model takes NaN in `X`.
    categories : bool
        The model takes categories. Where a run has some (the recipe's ``features.categories``), `X` is a
        DataFrame: the features as float32, by name, and each category as dtype ``category``, whose levels are
        those of the training rows, after the empty text, which stands for what is missing or did not occur
        there. A factory that names ``categories`` is passed their names, an empty tuple where `X` is an array.
    places : tuple of str
        What it is told of each row, of ``bar``, ``symbol`` and ``time``: ``fit``, ``predict`` and ``predict_proba`` get
        what they name, (n,): ``bar``, int64, counted from the first training row's; ``symbol``, int64, its place among
        those of the training rows, -1 for others; ``time``, datetime64[us], the bar's close, UTC. A class tells by fit.
    ranks : bool
        Only the order of its predictions within a bar counts; a recipe's calibration must be one within the bar.
    space : mapping
        Search space: parameter to `Float`, `Int` or `Choice`.
    audit_params : mapping
        Parameters for the audit's many fits, where they are less than the recipe's: few trees or epochs.
    baseline : bool
        A baseline is judged beside the ensemble but never a member of it.
    family : {"", "network", "linear", "boosting"}
        A ``network`` is held against the ``linear`` models and the ``boosting`` ones of its run, and the report tells.
    cpus : int
        Threads of one fit.
    gpus : float
        Share of a GPU that one fit takes, 0.25 for four at a time, or whole GPUs. A factory that names
        ``device`` is passed ``"cuda"``, or ``"cpu"`` where there is no GPU.
    device : str
        Where a recipe has it fitted, of a factory whose own option ``device`` is among the `settings`: a fit asks for
        its GPU where that is ``"cuda"`` or ``"auto"``, and an ``"auto"`` that was granted none stays on the CPU. Empty:
        the platform chooses, and no recipe does.
    memory : float
        GiB that one fit may allocate: fits beside it are chosen by it, and beyond it the fit fails. 0: its
        share of what is free.
    contributions : str or callable, optional
        ``function(model, X)`` takes a fitted model and gives what each feature adds to the raw score of each
        row, float64 (n, n_features + 1), the last column what is there without any feature, as
        SHAP values are (Lundberg and Lee, 2017). A row sums to the raw score, of which the prediction is
        an increasing function, e.g. the log-odds; it must not depend on the other rows. ``quorate explain``
        shows them; a run never calls it.
    state_dict, load_state_dict : str or callable, optional
        Both, for a model that can be kept in a file. ``function(model)`` gives what a fitted model has learnt, a
        mapping of names to NumPy arrays (numbers or booleans) and to plain values as JSON holds them; what scales the
        features goes by the names ``scaler.*``. ``function(model, state)`` gives the fitted model again, made of one
        that the factory has just made with the same parameters. It must predict the same, bit for bit.
    onnx : str or callable, optional
        ``function(model, n_features)`` gives a fitted model as ONNX, the bytes of a serialised ModelProto: one input,
        float32 (batch, n_features), of windows (batch, `lookback`, n_features), where the batch is of any length; and
        one output, float32 (batch, 1), the probability of class 1 or the label's expectation, or a column for each of
        `outputs`. It must predict the same within 1e-4. It needs `state_dict`, too.
    history : str or callable, optional
        ``function(model)`` tells how the training of a fitted model went: ``epochs``, a mapping of ``train_loss``,
        ``val_loss``, ``val_score``, ``learning_rate``, ``gradient`` and ``seconds``, those that there are, to a number
        per epoch, NaN where there is none; and, where known, ``best_epoch``, from 1 on, whose state predicts (else the
        last); ``stopped``, why it ended; ``batches``, for each epoch the loss of each step. None: nothing is known.
    pretrained : str or callable, optional
        Of a model that begins with weights which were trained elsewhere: ``function(params)`` takes all parameters and
        tells these, a `Pretrained`; it reads no more than it must. What they have seen counts as seen.
    labels : tuple of str
        Of a model that forecasts prices, untrained: the labels that follow from these. Its factory is passed
        ``horizons``, how many bars each label spans: one, or those of `steps`.
    """

    kind: ClassVar[str] = "model"

    task: Task | Literal["any"] = "classification"
    input: Literal["rows", "windows", "bars"] = "rows"
    lookback: int = 1
    lazy: bool = False
    lengths: bool = False
    outputs: tuple[str, ...] | Lazy = ()
    steps: bool = False
    validation: float = 0.0
    validation_blocks: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    together: Lazy | None = None
    watched: bool = False
    apart: tuple[str, ...] = ()
    at_once: Lazy | None = None
    warm: Mapping[str, Any] = field(default_factory=dict)
    parallel: Lazy | None = None
    accepts_nan: bool = False
    categories: bool = False
    places: tuple[str, ...] = ()
    ranks: bool = False
    space: Mapping[str, Distribution] = field(default_factory=dict)
    audit_params: Mapping[str, Any] = field(default_factory=dict)
    baseline: bool = False
    family: Literal["", "network", "linear", "boosting"] = ""
    cpus: int = 1
    gpus: float = 0.0
    device: str = ""
    memory: float = 0.0
    contributions: Lazy | None = None
    state_dict: Lazy | None = None
    load_state_dict: Lazy | None = None
    onnx: Lazy | None = None
    history: Lazy | None = None
    pretrained: Lazy | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.contributions is not None:
            self._with_explainer()
        if not isinstance(self.outputs, tuple):
            replace(self, function=self.outputs, outputs=())  # a text must be 'module:attribute'
        for name in _LAZY:
            if getattr(self, name) is not None:
                self._of(getattr(self, name))
        check_model(self)

    @cached_property
    def told(self) -> tuple[str, ...]:
        """What it is told of the place of each row."""
        return self.places or (places_named(self.resolve()) if self.together is None else ())

    @property
    def named(self) -> tuple[str, ...]:
        """Its outputs; of those that depend on parameters none before `for_label`."""
        return self.outputs if isinstance(self.outputs, tuple) else ()

    def explainer(self) -> Callable[..., Any] | None:
        """Import and return what tells a fitted model's contributions; None, if the spec names nothing.

        Raises
        ------
        PluginError
            If it cannot be imported.
        """
        return None if self.contributions is None else self._with_explainer().resolve()

    def _with_explainer(self) -> ModelSpec:
        assert self.contributions is not None
        if self.input == "bars":
            raise PluginError(
                f"{self}: contributions are those of features; with input='bars' it reads none: leave contributions out"
            )
        return self._of(self.contributions)

    def keeper(self) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
        """Import and return `state_dict` and `load_state_dict`; None, if the spec names none.

        Raises
        ------
        PluginError
            If one cannot be imported.
        """
        if self.state_dict is None or self.load_state_dict is None:
            return None
        return self._of(self.state_dict).resolve(), self._of(self.load_state_dict).resolve()

    def exporter(self) -> Callable[..., Any] | None:
        """Import and return `onnx`; None, if the spec names none."""
        return None if self.onnx is None else self._of(self.onnx).resolve()

    def _of(self, function: Lazy) -> ModelSpec:
        """Return a spec with this as its function, which is thereby checked, and can be resolved."""
        bare: dict[str, Any] = dict.fromkeys(_LAZY)
        return replace(self, function=function, warm={}, **bare)

    def at_steps(self, steps: tuple[int, ...], own: int) -> ModelSpec:
        """Return this model, as `for_label` gives it, with outputs at several steps: all but the `own` by step."""
        return replace(self, outputs=at_steps(self.named or (self.prediction,), steps, own)) if steps else self

    def for_label(self, task: Task, params: Mapping[str, Any] | None = None) -> ModelSpec:
        """Return this model as it learns a label of this task with these parameters, or with its own.

        The task is the model's own, unless that is ``any``; outputs are named.

        Raises
        ------
        PluginError
            If the parameters ask for outputs that it cannot give.
        """
        spec = self.with_params(params or {})
        if self.task == "any":
            spec = replace(spec, task=task, params={**self.params, TASK: task})
        if isinstance(self.outputs, tuple):
            return spec
        function = replace(self, function=self.outputs, outputs=()).resolve()
        try:
            names = tuple(function({**self.params, **(params or {}), TASK: spec.task}))
        except Exception as e:
            raise PluginError(f"{self}: {e}") from e
        return replace(spec, outputs=names)

    def with_params(self, params: Mapping[str, Any]) -> ModelSpec:
        """Return this model with what the parameters say of its spec."""
        given = {**self.params, **params}
        said = {name: given[parameter] for name, parameter in self.settings.items() if parameter in given}
        return replace(self, **said) if said else self

    def begins_with(self, params: Mapping[str, Any]) -> Pretrained | None:
        """Return the weights that it begins with, given its parameters; None, where it begins with none.

        Raises
        ------
        PluginError
            If they are not there, or the plugin does not tell them.
        """
        if self.pretrained is None:
            return None
        try:
            found = self._of(self.pretrained).resolve()({**self.params, **params})
        except Exception as e:
            raise PluginError(f"{self}: its weights cannot be had: {reason_of(e)}") from e
        if not isinstance(found, Pretrained):
            raise PluginError(f"{self}: pretrained must give a Pretrained; it was {found!r}")
        return found

    @property
    def wants_gpu(self) -> bool:
        """Whether its fits ask for a GPU, as far as its parameters are known."""
        return self.gpus > 0 and self.device in ("", "auto", "cuda")

    def hook(self, name: Literal["together", "at_once", "parallel", "history"]) -> Callable[..., Any] | None:
        """Import and return one of these; None, if the spec names none."""
        function = getattr(self, name)
        return None if function is None else self._of(function).resolve()

    @property
    def prediction(self) -> str:
        """The output that the ensemble combines."""
        first, second = ("p", "p_1") if self.task == "classification" else ("mean", "q0.5")
        return second if second in self.named and first not in self.named else first
