"""Finds the shortest chain of words in which neighbours differ by one letter."""

import argparse
import sys
from collections import defaultdict, deque


def load_words(path, length):
    with open(path, encoding="utf-8") as handle:
        for line in handle:
            word = line.strip().lower()
            if len(word) == length and word.isalpha():
                yield word


def build_index(words):
    index = defaultdict(list)
    for word in words:
        for i in range(len(word)):
            index[word[:i] + "_" + word[i + 1:]].append(word)
    return index


def neighbours(word, index):
    for i in range(len(word)):
        for other in index[word[:i] + "_" + word[i + 1:]]:
            if other != word:
                yield other


def shortest_ladder(start, goal, words):
    index = build_index(set(words) | {start, goal})
    came_from = {start: None}
    queue = deque([start])
    while queue:
        word = queue.popleft()
        if word == goal:
            ladder = []
            while word is not None:
                ladder.append(word)
                word = came_from[word]
            return ladder[::-1]
        for other in neighbours(word, index):
            if other not in came_from:
                came_from[other] = word
                queue.append(other)
    return None


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("start")
    parser.add_argument("goal")
    parser.add_argument("--words", default="words.txt")
    options = parser.parse_args(argv)
    if len(options.start) != len(options.goal):
        parser.error("both words must be equally long")
    ladder = shortest_ladder(options.start, options.goal,
                             load_words(options.words, len(options.start)))
    if ladder is None:
        print("no ladder exists", file=sys.stderr)
        return 1
    print(" -> ".join(ladder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
