#!/usr/bin/env python3
"""Makes acord.pdf, the blank written consent that a citizen fills in, signs and sends back: make.py [FILE].

Needs `pip install fonttools pikepdf`; the fonts are those of the receipt. The same versions give the same bytes.
The words stand in `compose`, in their order; everything below it is how a fillable page is made that screen readers
can read too (PDF/UA-1). It leaves out what would tie the form to one agency: the citizen writes the agency's name.
"""

import io
import sys
from pathlib import Path

import pikepdf
from fontTools import agl, subset
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name, Stream, String

HERE = Path(__file__).resolve().parent
FONTS = HERE.parents[1] / "src" / "receipt" / "fonts"

TITLE = "Acord pentru comunicarea prin e-mail"
SUBJECT = "Formular prin care solicitantul este de acord ca procedura să se desfășoare prin poșta electronică"

# Points. The same colours as the receipt.
WIDTH, HEIGHT, MARGIN = 595.28, 841.89, 50.0
MEASURE = WIDTH - 2 * MARGIN
NAVY, BLACK, GREY = "0.086 0.212 0.38", "0.102 0.118 0.141", "0.345 0.376 0.42"
GROUND = "0.945 0.957 0.976"
BOX_HEIGHT = 21.0


def compose(form):
    """The whole form, from top to bottom."""
    form.heading("H1", TITLE, 18, 24)
    form.paragraph("Se completează pe ecran sau de mână, citeț, și se trimite cu cererea sau după ea. Formularul este "
                   "gratuit.", ink=GREY)
    form.gap(3)
    form.row([("institutia", "Instituția (agenția) căreia îi scriu", 1.0,
               "Numele instituției căreia i se adresează cererea")])

    form.heading("H2", "1. Solicitantul", 11.5, 15)
    form.row([("nume", "Nume și prenume", 1.0, "Numele și prenumele solicitantului")])
    form.row([("adresa", "Domiciliul (adresa completă)", 1.0, "Domiciliul: adresa completă a solicitantului")])
    form.row([("email", "Adresa de e-mail", 0.62, "Adresa de e-mail a solicitantului"),
              ("telefon", "Telefon", 0.38, "Numărul de telefon al solicitantului")])

    form.heading("H2", "2. Cererea", 11.5, 15)
    form.row([("cererea", "Tipul sau obiectul cererii", 0.62, "Tipul sau obiectul cererii"),
              ("numar", "Nr. și data înregistrării, dacă le știți", 0.38,
               "Numărul și data înregistrării cererii, dacă le știți")])

    form.heading("H2", "3. Acordul meu", 11.5, 15)
    form.check("acord_email",
               "Sunt de acord ca procedura pentru această cerere să se desfășoare în întregime prin e-mail: de la "
               "adresa scrisă mai sus trimit cererea, documentele și completările, iar la aceeași adresă primesc "
               "recipisa cu numărul de înregistrare, întrebările și înștiințările instituției.")
    form.check("acord_prezenta",
               "Știu că la sfârșit trebuie să vin o dată la sediu, cu programare, pentru a fi identificat(ă) și a "
               "primi documentul care rezolvă cererea. Doar în cazuri excepționale (documentele sunt incomplete sau "
               "ilizibile, nu se potrivesc cu evidențele instituției ori nu arată dacă îndeplinesc condițiile) pot "
               "fi chemat(ă) și înainte, tot cu programare.")
    form.check("acord_contact",
               "Adresa de e-mail și numărul de telefon sunt ale mele. Citesc regulat mesajele și anunț instituția "
               "dacă adresa sau numărul se schimbă.")
    form.paragraph(
        "Îmi pot retrage acordul oricând, printr-un e-mail sau la sediu; ce s-a făcut până atunci rămâne valabil. "
        "După retragere, sau dacă nu semnez acest acord, cererea se rezolvă la sediu, cu programare."
    )

    form.heading("H2", "4. Datele mele personale", 11.5, 15)
    form.paragraph(
        "Operatorul datelor este instituția numită mai sus. Ea folosește datele din acest formular, din cerere, din "
        "documente și din mesaje pentru a vă identifica, a înregistra și a rezolva cererea și a comunica cu "
        "dumneavoastră, în îndeplinirea sarcinilor pe care i le dă legea. Acordul de la punctul 3 privește doar "
        "calea de comunicare. Datele se păstrează cât prevede nomenclatorul arhivistic al instituției. Aveți, în "
        "condițiile Regulamentului (UE) 2016/679, dreptul de acces la date, de rectificare, de ștergere, de "
        "restricționare și de opoziție. Vă puteți adresa instituției, responsabilului ei cu protecția datelor sau "
        "Autorității Naționale de Supraveghere a Prelucrării Datelor cu Caracter Personal."
    )

    form.heading("H2", "5. Data și semnătura", 11.5, 15)
    form.paragraph("Prin semnătură confirm cele scrise mai sus și că am citit informarea de la punctul 4.")
    form.gap(2)
    form.date_and_signature()

    form.heading("H2", "Cum semnați și trimiteți formularul", 11.5, 15)
    form.list([
        "Completați câmpurile și bifați căsuțele de la punctul 3.",
        "Semnați. De mână: tipăriți formularul, semnați-l, apoi scanați-l sau fotografiați-l citeț (PDF, JPEG sau "
        "PNG). Electronic: puneți pe fișierul PDF completat semnătura dumneavoastră electronică calificată; nu mai "
        "este nevoie nici de tipărire, nici de un drum la sediu pentru semnare.",
        "Trimiteți formularul la adresa de e-mail a instituției, cu cererea sau ca răspuns la mesajul primit de la "
        "ea. Păstrați în numele fișierului cuvântul „acord”, de exemplu acord.pdf.",
    ])


