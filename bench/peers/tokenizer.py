#!/usr/bin/env python3
"""Compares the token ids of `multipl_moe tokenizer encode` with those of the package `tokenizers`.

    pip install tokenizers==0.23.3 tiktoken==0.14.0
    python3 bench/peers/tokenizer.py PROGRAM FOLDER_OF_TOKENIZER_JSON SOURCES... [--megabytes N]
                                     [--other-layout FOLDER] [--ranks FILE] [--cost [--rounds N]]

The texts are source files in six languages below SOURCES, at most N megabytes of each; every Unicode scalar value alone
and between letters; and random strings of spaces, letters, names of special tokens and marks. Prints, for each kind of
text, the number of texts and bytes, the number of texts that differ, and megabytes per second of CPU time. Exits with 1
if a text differs, except in the last row, which has marks that are newer than the Unicode tables of `tokenizers`.

--other-layout names the same tokenizer in vocab.json and merges.txt, whose ids must be the same. With --ranks, the byte
ranks from which the tokenizer was made (qwen_vocabulary.py), the ids are also compared with those of the package
tiktoken, on text normalized by Python.

--cost measures the cost instead, in N rounds that alternate between all tokenizers: CPU seconds to load, peak memory of
a process that loads, and megabytes of the sources encoded per second of CPU time. Prints the median, the lowest and the
highest value of each.
"""
import argparse
import base64
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata

os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Tokenizer, normalizers  # noqa: E402

LANGUAGES = {"python": ".py", "java": ".java", "cpp": ".hpp", "rust": ".rs", "go": ".go", "ruby": ".rb"}
BATCH = 16_000_000

# Starts a command and prints its CPU seconds and peak memory. A process inherits the peak memory of its parent, so the
# parent is small.
RUNNER = """
import os, sys
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""

# Loads a tokenizer.json, encodes texts that each end in NUL, and prints the CPU seconds of both.
PACKAGE = """
import sys, time
from tokenizers import Tokenizer
begin = time.process_time()
tokenizer = Tokenizer.from_file(sys.argv[1])
loaded = time.process_time()
tokenizer.encode_special_tokens = True
texts = sys.stdin.buffer.read().decode().split("\\0")[:-1]
before = time.process_time()
for text in texts:
    tokenizer.encode_batch_fast([text])[0].ids
print(loaded - begin, time.process_time() - before)
"""


def run(command, data):
    """Returns the command's output, CPU seconds and peak memory in bytes. `data` is an open file."""
    data.seek(0)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", RUNNER, *command], stdin=data, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
    seconds, memory = done.stderr.split()[-2:]
    return done.stdout, float(seconds), int(memory)


def joined(texts):
    """A file of texts that each end in NUL."""
    file = tempfile.TemporaryFile()
    file.writelines(text.encode() + b"\0" for text in texts)
    return file


def encode_command(arguments, folder, special=False):
    # An absolute path, since the runner does not search PATH.
    program = os.path.abspath(arguments.program)
    return [program, "tokenizer", "encode", "--null", "--model", folder] + (["--special"] if special else [])


class Ours:
    name = "the other layout"

    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.seconds = arguments, folder, 0.0

    def encode(self, texts, special):
        command = encode_command(self.arguments, self.folder, special)
        with joined([]) as nothing, joined(texts) as data:
            load = run(command, nothing)[1]
            lines, seconds, _ = run(command, data)
        self.seconds += seconds - load
        return lines.split(b"\n")[:-1]


class Peer:
    """Returns lines in the format of Ours."""

    def __init__(self):
        self.seconds = 0.0

    def encode(self, texts, special):
        begin = time.process_time()
        ids = self.ids(texts, special)
        self.seconds += time.process_time() - begin
        return [" ".join(map(str, each)).encode() for each in ids]


class Package(Peer):
    name = "tokenizers"

    def __init__(self, path):
        super().__init__()
        self.tokenizer = Tokenizer.from_file(str(path))

    def ids(self, texts, special):
        self.tokenizer.encode_special_tokens = not special
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]


