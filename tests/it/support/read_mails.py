"""Mails as Python's email package reads them: read_mails.py FOLDER MAIL…, one JSON object a line.

Every part that is no multipart is written to FOLDER/NN-K, its bytes decoded; defects are counted.
"""
import email
import email.policy
import email.utils
import html
import json
import os
import sys

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
for number, path in enumerate(sys.argv[2:]):
    with open(path, "rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    parts = []
    for index, part in enumerate(part for part in mail.walk() if not part.is_multipart()):
        data = part.get_payload(decode=True)
        name = f"{number:02}-{index}"
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)
        text = part.get_content() if part.get_content_maintype() == "text" else None
        if part.get_content_subtype() == "html":
            text = html.unescape(text)
        parts.append({"type": part.get_content_type(), "name": part.get_filename(), "file": name, "text": text,
                      "disposition": part.get_content_disposition(), "defects": len(part.defects)})
    headers = {}
    for name, value in mail.items():
        headers.setdefault(name.lower(), []).append(str(value))
    to, sender = mail["to"], mail["from"]
    print(json.dumps({
        "headers": headers, "parts": parts, "defects": len(mail.defects),
        "from": sender.addresses[0].addr_spec if sender and sender.addresses else None,
        "to": [one.addr_spec for one in to.addresses] if to else [],
        "date": email.utils.parsedate_to_datetime(mail["date"]).isoformat() if mail["date"] else None,
        "types": [part.get_content_type() for part in mail.walk()],
    }, ensure_ascii=False))
