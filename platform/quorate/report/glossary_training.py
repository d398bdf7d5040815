"""The words of the report on how models were trained."""

from __future__ import annotations

from quorate.report.glossary_base import OURS, Term

LEARNING = "Goodfellow, Bengio and Courville (2016), Deep Learning, ch. 7 and 8"

OF_TRAINING: dict[str, Term] = {
    "fits": Term("Models that were trained, one for each fold.", "those whose plugin tells how", OURS),
    "epochs": Term(
        "Passes over the training rows: the median of the fits, and between what they lie; of warm starts the sum.",
        "counted from 1; of boosting, a tree",
        LEARNING,
    ),
    "best epoch": Term(
        "The epoch after which the model predicts as it was then: the one of the best score on rows held back.",
        "counted from 1; without rows held back the last",
        LEARNING,
    ),
    "training loss": Term(
        "The mean loss of the steps of the best epoch, on the rows that are learnt from; of boosting that after it.",
        "median of the fits; of numbers in deviations of the label; of boosting as its library has it",
        LEARNING,
    ),
    "validation loss": Term(
        "The loss after the best epoch on the rows that are held back from training.",
        "median of the fits; in the unit of the training loss",
        LEARNING,
    ),
    "gap": Term(
        "How much worse a model is on rows that it did not learn from: a large gap means it learns by heart.",
        "validation loss - training loss, at the best epoch; median of the fits",
        LEARNING,
    ),
    "in all": Term("What all epochs of all fits took.", "wall time; of fits in lock step each has its share", OURS),
    "per epoch": Term("What an epoch took.", "all time / all epochs", OURS),
    "per step": Term("What a step of the optimiser took.", "all time / all steps", OURS),
    "steps/s": Term("Steps of the optimiser in a second.", "all steps / all time", OURS),
    "rows/s": Term("Training rows that were learnt from in a second.", "rows x epochs / all time", OURS),
    "peak MiB": Term(
        "What the process of a fit held in memory at most while it was trained.", "the largest of all fits", OURS
    ),
}
