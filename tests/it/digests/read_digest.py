"""Reads the golden digests with Python's own parsers and compares the forms with one another.

Usage: read_digest.py FOLDER. Prints `NAME: sound` a digest; ends with the first thing that is wrong.
"""

import csv
import io
import json
import pathlib
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "hr", "link", "input"}
ALLOWED = VOID - {"img", "link", "input"} | set(
    "html head title style body table tr td h1 h2 h3 p strong span code".split()
)
SECTIONS = {
    "unreached": "Căsuță fără legătură",
    "late": "Termen depășit",
    "due_today": "Termen astăzi",
    "pickups_today": "Programare astăzi",
    "held": "Mesaj reținut",
    "undelivered": "Nelivrat",
    "clarifications_unanswered": "Clarificare fără răspuns",
    "due_this_week": "Termen în 7 zile",
    "pickups_next_working_day": "Programare următoare",
    "clarifications_answered": "Clarificare cu răspuns",
    "joined": "Completare",
    "entries": "Cerere nouă",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r", " ")


class Balanced(HTMLParser):
    """Every element is closed in its order; nothing reaches outside; collects what a reader sees."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.seen, self.tags = [], [], []

    def handle_starttag(self, tag, attributes):
        assert tag in ALLOWED, f"<{tag}> is not mail-safe, or broke out of a name"
        for name, value in attributes:
            assert not name.startswith("on") and name not in ("src", "href", "background"), (tag, name)
            assert "url(" not in (value or ""), (tag, value)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if "style" not in self.open:
            self.seen.append(data)


def check(folder, name):
    raw = (folder / f"{name}.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "no byte order mark"
    assert raw.count(b"\n") == raw.count(b"\r\n"), "a line does not end with CRLF"
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))
    head, body = rows[0], rows[1:]
    assert head[0] == "Secțiune" and all(len(row) == len(head) for row in rows), "uneven rows"
    for row in body:
        assert not any(cell.startswith(FORMULA) for cell in row), row
        date = row[head.index("Data")]
        assert date == "" or (len(date) == 10 and date[2] == date[5] == "."), date

    told = json.loads((folder / f"{name}.json").read_text("utf-8"))
    assert told["schema"] == 1 and told["kind"] == "digest"
    for key, section in SECTIONS.items():
        in_table = [row for row in body if row[0] == section]
        assert len(in_table) == len(told[key]), (key, len(in_table), len(told[key]))
        for row, item in zip(in_table, told[key]):
            if "number" in item:
                assert row[1] == item["number"], (row, item)
    total = told["messages"]["total"]
    ends = ["registered", "joined", "answered", "filed", "ignored", "held", "undecided", "awaited"]
    assert total["shown"] - sum(total[end] for end in ends) == total["difference"]
    sums = all(s["difference"] == 0 for s in told["messages"]["sources"])
    assert told["messages"]["balanced"] == (sums and told["messages"]["misfits_total"] == 0)
    named = [row for row in body if row[0] == "Mesaj fără pereche"]
    assert len(named) == len(told["messages"]["misfits"]) <= told["messages"]["misfits_total"]

    page = (folder / f"{name}.html").read_text("utf-8")
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == [], parser.open
    assert parser.tags.count("style") == 1 and "<!--" not in page
    seen = " ".join(" ".join(parser.seen).split())
    text = (folder / f"{name}.txt").read_text("utf-8")
    # HTML drops a space at the edges of an element; names are compared without any.
    flat = "".join(seen.split())
    for line in text.splitlines()[2:]:
        line = line.strip().removeprefix("> ").removeprefix("• ")
        if line and not line.isupper() and not line.startswith("- "):
            assert "".join(line.split()) in flat, f"the text says and the page does not: {line}"
    for letter in "ţşŢŞ":
        assert letter not in text + page, "a cedilla"


def main():
    folder = pathlib.Path(sys.argv[1])
    names = sorted(path.stem for path in folder.glob("*.csv"))
    assert names, f"no digests in {folder}"
    for name in names:
        try:
            check(folder, name)
        except AssertionError as error:
            sys.exit(f"{name}: {error}")
        print(f"{name}: sound")


main()
