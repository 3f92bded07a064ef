#!/usr/bin/env python3
"""Writes the table of examples/multipl_moe/tokenizer/newer_characters.hpp: letters, marks and numbers that the regular
expressions of Hugging Face's tokenizers know (Unicode 16) and Unicode 14 does not.

    pip install tokenizers==0.23.3
    python3.11 tests/golden/make_newer_characters.py        # Python 3.11 has Unicode 14
"""
import unicodedata

from tokenizers import Regex, pre_tokenizers

assert unicodedata.unidata_version == "14.0.0"
characters = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
ranges = []
for kind in "LMN":
    others = pre_tokenizers.Split(Regex(rf"\p{{{kind}}}"), "removed")
    for code in characters:
        is_old = unicodedata.category(chr(code))[0] == kind
        if is_old == (not others.pre_tokenize_str(chr(code))):
            continue
        assert not is_old, "a character has changed its kind"
        if ranges and ranges[-1][1:] == [code - 1, kind]:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, kind])
names = {"L": "letter", "M": "mark", "N": "number"}
for first, last, kind in sorted(ranges):
    print(f"    {{0x{first:x}, 0x{last:x}, CharacterKind::{names[kind]}}},")