# One byte a letter, so that every reader can set what is typed: Windows-1252, with letters that people in Romania
# have in their names (Romanian also as old keyboards type it, Hungarian, Serbian, Polish) in place of signs that no
# form needs.
GIVEN_UP = "\x81\x8d\x8f\x90\x9dƒ†‡ˆ‰˜™¢£¤¥¦¨¬\xad¯±²³µ¶¸¹¼½¾×÷Ððþ"
PUT_IN = "ĂăȘșȚțŞşŢţŐőŰűČčĆćĐđĄąĘęŁłŃńŚśŹźŻż"


def code_page():
    """Code to letter, from the space on."""
    table = {}
    for code in range(0x20, 0x100):
        try:
            letter = bytes([code]).decode("cp1252")
        except UnicodeDecodeError:
            letter = chr(code)
        table[code] = letter
    places = [code for code, letter in table.items() if letter in GIVEN_UP]
    assert len(places) == len(GIVEN_UP) and len(PUT_IN) <= len(places)
    for code in [*places, 0x7F]:
        del table[code]
    table.update(zip(places, PUT_IN))
    return table


CODES = code_page()
CODE_OF = {letter: code for code, letter in reversed(CODES.items())}


def glyph_name(letter):
    return agl.UV2AGL.get(ord(letter), f"uni{ord(letter):04X}")


