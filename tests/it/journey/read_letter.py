"""Reads a letter with Python's own mail library, which is no part of recipisa.

Usage: read_letter.py MAIL.eml FOLDER: writes the attachments into FOLDER, and prints what the letter says as JSON.
Leaves out: judging it.
"""
import html
import json
import os
import sys
from email import policy
from email.parser import BytesParser

with open(sys.argv[1], "rb") as file:
    letter = BytesParser(policy=policy.default).parse(file)
defects = [str(defect) for part in letter.walk() for defect in part.defects]
attachments = []
for number, part in enumerate(letter.iter_attachments()):
    name = part.get_filename() or f"part-{number}"
    if part.is_multipart():
        continue
    attachments.append({"name": name, "type": part.get_content_type()})
    with open(os.path.join(sys.argv[2], os.path.basename(name)), "wb") as out:
        out.write(part.get_payload(decode=True))
bodies = {kind: letter.get_body((kind,)) for kind in ("plain", "html")}
print(json.dumps({
    "headers": {name.lower(): str(value) for name, value in letter.items()},
    "type": letter.get_content_type(),
    "text": bodies["plain"].get_content() if bodies["plain"] else None,
    "html": html.unescape(bodies["html"].get_content()) if bodies["html"] else None,
    "attachments": attachments,
    "defects": defects,
}))
