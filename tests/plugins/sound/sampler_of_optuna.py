"""Any of Optuna's samplers that reads a study's trials, here one that looks at each parameter by itself."""

import quorate


def parzen(space, known, running, number, seed, startup: int = 5):
    from optuna.samplers import TPESampler

    sampler = TPESampler(seed=seed, multivariate=False, n_startup_trials=startup)
    return quorate.ask_optuna(sampler, space, known, running)


@quorate.hookimpl
def quorate_samplers():
    yield quorate.SamplerSpec("parzen", parzen)
