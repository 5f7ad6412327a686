"""Reads letters with Python's email package and its icalendar package, which are no part of recipisa.

Usage: read.py MAIL.eml ...: prints for each what it says, as a line of JSON.
Leaves out: judging it.
"""
import json
import sys
from datetime import timezone
from email import policy
from email.header import decode_header, make_header
from email.parser import BytesParser

from icalendar import Calendar


def tree(part):
    if part.is_multipart():
        return [part.get_content_type()] + [tree(inner) for inner in part.iter_parts()]
    return part.get_content_type()


def instant(event, name):
    return event.decoded(name).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def appointment(octets):
    calendar = Calendar.from_ical(octets)
    [event] = calendar.walk("VEVENT")
    organizer = event["ORGANIZER"]
    return {
        "method": str(calendar["METHOD"]),
        "uid": str(event["UID"]),
        "sequence": int(event["SEQUENCE"]),
        "status": str(event["STATUS"]),
        "class": str(event["CLASS"]),
        "stamp": instant(event, "DTSTAMP"),
        "start": instant(event, "DTSTART"),
        "end": instant(event, "DTEND"),
        "summary": str(event["SUMMARY"]),
        "location": str(event["LOCATION"]),
        "description": str(event["DESCRIPTION"]),
        "organizer": [str(organizer.params["CN"]), str(organizer)],
        "errors": [str(error) for error in event.errors],
        "names": sorted(event.keys()),
        "longest_line": max(len(line) for line in octets.split(b"\r\n")),
    }


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        letter = BytesParser(policy=policy.default).parse(file)
    files, appointments = [], []
    for part in letter.walk():
        if part.get_content_type() in ("text/calendar", "application/ics"):
            appointments.append((part.get("Content-Type"), part.get_payload(decode=True)))
        if part.get_content_disposition() == "attachment":
            files.append([part.get_filename(), part.get_content_type()])
    print(json.dumps({
        # One encoded word after another, as RFC 2047 has it; the address parser puts blanks between them.
        "headers": [[name, str(make_header(decode_header(value)))] for name, value in letter.raw_items()],
        "tree": tree(letter),
        "text": letter.get_body(("plain",)).get_content(),
        "html": html.get_content() if (html := letter.get_body(("html",))) else None,
        "files": files,
        "appointments": [{"type": str(kind), **appointment(octets)} for kind, octets in appointments],
        "defects": [str(defect) for part in letter.walk() for defect in part.defects],
    }))
