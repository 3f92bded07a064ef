#!/usr/bin/env python3
"""Writes a small tokenizer of Qwen's kind and what it makes of difficult texts, for tests/multipl_moe/tokenizer.

    pip install tokenizers==0.23.3
    python3 tests/golden/make_tokenizer.py tests/golden/data

tokenizer.json is what the package trains on tests/multipl_moe/corpus and on `lines` below, and saves.
tokenizer_cases.json holds `lines`, and cases: a text as hexadecimal digits of its bytes, the ids with the names of
special tokens being these tokens, the ids with them being text, and the bytes that those ids stand for. Text that is no
UTF-8 is handed to the package as bytes.decode(errors="replace") has it.
"""
import json
import pathlib
import random
import sys
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
           r"|\s+(?!\S)|\s+")
VOCABULARY = 1400

lines = [
    "It's what they've said: we'll see, I'm sure, you'd better; don't. IT'S WHAT THEY'VE SAID. ",
    "Überraschung für ältere Bäcker; où est le café à l'été? Año nuevo, señor. Žluťoučký kůň. ",
    "Привет, мир! Это проверка разбиения текста на слова. Γειά σου Κόσμε. ",
    "你好，世界。这是一个测试。我们用中文写代码注释。日本語のテキストも少しあります。한국어 문장도 있습니다. ",
    "नमस्ते दुनिया, यह एक परीक्षण है। مرحبا بالعالم هذا اختبار שלום עולם ",
    "😀 😃 🎉 👩‍💻 ❤️ → ≤ ≥ ≠ ∀ ∃ █ ░ ┌─┐ ",
] * 4


def build():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    corpus = pathlib.Path(__file__).resolve().parent.parent / "multipl_moe" / "corpus"
    texts = [path.read_text() for path in sorted(corpus.rglob("*")) if path.is_file()] + lines
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    special = dict(special=True, normalized=False)
    tokenizer.add_tokens([AddedToken("<|endoftext|>", **special), AddedToken("<|im_start|>", **special),
                          AddedToken("<|im_end|>", **special), AddedToken("<tool>", special=False, normalized=False),
                          AddedToken("<tool>s", special=False, normalized=False),
                          AddedToken("n\u00e4ive", special=False, normalized=True)])
    return tokenizer


def texts():
    """str or bytes."""
    yield from ["", "a", " ", "\n", "\r\n", "\t", "  ", "   x", "x   ", " \n ", "\n\n\n", " \r\n\t x", "\u00a0x", "\u3000 x",
                "\u180ex", " \u180e x", "a\u0085b", "\u2028\u2029", "\x0b\x0c", "\x1c\x1d x", "\u200bx \ufeffy"]
    yield from ["Hello world", " Hello world", "It's we've I'LL you'D don'T 'S 'x", "\u2019s it\u2019s 'ſ", "a'b'c''s"]
    yield from ["1234567890", "x1y22z333", " 1 2", "٣٤٥ Ⅷ ½ ²", "0x1F 3.14e-10 1_000"]
    yield from ["def f(x):\n    return x  # ok\n\n\n", "if (a&&b) {\r\n\treturn;\r\n}\r\n", "}\n\n  }\n", "//====//\n",
                "x" * 300, " " * 600, " " * 600 + "x", "\n" * 99, "=" * 200, "ab" * 200, "\t \t " * 50 + "y"]
    yield from ["e\u0301", "\u00e9", "n\u0303o", "\u0301x", " \u0301", "a\u0301\u0327", "a\u0327\u0301", "\u1100\u1161\u11a8",
                "\uac00\u11a8", "\u212b \u2126 \u212a", "\u0958 \u0340", "\u1e9b\u0323", "\ufb01 \uff21", "\u0344",
                "D\u0307\u0323", "\U0001d15e", "\u0f71\u0f72\u0f80", "\u0c46\u0c56 \u0cc6\u0cc2\u0cd5"]
    yield from ["你好，世界", "日本語テキスト", "カ\u3099", "한국어", "नमस्ते", "ไทย", "مرحبا", "Привет", "ὈΔΥΣΣΕΎΣ", "ŒŸﬀ"]
    yield from ["😀", "👩‍💻", "❤️", "🇩🇪 🇫🇷", "👍🏽x", "→≤∀", "┌─┐│"]
    yield from ["\u1c89a", "a\ua7cb", "\U00016d68\U00016d67", "\U00010d40\U00010d41", "\U0002ebf0\u4e00", "\U00011bf0", "\u0897x"]
    yield from ["<|endoftext|>", 'print("<|endoftext|>")', "<|im_start|>user\nhi<|im_end|>\n", "<|endoftext|><|endoftext|>",
                "<|endoftext", "< |endoftext|>", "<tool>", "<tool>s<tool>", "x<tool>y", "<|im_start|><tool>e\u0301<|im_end|>",
                "naïve", "nai\u0308ve", "na\u0308ive n\u00e4ive", "\u0301<|im_end|>\u0301", "<|<tool>|>"]
    yield from [b"\xff", b"a\x80b", b"\xc3", b"\xe2\x82", b"\xe2\x82x", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf",
                b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80 ok", b"\xe0\x80\x80", b"x\xe2\x28\xa1", b"\xfe\xff", b"\xc3\xc3\xa9"]
    random.seed(1)
    parts = [" ", "  ", "\n", "\r", "\t", "a", "B", "9", "'", "'s", "é", "e\u0301", "\u0301", "\u0327", "你", "😀", "_", "(", "\u00a0",
             "\u3000", "<|endoftext|>", "<tool>", "ㅏ", "가", "\u11a8", "्", "\u200d"]
    for _ in range(120):
        yield "".join(random.choices(parts, k=random.randint(1, 12)))


def main(folder):
    tokenizer = build()
    (folder / "tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=0) + "\n")
    cases = []
    for text in texts():
        data = text if isinstance(text, bytes) else text.encode()
        decoded = data.decode(errors="replace")
        tokenizer.encode_special_tokens = False
        special = tokenizer.encode(decoded).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(decoded).ids
        # The package decodes names of added tokens in the alphabet of bytes, which breaks all that are not ASCII.
        is_broken = tokenizer.token_to_id("n\u00e4ive") in plain
        said = unicodedata.normalize("NFC", decoded) if is_broken else tokenizer.decode(plain, skip_special_tokens=False)
        cases.append({"text": data.hex(), "special": special, "plain": plain, "said": said.encode().hex()})
    (folder / "tokenizer_cases.json").write_text(
        '{"lines": ' + json.dumps(lines, ensure_ascii=False) + ',\n "cases": [\n' +
        ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")


main(pathlib.Path(sys.argv[1]))
