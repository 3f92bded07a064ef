"""Reads a small dialect of INI files into nested dictionaries."""

import re
from dataclasses import dataclass, field

SECTION = re.compile(r"\[(?P<name>[^\]]+)\]$")
ASSIGNMENT = re.compile(r"(?P<key>[\w.-]+)\s*=\s*(?P<value>.*)$")


class IniError(Exception):
    def __init__(self, line_number, message):
        super().__init__(f"line {line_number}: {message}")
        self.line_number = line_number


@dataclass
class Document:
    sections: dict = field(default_factory=dict)

    def get(self, section, key, default=None):
        return self.sections.get(section, {}).get(key, default)

    def merged_with(self, other):
        result = Document({name: dict(values) for name, values in self.sections.items()})
        for name, values in other.sections.items():
            result.sections.setdefault(name, {}).update(values)
        return result


def strip_comment(line):
    for marker in ("#", ";"):
        position = line.find(marker)
        if position >= 0:
            line = line[:position]
    return line.strip()


def convert(text):
    lowered = text.lower()
    if lowered in ("true", "yes", "on"):
        return True
    if lowered in ("false", "no", "off"):
        return False
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse(lines):
    document = Document()
    current = None
    for number, raw in enumerate(lines, start=1):
        line = strip_comment(raw)
        if not line:
            continue
        if match := SECTION.match(line):
            current = document.sections.setdefault(match["name"], {})
        elif match := ASSIGNMENT.match(line):
            if current is None:
                raise IniError(number, "assignment outside of a section")
            current[match["key"]] = convert(match["value"])
        else:
            raise IniError(number, f"cannot understand {line!r}")
    return document
