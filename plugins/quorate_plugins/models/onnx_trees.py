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
    value : ndarray, (n_nodes,) or (n_nodes, n_outputs)
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


def joined(trees: Sequence[Tree], begins: Sequence[float], mode: str, outputs: Sequence[int] = ()) -> dict[str, Any]:
    """Return the attributes of a TreeEnsembleRegressor that sums the trees.

    Parameters
    ----------
    begins : sequence of float
        What is there of each output without any tree.
    mode : {"BRANCH_LEQ", "BRANCH_LT"}
        Whether what equals the threshold goes left.
    outputs : sequence of int
        To which output each tree adds; to the first, or to as many as its leaves have values, if that is not said.
    """
    sizes = [len(tree.leaf) for tree in trees]
    number = np.repeat(np.arange(len(trees)), sizes)
    node = np.concatenate([np.arange(size) for size in sizes])
    flat = [tree._replace(value=np.zeros(len(tree.leaf))) for tree in trees]
    whole = Tree(*(np.concatenate([np.asarray(tree[part]) for tree in flat]) for part in range(len(Tree._fields))))
    leaf = whole.leaf.astype(bool)
    thresholds = np.where(leaf, 0.0, whole.threshold)
    ends = [_ends(tree, k, outputs[k] if outputs else 0) for k, tree in enumerate(trees)]
    tree_of, node_of, output_of, weights = (np.concatenate(parts).tolist() for parts in zip(*ends, strict=True))
    return {
        "nodes_treeids": number.tolist(),
        "nodes_nodeids": node.tolist(),
        "nodes_featureids": np.where(leaf, 0, whole.feature).tolist(),
        "nodes_values": (_at_most(thresholds) if mode == "BRANCH_LEQ" else thresholds.astype(np.float32)).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", mode).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, whole.left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, whole.right).tolist(),
        "nodes_missing_value_tracks_true": (whole.missing_left.astype(bool) & ~leaf).astype(int).tolist(),
        "target_treeids": tree_of,
        "target_nodeids": node_of,
        "target_ids": output_of,
        "target_weights": weights,
        "base_values": [float(one) for one in begins],
        "n_targets": len(begins),
        "aggregate_function": "SUM",
        "post_transform": "NONE",
    }


def _ends(tree: Tree, number: int, output: int) -> tuple[NDArray[Any], ...]:
    """Return of each value of each leaf its tree, its node, its output and itself."""
    nodes = np.flatnonzero(tree.leaf)
    values = np.reshape(tree.value, (len(tree.leaf), -1))[nodes].astype(np.float32)
    many = values.shape[1]
    places = np.tile(np.arange(output, output + many), len(nodes))
    return np.full(values.size, number), np.repeat(nodes, many), places, values.ravel()


def _at_most(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest single-precision numbers that are not larger: features of that precision divide as before."""
    # A threshold beyond single precision becomes infinite, and so divides none either.
    with np.errstate(over="ignore"):
        single = thresholds.astype(np.float32)
    return np.where(single > thresholds, np.nextafter(single, np.float32(-np.inf)), single)
