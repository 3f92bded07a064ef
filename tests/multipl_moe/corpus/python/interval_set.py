"""A set of integers kept as sorted, disjoint, half-open intervals."""

from bisect import bisect_left, bisect_right


class IntervalSet:
    def __init__(self, intervals=()):
        self._starts = []
        self._ends = []
        for start, end in intervals:
            self.add(start, end)

    def add(self, start, end):
        """Insert [start, end), merging whatever it touches."""
        if start >= end:
            raise ValueError(f"empty interval: [{start}, {end})")
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def __contains__(self, value):
        index = bisect_right(self._starts, value) - 1
        return index >= 0 and value < self._ends[index]

    def __iter__(self):
        return iter(zip(self._starts, self._ends))

    def __len__(self):
        return sum(end - start for start, end in self)

    def gaps(self):
        """Yield the holes between neighbouring intervals."""
        for end, start in zip(self._ends, self._starts[1:]):
            yield end, start


if __name__ == "__main__":
    taken = IntervalSet([(1, 4), (10, 12), (3, 6)])
    print(list(taken), len(taken), 5 in taken, 6 in taken)
    print("free:", list(taken.gaps()))