class Tiktoken(Peer):
    """The package tiktoken, with the ranks, and with the pattern and the names of special tokens of tokenizer.json."""
    name = "tiktoken"

    def __init__(self, path, ranks):
        super().__init__()
        import tiktoken
        file = json.loads(path.read_text(encoding="utf-8"))
        special = {token["content"]: token["id"] for token in file["added_tokens"]}
        lines = (line.split() for line in pathlib.Path(ranks).read_bytes().splitlines())
        self.names = re.compile("(" + "|".join(map(re.escape, special)) + ")")
        self.encoding = tiktoken.Encoding(
            "qwen", pat_str=file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"],
            mergeable_ranks={base64.b64decode(token): int(rank) for token, rank in lines}, special_tokens=special)

    def ids(self, texts, special):
        if not special:
            return [self.encoding.encode_ordinary(unicodedata.normalize("NFC", text)) for text in texts]
        # The text between names of special tokens is normalized separately.
        return [[token for part in self.names.split(text)
                 for token in self.encoding.encode(unicodedata.normalize("NFC", part), allowed_special="all")]
                for text in texts]


def batches_of(texts):
    batch, size = [], 0
    for text in texts:
        batch.append(text)
        size += len(text.encode())
        if size > BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Comparison:
    """Compares the ids of every judge with ours; prints one row of the table for each kind of text."""

    def __init__(self, arguments):
        path = pathlib.Path(arguments.tokenizer) / "tokenizer.json"
        self.ours = Ours(arguments, arguments.tokenizer)
        self.judges = [Package(path)]
        if arguments.ranks:
            self.judges.append(Tiktoken(path, arguments.ranks))
        if arguments.other_layout:
            self.judges.append(Ours(arguments, arguments.other_layout))
        self.differing = 0
        names = [judge.name for judge in self.judges]
        titles = ["texts", "number", "MB", *[f"differ from {name}" for name in names], "MB/s",
                  *[f"MB/s of {name}" for name in names]]
        print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")

    def row(self, name, texts, special=False, excused=None):
        """Differences from the judge `excused` are in the row, but do not count as failures."""
        everyone = [self.ours, *self.judges]
        for one in everyone:
            one.seconds = 0.0
        differing = {judge.name: 0 for judge in self.judges}
        total = count = 0
        for batch in batches_of(texts):
            lines = self.ours.encode(batch, special)
            count += len(batch)
            total += sum(len(text.encode()) for text in batch)
            for judge in self.judges:
                theirs = judge.encode(batch, special)
                assert len(lines) == len(theirs) == len(batch)
                wrong = [text for text, line, other in zip(batch, lines, theirs) if line != other]
                differing[judge.name] += len(wrong)
                for text in wrong[:0 if judge.name == excused else 5]:
                    print(f"  differs from {judge.name}: {text[:60]!r}", file=sys.stderr)
        self.differing += sum(number for judge, number in differing.items() if judge != excused)
        cells = [name, count, f"{total / 1e6:.1f}", *differing.values(),
                 *[f"{total / one.seconds / 1e6:.1f}" for one in everyone]]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def sources(arguments, extension):
    paths = sorted(path for folder in arguments.sources for path in pathlib.Path(folder).rglob("*" + extension)
                   if path.is_file() and not path.is_symlink())
    random.Random(3).shuffle(paths)
    size = 0
    for path in paths:
        if size > arguments.megabytes * 1e6:
            return
        text = path.read_bytes().decode(errors="replace").replace("\0", "")
        size += len(text.encode())
        yield text


def marks_by_age():
    """Combining marks whose order the package normalizes as Unicode 14 (Python 3.11) does, and those for which it does
    not: its tables are those of Unicode 9."""
    nfc, known, newer = normalizers.NFC(), [], []
    for mark in map(chr, [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]):
        if unicodedata.category(mark) not in ("Mn", "Mc", "Me"):
            continue
        texts = ["x" + mark + "\u0323\u0300", "x\u0300\u0323" + mark, "x" + mark + "\u0334", "x\u0345" + mark]
        is_known = all(nfc.normalize_str(text) == unicodedata.normalize("NFC", text) for text in texts)
        (known if is_known else newer).append(mark)
    return known, newer


