"""The cheapest order in which to multiply a chain of matrices."""

from functools import lru_cache
from typing import NamedTuple


class Plan(NamedTuple):
    cost: int
    text: str


def best_plan(sizes):
    """`sizes` has one number more than there are matrices: matrix i is sizes[i] x sizes[i + 1]."""
    if len(sizes) < 2:
        raise ValueError("a chain needs at least one matrix")

    @lru_cache(maxsize=None)
    def solve(first, last):
        if last - first == 1:
            return Plan(0, f"A{first}")
        candidates = []
        for split in range(first + 1, last):
            left, right = solve(first, split), solve(split, last)
            cost = left.cost + right.cost + sizes[first] * sizes[split] * sizes[last]
            candidates.append(Plan(cost, f"({left.text} {right.text})"))
        return min(candidates)

    return solve(0, len(sizes) - 1)


def naive_cost(sizes):
    return sum(sizes[0] * sizes[i] * sizes[i + 1] for i in range(1, len(sizes) - 1))


def report(sizes):
    plan = best_plan(sizes)
    saved = naive_cost(sizes) - plan.cost
    print(f"{plan.text}: {plan.cost} multiplications, {saved} fewer than from left to right")


if __name__ == "__main__":
    for chain in ([10, 30, 5, 60], [40, 20, 30, 10, 30], [1, 5, 25, 30, 100, 70, 2, 1, 100, 250]):
        report(chain)
