#!/usr/bin/env python3
"""Makes the mails that the benchmarks send: made-up people, and no two attachments alike.

    benches/make_corpus.py OUT [--count 200] [--seed 1] [--variant realistic|small] [--to ADDRESS]

Writes OUT/eml/00000.eml … and the same files as a Maildir in OUT/maildir (hard links). The same options give the
same bytes for one version of the libraries. Needs Pillow, reportlab and numpy. Leaves out broken and hostile mails:
those are in fixtures/.

  realistic  ≈ 640 KB: a photo of 1600×1200 (JPEG ≈ 300 KB), a scanned request (PDF ≈ 150 KB), a screenshot (PNG ≈ 20 KB)
  small      ≈ 28 KB: a request (PDF ≈ 20 KB)
"""
import argparse
import datetime
import io
import os
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

import numpy
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

GIVEN = ["Ștefana", "Țică", "Brândușa", "Călin", "Ilinca", "Dumitru", "Anca", "Horia", "Smaranda", "Ovidiu"]
FAMILY = ["Zăpadă", "Brăduț", "Mânzu", "Frunzuliță", "Ciocârlan", "Stejar", "Salcie", "Țurțurică", "Cimpoieș"]
WISHES = ["Cerere indemnizație de șomaj", "Înscriere la un curs de calificare", "Adeverință pentru dosar",
          "Solicitare loc de muncă subvenționat", "Cerere de reluare a plății", "Completare la dosar"]
LETTER = """Bună ziua,

Mă numesc {person} și vă scriu pentru: {wish}. Am atașat documentele. Dosarul precedent a avut referința {mark}.

Vă rog să îmi confirmați primirea.

Cu stimă,
{person}
"""
START = datetime.datetime(2026, 11, 20, 8, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))


def scene(rng, width, height, grain):
    """What a camera sees: large soft patches of colour, an edge or two, and the sensor's grain."""
    coarse = rng.integers(40, 215, (9, 12, 3), dtype=numpy.uint8)
    pixels = numpy.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC)).astype(numpy.int16)
    top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
    pixels[top:top + height // 3, left:left + width // 3] += 45
    pixels += (rng.standard_normal((height, width, 1), dtype=numpy.float32) * grain).astype(numpy.int16)
    return Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8))


def photo(rng, bytes_wanted, width=1600, height=1200):
    """A JPEG as near to `bytes_wanted` as the whole-numbered quality allows."""
    image = scene(rng, width, height, 7)

    def at(quality):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        return out.getvalue()

    low, high = 5, 95
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(at(middle)) < bytes_wanted else (low, middle)
    return min(at(low), at(high), key=lambda data: abs(len(data) - bytes_wanted))


def screenshot(rng, bytes_wanted=20_000):
    """A PNG of flat areas with one noisy icon, whose height brings the size."""
    pixels = numpy.full((700, 420, 3), 255, dtype=numpy.uint8)
    pixels[:50] = rng.integers(0, 160, 3)
    for row in range(80, 300, 28):
        pixels[row:row + 9, 20:20 + rng.integers(120, 380)] = 70
    height = bytes_wanted // (3 * 120)
    pixels[320:320 + height, 20:140] = rng.integers(0, 256, (height, 120, 3))
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def request(rng, bytes_wanted, pages, scan):
    """A PDF: `pages` of text, and (with `scan`) a scanned page that fills it up to `bytes_wanted`."""
    lines = [[f"Punctul {row}: {rng.bytes(8).hex()} / {rng.bytes(12).hex()}" for row in range(1, 41)]
             for _ in range(pages)]

    def build(picture):
        out = io.BytesIO()
        sheet = canvas.Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
        for page in lines:
            body = sheet.beginText(60, 780)
            body.setFont("Courier", 10)
            body.textLines(page)
            sheet.drawText(body)
            sheet.showPage()
        if picture:
            sheet.drawImage(ImageReader(io.BytesIO(picture)), 40, 120, 515, 600)
            sheet.showPage()
        sheet.save()
        return out.getvalue()

    plain = build(None)
    if not scan:
        return plain
    # The library writes pictures in ASCII-85: four bytes become five.
    return build(photo(rng, (bytes_wanted - len(plain)) * 4 // 5, 1000, 1160))


def attachments(rng, variant):
    if variant == "small":
        return [("cerere.pdf", "application", "pdf", request(rng, 20_000, 9, scan=False))]
    return [("fotografie act.jpg", "image", "jpeg", photo(rng, 300_000)),
            ("cerere semnată.pdf", "application", "pdf", request(rng, 150_000, 2, scan=True)),
            ("captură ecran.png", "image", "png", screenshot(rng))]


def mail(rng, number, options):
    person = f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"
    wish = str(rng.choice(WISHES))
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((person, f"petent{number:05}@exemplu.test"))
    message["To"] = options.to
    message["Subject"] = wish
    message["Date"] = format_datetime(START + datetime.timedelta(seconds=41 * number))
    message["Message-ID"] = f"<{options.variant}-{options.seed}-{number}@exemplu.test>"
    message.set_content(LETTER.format(person=person, wish=wish, mark=rng.bytes(6).hex()), cte="quoted-printable")
    for name, kind, subtype, data in attachments(rng, options.variant):
        message.add_attachment(data, maintype=kind, subtype=subtype, filename=name)
    # Python's own boundary is drawn by chance.
    if message.is_multipart():
        message.set_boundary(f"==={options.seed}-{number}-{rng.bytes(9).hex()}===")
    return message.as_bytes()


def main():
    parser = argparse.ArgumentParser(description="makes the mails that the benchmarks send")
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variant", choices=["realistic", "small"], default="realistic")
    parser.add_argument("--to", default="somaj@ajofm-exemplu.test")
    options = parser.parse_args()
    for folder in ("eml", "maildir/cur", "maildir/new", "maildir/tmp"):
        os.makedirs(os.path.join(options.out, folder), exist_ok=True)
    total = 0
    for number in range(options.count):
        # A generator for each mail: the first hundred are the same whatever the count.
        data = mail(numpy.random.default_rng([options.seed, number]), number, options)
        path = os.path.join(options.out, "eml", f"{number:05}.eml")
        with open(path, "wb") as file:
            file.write(data)
        link = os.path.join(options.out, "maildir/new", f"{int(START.timestamp()) + number}.{number:05}.exemplu")
        if os.path.exists(link):
            os.unlink(link)
        os.link(path, link)
        total += len(data)
    print(f"{options.count} mails, {total / max(1, options.count) / 1000:.1f} KB each")


if __name__ == "__main__":
    main()