def random_strings(marks):
    draw = random.Random(4)
    parts = [" ", "  ", "\t", "\n", "\r", "\r\n", "\u00a0", "\u2003", "\u3000", "\u180e", "\u200b", "\u0085", "\u2028",
             "a", "e", "Z", "0", "\u0663", "'s", "'LL", "'", "_", "(", ".", "\u4f60", "\uac00", "\u1100", "\u1161",
             "\u11a8", "\u0915", "\u30ab", "\u3099", "\U0001f600", "\u200d", "\ufe0f", "\u0301", "\u0327", "\u212b",
             "<|endoftext|>", "<|im_start|>"]
    for _ in range(300_000):
        yield "".join(draw.choice(marks) if draw.random() < 0.25 else draw.choice(parts)
                      for _ in range(draw.randint(1, 16)))


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def measure_cost(arguments):
    with joined([]) as nothing, joined(text for extension in LANGUAGES.values()
                                       for text in sources(arguments, extension)) as data:
        megabytes = data.seek(0, os.SEEK_END) / 1e6
        costs = {}

        def add(name, load, memory, encode):
            costs.setdefault(name, []).append((load, memory / 1e6, megabytes / encode))

        for _ in range(arguments.rounds):
            for folder in [arguments.tokenizer, *([arguments.other_layout] if arguments.other_layout else [])]:
                command = encode_command(arguments, folder)
                _, load, memory = run(command, nothing)
                add("multipl_moe, " + ", ".join(sorted(path.name for path in pathlib.Path(folder).iterdir())),
                    load, memory, run(command, data)[1] - load)
            command = [sys.executable, "-c", PACKAGE, os.path.join(arguments.tokenizer, "tokenizer.json")]
            text, _, memory = run(command, nothing)
            add("tokenizers, tokenizer.json", float(text.split()[0]), memory, float(run(command, data)[0].split()[1]))
    print(f"{megabytes:.1f} MB of text, {arguments.rounds} rounds: median (lowest to highest)\n")
    print("| tokenizer | CPU seconds to load | peak memory, MB | MB/s of CPU time |\n|---|---|---|---|")
    for name, rounds in costs.items():
        loads, memories, rates = zip(*rounds)
        print(f"| {name} | {spread(loads, 3)} | {spread(memories, 1)} | {spread(rates, 1)} |")


def compare(arguments):
    scalars = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    comparison = Comparison(arguments)
    for language, extension in LANGUAGES.items():
        comparison.row(language, sources(arguments, extension))
    comparison.row("each character", scalars)
    comparison.row("between letters", [f"a{c}b {c}1{c}{c} " for c in scalars])
    known, newer = marks_by_age()
    comparison.row("random", random_strings(known))
    comparison.row("random, special", random_strings(known), special=True)
    comparison.row("random, newer marks", random_strings(known + newer), excused="tokenizers")
    print(f"{len(known)} marks were used; tokenizers does not support the order of {len(newer)} newer ones: " +
          " ".join(f"{ord(mark):X}" for mark in newer))
    return comparison.differing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="path of multipl_moe")
    parser.add_argument("tokenizer", help="folder of tokenizer.json")
    parser.add_argument("sources", nargs="+", help="folders of source files")
    parser.add_argument("--megabytes", type=float, default=20,
                        help="maximum megabytes of text per language (default: %(default)s)")
    parser.add_argument("--other-layout", help="folder of the same tokenizer in vocab.json and merges.txt")
    parser.add_argument("--ranks", help="file of the tokenizer's byte ranks, for the comparison with tiktoken")
    parser.add_argument("--cost", action="store_true", help="measure time and memory instead of comparing ids")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of --cost (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.cost:
        return measure_cost(arguments)
    sys.exit(compare(arguments) > 0)


if __name__ == "__main__":
    main()
