"""Networks: one engine that trains them, alone or many in lock step, and the architectures.

`settings` says how a network is trained, `engine` trains, `lanes` and `recurrent` are layers, `nets` architectures,
`model` what a run fits, `models` the networks by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import quorate
from quorate import Choice, Float, Int
from quorate_plugins.deep.settings import OWN

SETTINGS = {
    "lookback": "lookback",
    "validation": "valid_ratio",
    "validation_blocks": "valid_blocks",
    "device": "device",
}
AUDIT = {"epochs": 2}
WINDOWS = {
    "gru": "gated recurrent units over the last bars",
    "lstm": "long short-term memory over the last bars",
    "transformer": "attention over the last bars",
    "mean-pool": "a dense network of the mean over the last bars",
    "cnn-gru-fast": "a convolution and two gated recurrent layers",
    "cnn-gru": "two convolutions and two gated recurrent layers",
    "cnn-bilstm": "three convolutions, an LSTM in both directions and another one",
    "cnn-lstm": "two convolutions and two LSTMs",
    "vsn-lstm": "variable selection in front of an LSTM",
    "xlstm": "an extended LSTM of scalar cells",
    "patchtst": "attention over patches of the last bars",
    "dlinear": "linear maps of a moving average and of the rest: the linear control",
    "nlinear": "a linear map of the last bars less the last one: a linear control",
    "tcn": "dilated causal convolutions over the last bars",
    "tide": "a dense encoder and decoder of the last bars",
    "nhits": "dense blocks that read the last bars at several rates",
}
_TRAINING = {
    "learning_rate": Float(1e-5, 1e-2, log=True),
    "direction_penalty": Float(0.0, 2.0),
    "batch_size": Choice((16, 32, 64)),
    "epochs": Choice((10, 25, 50)),
}
FIXED = ("patchtst", "dlinear", "nlinear", "tide", "nhits")  # their maps are of so many bars, and no others
LINEAR = ("dlinear", "nlinear")  # trained as networks are, and the controls that a network must beat
_RECURRENT = {"lookback": Int(14, 90), "hidden": Int(32, 256), "layers": Int(1, 4), "dropout": Float(0.0, 0.7)}
# Of the others the width, or nothing, is fixed by what they are.
SPACES: Mapping[str, Mapping[str, Any]] = {
    "gru": {**_RECURRENT, **_TRAINING},
    "lstm": {**_RECURRENT, **_TRAINING},
    "mlp": {
        "hidden": Choice(([16], [32, 16], [64, 32])),
        "dropout": Float(0.0, 0.5),
        "epochs": Int(4, 40, log=True),
        "learning_rate": Float(1e-4, 1e-2, log=True),
        "weight_decay": Float(1e-4, 1e-1, log=True),
    },
    "transformer": {**_RECURRENT, "hidden": Choice(tuple(range(32, 257, 32))), "heads": Choice((2, 4, 8)), **_TRAINING},
}


@quorate.hookimpl
def quorate_models() -> Iterator[quorate.ModelSpec]:
    """Yield the networks."""
    for name, description in WINDOWS.items():
        yield _network(
            name, description, input="windows", lookback=60, lazy=True, lengths=name not in FIXED, settings=SETTINGS
        )
    settings = {name: option for name, option in SETTINGS.items() if name != "lookback"}
    yield _network("mlp", "a small dense network of the features of a bar", settings=settings)
    yield _network("tabm", "many dense networks in one, of the features of a bar", settings=settings)


def _network(name: str, description: str, **more: Any) -> quorate.ModelSpec:
    space = SPACES.get(name) or {"dropout": Float(0.0, 0.7), "learning_rate": Float(1e-5, 1e-2, log=True)}
    if name in LINEAR:
        space = {"learning_rate": Float(1e-5, 1e-2, log=True), "weight_decay": Float(1e-6, 1e-1, log=True)}
    return quorate.ModelSpec(
        name,
        f"{__name__}.models:{name.replace('-', '_')}",
        requires=("torch",),
        description=description,
        task="any",
        validation=0.1,
        steps=True,
        watched=True,
        state_dict=f"{__name__}.states:deep_state",
        load_state_dict=f"{__name__}.states:load_deep",
        onnx=f"{__name__}.portable:deep_onnx",
        together=f"{__name__}.model:fit_together",
        gpus=0.25,
        device="cpu",
        parallel=f"{__name__}.ranks:fit_on_rank",
        apart=tuple(name for name in OWN if name != "random_state"),
        warm={"warm_epochs": 0},
        at_once=f"{__name__}.room:at_once",
        audit_params=AUDIT,
        family="linear" if name in LINEAR else "network",
        space=space,
        outputs=f"{__name__}.outputs:outputs_of",
        history=f"{__name__}.history:history_of",
        **more,
    )
