"""Decision trees as the one operator of ONNX that holds all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Tree(NamedTuple):
    """A tree, its nodes as arrays, (n_nodes,).

    Parameters
    ----------
    feature, threshold : ndarray
        What a node asks: whether this feature is at most so large.
    left, right : ndarray of int
        The nodes that follow, if it is, and if it is not.
    value : ndarray
        What a leaf adds.
    leaf, missing_left : ndarray of bool
        Whether a node is a leaf, and whether a missing value goes left.
    """

    feature: NDArray[Any]
    threshold: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    value: NDArray[Any]
    leaf: NDArray[Any]
    missing_left: NDArray[Any]


def joined(trees: Sequence[Tree], begins: float, mode: str) -> dict[str, Any]:
    """Return the attributes of a TreeEnsembleRegressor that sums the trees.

    Parameters
    ----------
    begins : float
        What is there without any tree.
    mode : {"BRANCH_LEQ", "BRANCH_LT"}
        Whether what equals the threshold goes left.
    """
    sizes = [len(tree.leaf) for tree in trees]
    number = np.repeat(np.arange(len(trees)), sizes)
    node = np.concatenate([np.arange(size) for size in sizes])
    whole = Tree(*(np.concatenate([np.asarray(tree[part]) for tree in trees]) for part in range(len(Tree._fields))))
    leaf = whole.leaf.astype(bool)
    thresholds = np.where(leaf, 0.0, whole.threshold)
    return {
        "nodes_treeids": number.tolist(),
        "nodes_nodeids": node.tolist(),
        "nodes_featureids": np.where(leaf, 0, whole.feature).tolist(),
        "nodes_values": (_at_most(thresholds) if mode == "BRANCH_LEQ" else thresholds.astype(np.float32)).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", mode).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, whole.left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, whole.right).tolist(),
        "nodes_missing_value_tracks_true": (whole.missing_left.astype(bool) & ~leaf).astype(int).tolist(),
        "target_treeids": number[leaf].tolist(),
        "target_nodeids": node[leaf].tolist(),
        "target_ids": [0] * int(leaf.sum()),
        "target_weights": whole.value[leaf].astype(np.float32).tolist(),
        "base_values": [float(begins)],
        "n_targets": 1,
        "aggregate_function": "SUM",
        "post_transform": "NONE",
    }


def _at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest single-precision numbers that are not larger: features of that precision divide as before."""
    # A threshold beyond single precision becomes infinite, and so divides none either.
    with np.errstate(over="ignore"):
        single = thresholds.astype(np.float32)
    return np.where(single > thresholds, np.nextafter(single, np.float32(-np.inf)), single)
