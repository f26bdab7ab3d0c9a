#!/usr/bin/env python3
"""Writes unicode_properties.inc: what the reference tokenizer does to each code point.

The reference (PyPI `tokenizers`) mixes the Unicode versions of several crates: its letters are lowered
by one version, its marks and punctuation are classed by an older one. So the tables are not taken
from any Unicode release: each property is asked of the reference itself, for all 1,112,064 scalar
values, one stage of its pipeline at a time.

    python3 src/text/make_unicode_properties.py > src/text/unicode_properties.inc

Needs `pip install tokenizers`; the version that was asked is noted in the output.
"""
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

HANGUL_FIRST, HANGUL_LAST = 0xAC00, 0xD7A3


def scalars():
    for value in range(0x110000):
        if not 0xD800 <= value <= 0xDFFF:
            yield chr(value)


def bert(**chosen):
    options = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**options, **chosen}).normalize_str


CLEAN = bert(clean_text=True)
SPACE_CJK = bert(handle_chinese_chars=True)
STRIP = bert(strip_accents=True)
LOWER = bert(lowercase=True)
NFD = normalizers.NFD().normalize_str
SPLIT = pre_tokenizers.BertPreTokenizer().pre_tokenize_str


LOWEST_MARK, HIGHEST_MARK = "\u0334", "\u0345"  # Of the classes 1 and 240.


def swaps(first, second):
    """Whether the reference puts `second` first, so 0 < class of second < class of first."""
    return NFD(first + second) != first + second


def has_class(char):
    return swaps(char, LOWEST_MARK) or swaps(HIGHEST_MARK, char)


def class_marks():
    """One mark of each canonical combining class: the class as Python knows it, a mark that the
    reference, whose tables are older, moves as well."""
    marks = {}
    for char in scalars():
        combining = unicodedata.combining(char)
        if combining and combining not in marks and NFD(char) == char and has_class(char):
            marks[combining] = char
    return marks


def combining_class(char, marks):
    """The class by which the reference orders `char`: that of the mark it never swaps with."""
    if not has_class(char):
        return 0
    equals = [k for k, mark in marks.items() if not swaps(char, mark) and not swaps(mark, char)]
    assert len(equals) == 1, f"U+{ord(char):04X}: classes {equals}"
    return equals[0]


def hangul(char):
    index = ord(char) - HANGUL_FIRST
    parts = chr(0x1100 + index // 588) + chr(0x1161 + index % 588 // 28)
    return parts + (chr(0x11A7 + index % 28) if index % 28 else "")


def runs(values):
    """[(first, last)] of the sorted code points."""
    out = []
    for value in values:
        if out and out[-1][1] == value - 1:
            out[-1][1] = value
        else:
            out.append([value, value])
    return out


def print_array(declaration, items):
    print(f"\nconstexpr {declaration} = {{")
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            print(line)
            line = "   "
        line += f" {item},"
    print(line)
    print("};")


def print_ranges(name, values):
    print_array(f"CodePointRange {name}[]", [f"{{0x{a:X}, 0x{b:X}}}" for a, b in runs(values)])


def print_mappings(name, mappings):
    items = [f"{{0x{a:X}, {{{', '.join(f'0x{ord(c):X}' for c in to)}}}}}" for a, to in mappings]
    print_array(f"Mapping {name}[]", items)


def main():
    removed, cleaned_spaces, cjk, spaces, punctuation, marks_dropped = [], [], [], [], [], []
    decompositions, lowered, classes = [], [], []
    marks = class_marks()
    for char in scalars():
        value = ord(char)
        cleaned = CLEAN(char)
        assert cleaned in ("", " ", char)
        if cleaned == "":
            removed.append(value)
        elif cleaned != char:
            cleaned_spaces.append(value)
        spaced = SPACE_CJK(char)
        assert spaced in (char, f" {char} ")
        if spaced != char:
            cjk.append(value)
        pieces = len(SPLIT(f"a{char}a"))
        if pieces == 2:
            spaces.append(value)
        elif pieces == 3:
            punctuation.append(value)
        lower = LOWER(char)
        assert 1 <= len(lower) <= 4
        if lower != char:
            lowered.append((value, lower))
        parts = NFD(char)
        if HANGUL_FIRST <= value <= HANGUL_LAST:
            assert parts == hangul(char) and STRIP(char) == parts and lower == char
            continue
        if parts != char:
            assert len(parts) <= 4
            decompositions.append((value, parts))
            continue
        if STRIP(char) == "":
            marks_dropped.append(value)
        combining = combining_class(char, marks)
        if combining:
            assert lower == char and pieces == 1, "only plain letters may change places"
            classes.append((value, combining))

    print("// Written by make_unicode_properties.py from the behaviour of PyPI tokenizers "
          f"{tokenizers.__version__}.")
    print("// Do not edit. Each array is in order of code points.")
    print("\n// clean_text: characters dropped, and characters turned into U+0020.")
    print_ranges("kRemoved", removed)
    print_ranges("kCleanedToSpace", cleaned_spaces)
    print("\n// handle_chinese_chars: characters set between two spaces.")
    print_ranges("kCjk", cjk)
    print("\n// strip_accents: nonspacing marks, dropped after decomposition.")
    print_ranges("kNonspacingMarks", marks_dropped)
    print("\n// The word splitter: characters between words, and characters that are words alone.")
    print_ranges("kWhitespace", spaces)
    print_ranges("kPunctuation", punctuation)
    print("\n// Canonical combining classes other than 0, of characters that do not decompose.")
    groups = {}
    for value, combining in classes:
        groups.setdefault(combining, []).append(value)
    rows = sorted((a, b, k) for k, values in groups.items() for a, b in runs(values))
    print_array("CombiningRange kCombiningClasses[]",
                [f"{{0x{a:X}, 0x{b:X}, {k}}}" for a, b, k in rows])
    print("\n// Full canonical decompositions, those of Hangul syllables left out.")
    print_mappings("kDecompositions", decompositions)
    print("\n// Lower case.")
    print_mappings("kLowerCase", lowered)


if __name__ == "__main__":
    main()
