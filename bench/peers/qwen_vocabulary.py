#!/usr/bin/env python3
"""Writes the tokenizer of Qwen1.5 from the byte ranks of its vocabulary, which are in the package `dashscope`.

    pip install --no-deps dashscope==2.0.2
    python3 bench/peers/qwen_vocabulary.py OUTPUT [--ranks FILE]

Writes tokenizer.json to OUTPUT/json, and the same tokenizer as vocab.json, merges.txt and tokenizer_config.json to
OUTPUT/files. FILE has a line for each token, its bytes in base64 and its rank; the default is qwen.tiktoken of the
installed package. The ranks do not list merges: the merge of a token is the two parts that remain when its bytes are
merged by all tokens of lower rank. Prints the git hash of each file, which Hugging Face shows too. The files belong to
Qwen and are not part of this repository.
"""
import argparse
import base64
import hashlib
import importlib.util
import json
import pathlib
import sys

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def ranks_of_package():
    spec = importlib.util.find_spec("dashscope")
    if spec is None:
        sys.exit("the package dashscope is not installed, and no --ranks FILE is given")
    return pathlib.Path(spec.origin).parent / "resources" / "qwen.tiktoken"


def read_ranks(path):
    """Tokens in the order of their ranks, which must be 0, 1, 2, ..."""
    lines = [line.split() for line in path.read_bytes().splitlines()]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    tokens = sorted(ranks, key=ranks.get)
    if [ranks[token] for token in tokens] != list(range(len(lines))):
        sys.exit(f"{path}: the ranks must be 0, 1, 2, ..., each of a different token")
    return tokens


def parts_of(token, ranks):
    """The parts of the token's bytes after merging neighbors while they form a token of lower rank than its own."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 1:
        rank, place = min((ranks.get(parts[i] + parts[i + 1], len(ranks)), i) for i in range(len(parts) - 1))
        if rank >= ranks[token]:
            break
        parts[place:place + 2] = [parts[place] + parts[place + 1]]
    return parts


def find_merges(tokens):
    ranks = {token: rank for rank, token in enumerate(tokens)}
    merges = [parts_of(token, ranks) for token in tokens if len(token) > 1]
    wrong = [parts for parts in merges if len(parts) != 2]
    if wrong:
        sys.exit(f"{len(wrong)} tokens are not the merge of two others; the first has the parts {wrong[0]}")
    return merges


def alphabet():
    """The character that stands for each byte in these files."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def tokenizer_json(vocabulary, merges):
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    added = [{"id": len(vocabulary) + i, "content": name} | added_token() for i, name in enumerate(SPECIAL)]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
            "post_processor": byte_level, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                      "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
                      "vocab": vocabulary, "merges": merges}}


def tokenizer_config(size):
    added = {str(size + i): {"content": name} | added_token() for i, name in enumerate(SPECIAL)}
    return {"add_prefix_space": False, "added_tokens_decoder": added, "errors": "replace",
            "split_special_tokens": False, "eos_token": SPECIAL[0], "pad_token": SPECIAL[0],
            "tokenizer_class": "Qwen2Tokenizer"}


def added_token():
    return {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def write(path, text):
    data = text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{path}: {len(data)} bytes, git blob {hashlib.sha1(b'blob %d' % len(data) + bytes(1) + data).hexdigest()}")


def write_json(path, value, **layout):
    write(path, json.dumps(value, ensure_ascii=False, **layout))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=pathlib.Path, help="folder in which the files are written")
    parser.add_argument("--ranks", type=pathlib.Path,
                        help="file of byte ranks (default: qwen.tiktoken of the package dashscope)")
    arguments = parser.parse_args()
    tokens = read_ranks(arguments.ranks or ranks_of_package())
    character = alphabet()

    def spelled(token):
        return "".join(character[byte] for byte in token)

    vocabulary = {spelled(token): rank for rank, token in enumerate(tokens)}
    merges = [f"{spelled(left)} {spelled(right)}" for left, right in find_merges(tokens)]
    files = arguments.output / "files"
    write_json(arguments.output / "json" / "tokenizer.json", tokenizer_json(vocabulary, merges), indent=2)
    write_json(files / "vocab.json", vocabulary, separators=(",", ":"))
    write(files / "merges.txt", "\n".join(merges) + "\n")
    write_json(files / "tokenizer_config.json", tokenizer_config(len(tokens)), indent=2)
    print(f"{len(tokens)} tokens, {len(merges)} merges, {len(SPECIAL)} special tokens")


if __name__ == "__main__":
    main()
