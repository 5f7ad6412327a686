"""Prints, as one line of JSON for each mail named on standard input, what Python's own parser reads in it: sender,
subject, names of files. Left out is what it says it cannot read (U+FFFD), and parts that are no files by our rule:
pictures within multipart/related, signatures, the machine parts of reports."""
import email
import email.policy
import json
import sys


def readable(text):
    return None if text is None or "\ufffd" in text or any(0xd800 <= ord(c) < 0xe000 for c in text) else text


def files(part, parent=""):
    if part.is_multipart():
        for child in part.get_payload():
            yield from files(child, part.get_content_type())
    elif parent not in ("multipart/related", "multipart/report") and not part.get_content_type().endswith("-signature"):
        yield readable(part.get_filename())


for line in sys.stdin:
    path = line.rstrip("\n")
    with open(path, "rb") as file:
        mail = email.message_from_bytes(file.read(), policy=email.policy.default)
    said = {"path": path, "sender": None, "subject": None, "files": []}
    try:
        sender = mail["from"]
        if sender is not None and len(sender.addresses) == 1 and "@" in sender.addresses[0].addr_spec:
            said["sender"] = readable(sender.addresses[0].addr_spec)
        if mail["subject"] is not None:
            said["subject"] = readable(str(mail["subject"]))
        said["files"] = [name for name in files(mail) if name]
    except (LookupError, ValueError, AttributeError, TypeError, IndexError):
        pass  # What it cannot parse it cannot judge.
    print(json.dumps(said))
