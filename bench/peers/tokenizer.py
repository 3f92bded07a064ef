#!/usr/bin/env python3
"""Compares the ids that `multipl_moe tokenizer encode` gives with those of the package `tokenizers`.

    pip install tokenizers==0.23.3
    python3 bench/peers/tokenizer.py PROGRAM FOLDER_OF_TOKENIZER_JSON SOURCES... [--megabytes N]

Takes source files in six languages below SOURCES, at most N megabytes of each; every Unicode scalar value alone and
between letters; and random strings of spaces, letters, names of special tokens and marks, but those that the package's
tables are too old for. Prints, for each, texts,
bytes, those that differ, and both speeds. Ends with 1 where a text differs.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import time
import unicodedata

os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Tokenizer, normalizers  # noqa: E402

LANGUAGES = {"python": ".py", "java": ".java", "cpp": ".hpp", "rust": ".rs", "go": ".go", "ruby": ".rb"}
BATCH = 16_000_000


def ours(arguments, texts, special):
    """Ids of each text, and the seconds that the process took without starting and loading."""
    command = [arguments.program, "tokenizer", "encode", "--null", "--model", arguments.tokenizer]
    command += ["--special"] if special else []
    data = b"".join(text.encode() + b"\0" for text in texts)
    begin = time.perf_counter()
    subprocess.run(command, input=b"", stdout=subprocess.PIPE, check=True)
    load = time.perf_counter() - begin
    begin = time.perf_counter()
    lines = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout.split(b"\n")[:-1]
    seconds = time.perf_counter() - begin - load
    return lines, seconds


def compare(name, arguments, tokenizer, texts, special):
    tokenizer.encode_special_tokens = not special
    batches, size = [[]], 0
    for text in texts:
        if size > BATCH:
            batches.append([])
            size = 0
        batches[-1].append(text)
        size += len(text.encode())
    total = differing = count = 0
    our_seconds = their_seconds = 0.0
    for batch in batches:
        lines, seconds = ours(arguments, batch, special)
        our_seconds += seconds
        begin = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(batch)
        their_seconds += time.perf_counter() - begin
        assert len(lines) == len(batch)
        for text, line, encoding in zip(batch, lines, encodings):
            count += 1
            total += len(text.encode())
            if line.decode() != " ".join(map(str, encoding.ids)):
                differing += 1
                if differing <= 5:
                    print(f"  differs: {text[:60]!r}", file=sys.stderr)
    print(f"| {name} | {count} | {total / 1e6:.1f} | {differing} | {total / our_seconds / 1e6:.1f} | "
          f"{total / their_seconds / 1e6:.1f} |", flush=True)
    return differing


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
    """Combining marks whose order the package normalises as Unicode 14 (Python 3.11) does, and those that it does not:
    its tables are Unicode 9's."""
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
    parts = [" ", "  ", "\t", "\n", "\r", "\r\n", "\u00a0", "\u2003", "\u3000", "\u180e", "\u200b", "\u0085", "\u2028", "a", "e", "Z",
             "0", "\u0663", "'s", "'LL", "'", "_", "(", ".", "\u4f60", "\uac00", "\u1100", "\u1161", "\u11a8", "\u0915", "\u30ab", "\u3099",
             "\U0001f600", "\u200d", "\ufe0f", "\u0301", "\u0327", "\u212b", "<|endoftext|>", "<|im_start|>"]
    for _ in range(300_000):
        yield "".join(draw.choice(marks) if draw.random() < 0.25 else draw.choice(parts) for _ in range(draw.randint(1, 16)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("tokenizer")
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--megabytes", type=float, default=20)
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_file(os.path.join(arguments.tokenizer, "tokenizer.json"))
    scalars = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    print("| texts | number | MB | differing | MB/s | MB/s of tokenizers |\n|---|---|---|---|---|---|")
    differing = 0
    for language, extension in LANGUAGES.items():
        differing += compare(language, arguments, tokenizer, sources(arguments, extension), special=False)
    differing += compare("each character", arguments, tokenizer, scalars, special=False)
    differing += compare("between letters", arguments, tokenizer, [f"a{c}b {c}1{c}{c} " for c in scalars], special=False)
    known, newer = marks_by_age()
    differing += compare("random", arguments, tokenizer, random_strings(known), special=False)
    differing += compare("random, special", arguments, tokenizer, random_strings(known), special=True)
    print(f"{len(known)} marks were drawn from; the package does not know the order of: " +
          " ".join(f"{ord(mark):X}" for mark in newer))
    sys.exit(differing > 0)


if __name__ == "__main__":
    main()
