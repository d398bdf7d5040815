"""A library's own early stopping on the validation tail, of which it tells, and NaN allowed."""

import quorate


class Boosted:
    def __init__(self, learning_rate=0.1, random_state=0, n_jobs=1):
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X, y, validation=None):
        from xgboost import XGBClassifier

        self.model_ = XGBClassifier(
            n_estimators=200,
            learning_rate=self.learning_rate,
            early_stopping_rounds=10 if validation else None,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        self.model_.fit(X, y, eval_set=[validation] if validation else None, verbose=False)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


def history(model):
    losses = model.model_.evals_result()["validation_0"]["logloss"]
    return {"epochs": {"val_loss": losses}, "best_epoch": model.model_.best_iteration + 1}


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "sound-boosted",
        Boosted,
        validation=0.25,
        accepts_nan=True,
        requires=("xgboost|xgboost-cpu",),
        history=history,
    )
