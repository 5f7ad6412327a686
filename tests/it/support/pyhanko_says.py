"""What pyHanko says about signatures: pyhanko_says.py ROOT.pem ISO-TIME FILE.pdf…, one line for each file."""
import datetime
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

root = load_cert_from_pemder(sys.argv[1])
moment = datetime.datetime.fromisoformat(sys.argv[2])
for path in sys.argv[3:]:
    with open(path, "rb") as file:
        found = PdfFileReader(file, strict=True).embedded_signatures
        context = ValidationContext(trust_roots=[root], moment=moment, allow_fetching=False)
        status = validate_pdf_signature(found[0], context)
        print(f"{len(found)} signature intact={status.intact} valid={status.valid} trusted={status.trusted} "
              f"coverage={status.coverage.name}")
