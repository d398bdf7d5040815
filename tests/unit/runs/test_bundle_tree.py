"""The hash tree of a bundle, and what the fits that it chooses can find."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from quorate.runs.bundle_tree import chance, chosen, root_of


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_the_root_is_that_of_leaves_and_pairs_hashed_apart() -> None:
    one, two, three = (sha(b"\0" + leaf) for leaf in (b"a", b"b", b"c"))
    assert root_of([b"a"]) == one.hex()
    assert root_of([b"a", b"b"]) == sha(b"\1" + one + two).hex()
    assert root_of([b"a", b"b", b"c"]) == sha(b"\1" + sha(b"\1" + one + two) + three).hex()
    with pytest.raises(ValueError, match="must have leaves"):
        root_of([])


@pytest.mark.parametrize("n", [1, 2, 5, 8, 13])
def test_any_change_of_the_leaves_is_another_root(n: int) -> None:
    leaves = [f"leaf {i}".encode() for i in range(n)]
    roots = {root_of(leaves), root_of([*leaves, b"more"]), root_of([*leaves, leaves[-1]])}
    roots |= {root_of([leaf + b"!" if i == j else leaf for i, leaf in enumerate(leaves)]) for j in range(n)}
    assert len(roots) == n + 3
    assert n == 1 or root_of(leaves[::-1]) != root_of(leaves)
    assert n == 1 or root_of(leaves[:-1]) != root_of(leaves)


def test_fits_are_chosen_by_the_root_and_the_word_without_repeating_one() -> None:
    root = root_of([b"a"])
    assert chosen(root, 100, 20) == chosen(root, 100, 20)
    assert len({*chosen(root, 100, 20)}) == 20
    assert chosen(root, 100, 20) != chosen(root_of([b"b"]), 100, 20)
    assert chosen(root, 100, 20) != chosen(root, 100, 20, "mine")
    assert chosen(root, 7, 20) == [*range(7)]
    assert chosen(root, 7, 0) == []


def test_each_fit_is_as_likely_to_be_chosen_as_any_other() -> None:
    counts = np.zeros(50)
    for i in range(2_000):
        counts[chosen(sha(b"%d" % i).hex(), 50, 10)] += 1
    spread = np.sqrt(2_000 * 0.2 * 0.8)  # of a count of 400
    assert np.abs(counts - 400).max() < 4 * spread


@pytest.mark.parametrize(("total", "spots"), [(40, 5), (100, 10), (200, 20)])
def test_forged_fits_are_found_as_often_as_is_said(total: int, spots: int) -> None:
    rng = np.random.default_rng(total)
    forged = [{*rng.choice(total, total // 10, replace=False).tolist()} for _ in range(1_000)]
    found = [bool(one & {*chosen(sha(b"%d" % i).hex(), total, spots)}) for i, one in enumerate(forged)]
    said = chance(total, spots)
    assert abs(np.mean(found) - said) < 4 * np.sqrt(said * (1 - said) / 1_000)


def test_the_chance_is_that_of_drawing_without_repeating() -> None:
    assert chance(10**6, 20) == pytest.approx(1 - 0.9**20, abs=1e-4)  # .8784
    assert chance(200, 20) > 1 - 0.9**20
    assert chance(10, 10) == 1.0
    assert chance(5, 1) == pytest.approx(0.2)  # of five fits one is forged, at least
    assert (chance(0, 5), chance(5, 0)) == (0.0, 0.0)
