"""What pypdf reads in a fillable form: one JSON object with the document's facts and its fields in tab order.

Usage: form_says.py FORM.pdf FILLED.pdf NAME=TEXT...; the second file becomes the form with these texts filled in.
"""

import json
import sys

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ContentStream

form, filled, *texts = sys.argv[1:]
reader = PdfReader(form)
page, root = reader.pages[0], reader.trailer["/Root"]
numbers = root["/StructTreeRoot"]["/ParentTree"]["/Nums"]
parents = dict(zip(numbers[::2], numbers[1::2]))


def stands_in_structure(widget):
    """Whether the tree's element of this widget is a Form that points back to it."""
    element = parents[widget.get_object()["/StructParent"]].get_object()
    kids = element["/K"]
    return element["/S"] == "/Form" and kids["/Type"] == "/OBJR" and kids.raw_get("/Obj") == widget


def unmarked_texts():
    """How many texts are set outside marked content."""
    depth, count = 0, 0
    for _, operator in ContentStream(page["/Contents"], reader).operations:
        depth += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(operator, 0)
        count += operator in (b"Tj", b"TJ") and depth == 0
    return count


fields = []
for widget in page["/Annots"]:
    field = widget.get_object()
    fields.append({
        "name": field["/T"], "kind": field["/FT"], "tooltip": field.get("/TU", ""), "rect": list(field["/Rect"]),
        "in_structure": stands_in_structure(widget),
    })
print(json.dumps({
    "fields": fields, "known_fields": list(reader.get_fields()), "lang": root["/Lang"], "tabs": page["/Tabs"],
    "title_shown": bool(root["/ViewerPreferences"]["/DisplayDocTitle"]), "unmarked_texts": unmarked_texts(),
    "says_pdf_ua_1": b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data(),
}))

writer = PdfWriter(reader)
writer.update_page_form_field_values(
    writer.pages[0], dict(text.split("=", 1) for text in texts), auto_regenerate=False
)
writer.write(filled)
