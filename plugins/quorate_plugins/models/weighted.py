"""Linear models of standardised features, whose rows may have weights; it imports scikit-learn."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


class Standardised(Pipeline):  # type: ignore[misc]
    """A pipeline of which every step takes the weights of rows."""

    def fit(self, X: Any, y: Any = None, sample_weight: NDArray[Any] | None = None) -> Self:
        """Fit; without weights as any pipeline."""
        more = {} if sample_weight is None else {f"{name}__sample_weight": sample_weight for name, _ in self.steps}
        super().fit(X, y, **more)
        return self


class OfScaledLabel(TransformedTargetRegressor):  # type: ignore[misc]
    """A regression of a label with deviation one."""

    def fit(self, X: Any, y: Any, sample_weight: NDArray[Any] | None = None) -> Self:
        """Fit; the label is scaled by all rows alike."""
        super().fit(X, y, **({} if sample_weight is None else {"sample_weight": sample_weight}))
        return self


def standardised(model: Any) -> Standardised:
    """Return a linear model behind a scaler."""
    return Standardised([("standardscaler", StandardScaler()), (type(model).__name__.lower(), model)])


def of_scaled_label(model: Any) -> OfScaledLabel:
    """Return a linear model behind a scaler, of a scaled label."""
    return OfScaledLabel(standardised(model), transformer=StandardScaler())