class Face:
    """A font of the receipt, cut down to some letters and embedded with the code page above."""

    def __init__(self, file, letters):
        font = TTFont(FONTS / file, recalcTimestamp=False)
        options = subset.Options(notdef_outline=True, glyph_names=True, hinting=False, layout_features=[])
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[ord(letter) for letter in letters])
        subsetter.subset(font)
        self.font, self.cmap = font, font.getBestCmap()
        missing = [letter for letter in letters if ord(letter) not in self.cmap]
        assert not missing, f"{file} lacks {missing}"
        self.letters = letters
        self.name = font["name"].getDebugName(6)

    def width(self, letter):
        return self.font["hmtx"][self.cmap[ord(letter)]][0] if letter in self.letters else 0

    def measure(self, text, size):
        return sum(self.width(letter) for letter in text) * size / 1000

    def embed(self, pdf):
        data = io.BytesIO()
        self.font.save(data, reorderTables=True)
        head, os2, hhea = self.font["head"], self.font["OS/2"], self.font["hhea"]
        # A font that is named as a part of another is one that some readers will not type with.
        name = Name("/" + ("" if len(self.letters) == len(CODES) else "ACORDA+") + self.name)
        descriptor = pdf.make_indirect(Dictionary(
            Type=Name.FontDescriptor, FontName=name, Flags=32, ItalicAngle=0, Ascent=hhea.ascent,
            Descent=hhea.descent, CapHeight=os2.sCapHeight, StemV=88 if os2.usWeightClass < 600 else 150,
            FontBBox=[head.xMin, head.yMin, head.xMax, head.yMax],
            FontFile2=pdf.make_stream(data.getvalue(), Length1=len(data.getvalue())),
        ))
        differences, last = Array(), None
        for code, letter in sorted(CODES.items()):
            if letter in PUT_IN:
                if last != code - 1:
                    differences.append(code)
                differences.append(Name("/" + glyph_name(letter)))
                last = code
        return pdf.make_indirect(Dictionary(
            Type=Name.Font, Subtype=Name.TrueType, BaseFont=name, FirstChar=0x20, LastChar=0xFF,
            Widths=[self.width(CODES.get(code, "")) for code in range(0x20, 0x100)], FontDescriptor=descriptor,
            Encoding=Dictionary(Type=Name.Encoding, BaseEncoding=Name.WinAnsiEncoding, Differences=differences),
            ToUnicode=pdf.make_stream(self.to_unicode().encode()),
        ))

    def to_unicode(self):
        pairs = [f"<{code:02X}> <{ord(letter):04X}>" for code, letter in sorted(CODES.items())
                 if letter in self.letters]
        blocks = "".join(
            f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n"
            for block in (pairs[at:at + 100] for at in range(0, len(pairs), 100))
        )
        return (
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
            "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
            "1 begincodespacerange\n<00> <FF>\nendcodespacerange\n"
            + blocks + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
        )


def bytes_of(text):
    return "<" + bytes(CODE_OF[letter] for letter in text).hex() + ">"


class Form:
    """One page that fills up from top to bottom: its operators, its structure tree and its fields."""

    def __init__(self, pdf, text, bold):
        self.pdf, self.text, self.bold = pdf, text, bold
        self.left_at = HEIGHT - 40.0
        self.operators, self.marked, self.fields = [], [], []
        self.page = pdf.add_blank_page(page_size=(WIDTH, HEIGHT)).obj
        self.root = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
        self.document = self.element(self.root, "Document")

    # Structure

    def element(self, parent, kind, **more):
        made = self.pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name("/" + kind), P=parent, K=[], **more))
        if parent == self.root:
            parent.K = made
        else:
            parent.K.append(made)
        return made

    def content(self, element, draw):
        """What `draw` puts on the page is the content of the element."""
        number = len(self.marked)
        self.marked.append(element)
        element.K.append(number)
        element.Pg = self.page
        self.operators.append(f"{element.S} << /MCID {number} >> BDC")
        draw()
        self.operators.append("EMC")

    def artifact(self, *operators):
        self.operators += ["/Artifact BMC", "q", *operators, "Q", "EMC"]

    # Text

    def gap(self, points):
        self.left_at -= points

    def lines(self, face, size, text, measure):
        lines = [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}".strip()
            if face.measure(longer, size) > measure:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def write(self, element, face, size, leading, text, x=MARGIN, measure=MEASURE, ink=BLACK):
        """Sets the text below what is there; lines end in a space, so that words do not run together when read."""
        lines = self.lines(face, size, text, measure)
        first = self.left_at - 0.8 * leading
        font = "/Bold" if face is self.bold else "/Text"

        def draw():
            self.operators += ["BT", f"{ink} rg", f"{font} {size} Tf", f"{leading} TL", f"{x:.2f} {first:.2f} Td"]
            for place, line in enumerate(lines):
                is_last = place + 1 == len(lines)
                self.operators.append(f"{bytes_of(line if is_last else line + ' ')} Tj" + ("" if is_last else " T*"))
            self.operators.append("ET")

        self.content(element, draw)
        self.left_at -= leading * len(lines)

    def heading(self, level, text, size, leading):
        self.gap(0 if level == "H1" else 7)
        self.write(self.element(self.document, level), self.bold, size, leading, text, ink=NAVY)
        self.gap(2 if level == "H1" else 1)

    def paragraph(self, text, ink=BLACK):
        self.write(self.element(self.document, "P"), self.text, 9.5, 12.4, text, ink=ink)

    def list(self, items):
        numbering = Dictionary(O=Name.List, ListNumbering=Name.Decimal)
        whole = self.element(self.document, "L", A=numbering)
        for number, text in enumerate(items, start=1):
            item = self.element(whole, "LI")
            top = self.left_at
            self.write(self.element(item, "Lbl"), self.bold, 9.5, 12.4, f"{number}.", ink=NAVY)
            self.left_at = top
            self.write(self.element(item, "LBody"), self.text, 9.5, 12.4, text, x=MARGIN + 18, measure=MEASURE - 18)
            self.gap(1.5)

    # Fields

    def row(self, cells):
        """Fields side by side, each below its label: name, label, part of the measure, tooltip."""
        top, x = self.left_at, MARGIN
        space = 12.0
        whole = MEASURE - space * (len(cells) - 1)
        for name, label, part, tooltip in cells:
            self.left_at = top
            width = whole * part
            paragraph = self.element(self.document, "P")
            self.write(paragraph, self.text, 8.5, 11.5, label, x=x, measure=width, ink=GREY)
            box = [x, self.left_at - BOX_HEIGHT, x + width, self.left_at]
            self.box(box)
            self.field(paragraph, name, tooltip, box, Dictionary(FT=Name.Tx, DA=String("/Text 11 Tf 0 g")),
                       self.appearance(box, b"/Tx BMC EMC"))
            x += width + space
        self.left_at -= BOX_HEIGHT + 4

    def date_and_signature(self):
        top, height = self.left_at, 60.0
        self.row([("data", "Data", 0.25, "Data semnării, de exemplu 20.11.2026")])
        self.left_at = top
        x = MARGIN + 0.25 * MEASURE + 12
        paragraph = self.element(self.document, "P")
        self.write(paragraph, self.text, 8.5, 11.5,
                   "Semnătura (de mână, după tipărire, sau electronică calificată)", x=x, ink=GREY)
        box = [x, self.left_at - height, WIDTH - MARGIN, self.left_at]
        self.box(box)
        self.field(paragraph, "semnatura", "Semnătura electronică calificată a solicitantului; de mână se semnează "
                   "după tipărire", box, Dictionary(FT=Name.Sig), self.appearance(box, b""))
        self.left_at -= height + 2

    def check(self, name, text):
        side, top = 12.0, self.left_at
        paragraph = self.element(self.document, "P")
        box = [MARGIN, top - side - 0.5, MARGIN + side, top - 0.5]
        # The frame belongs to the page, so that it stays when a reader draws its own tick.
        self.artifact(f"0.7 w 0.4 G {box[0] + 0.35:.2f} {box[1] + 0.35:.2f} {side - 0.7} {side - 0.7} re S")
        # The tick is drawn: a letter of a font would be one more font to embed.
        tick = f"1.6 w 1 J 1 j {NAVY} RG 2.8 6 m 5.2 3.2 l 9.4 9.2 l S"
        states = Dictionary(Off=self.appearance(box, b""), Da=self.appearance(box, tick.encode()))
        more = Dictionary(FT=Name.Btn, V=Name.Off, AS=Name.Off, MK=Dictionary(CA=String("4")))
        self.field(paragraph, name, text, box, more, states)
        self.write(paragraph, self.text, 9.5, 12.4, text, x=MARGIN + 20, measure=MEASURE - 20)
        self.gap(3)

    def box(self, box):
        x, y, right, top = box
        self.artifact(f"{GROUND} rg {x:.2f} {y:.2f} {right - x:.2f} {top - y:.2f} re f",
                      f"0.45 G 0.7 w {x:.2f} {y:.2f} m {right:.2f} {y:.2f} l S")

    def appearance(self, box, operators):
        return self.pdf.make_indirect(Stream(
            self.pdf, operators, Type=Name.XObject, Subtype=Name.Form,
            BBox=[0, 0, round(box[2] - box[0], 2), round(box[3] - box[1], 2)], Resources=Dictionary(),
        ))

    def field(self, parent, name, tooltip, box, more, appearance):
        element = self.element(parent, "Form")
        widget = self.pdf.make_indirect(Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, T=String(name), TU=String(tooltip), F=4, P=self.page,
            Rect=[round(edge, 2) for edge in box], AP=Dictionary(N=appearance), StructParent=1 + len(self.fields),
        ))
        for key, value in more.items():
            widget[key] = value
        element.K = Dictionary(Type=Name.OBJR, Obj=widget, Pg=self.page)
        element.Pg = self.page
        self.fields.append((widget, element))

    def finish(self):
        """Ties page, structure and fields together."""
        assert self.left_at > 30, f"the page is too short by {30 - self.left_at} points"
        pdf, page = self.pdf, self.page
        fonts = Dictionary(Text=self.text.embed(pdf), Bold=self.bold.embed(pdf))
        page.Contents = pdf.make_stream("\n".join(self.operators).encode())
        page.Resources = Dictionary(Font=fonts)
        page.Annots = Array([widget for widget, _ in self.fields])
        page.Tabs = Name.S
        page.StructParents = 0
        numbers = Array([0, pdf.make_indirect(Array(self.marked))])
        for number, (_, element) in enumerate(self.fields, start=1):
            numbers.extend([number, element])
        self.root.ParentTree = pdf.make_indirect(Dictionary(Nums=numbers))
        self.root.ParentTreeNextKey = 1 + len(self.fields)
        catalog = pdf.Root
        catalog.AcroForm = pdf.make_indirect(Dictionary(
            Fields=Array([widget for widget, _ in self.fields]), DR=Dictionary(Font=Dictionary(Text=fonts.Text)),
            DA=String("/Text 11 Tf 0 g"), SigFlags=1,
        ))
        catalog.StructTreeRoot = self.root
        catalog.MarkInfo = Dictionary(Marked=True)
        catalog.Lang = String("ro-RO")
        catalog.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        catalog.Metadata = pdf.make_stream(METADATA.encode(), Type=Name.Metadata, Subtype=Name.XML)
        pdf.docinfo = pdf.make_indirect(Dictionary(Title=String(TITLE), Subject=String(SUBJECT)))


METADATA = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" \
xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{TITLE}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{SUBJECT}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>ro-RO</rdf:li></rdf:Bag></dc:language>
<pdfuaid:part>1</pdfuaid:part>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def main():
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "acord.pdf"
    pdf = pikepdf.new()
    # Whatever is typed may need any letter; the bold face says only what stands on the page.
    form = Form(pdf, Face("NotoSans-Regular.ttf", set(CODES.values())),
                Face("NotoSans-Bold.ttf", set(TITLE + "Solicitantul Cererea Acordul meu Datele mele personale Data și "
                                              "semnătura Cum semnați și trimiteți formularul 0123456789.")))
    compose(form)
    form.finish()
    pdf.save(target, min_version="1.7", deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)


main()
