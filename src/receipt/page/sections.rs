//! What stands on the receipt, in reading order: letterhead, title, facts, processing day, files, how to
//! verify, contact, personal data.
//!
//! The table of files has its own module; here are the other parts and the words between the facts.

use std::borrow::Cow;

use super::face::FaceName;
use super::files;
use super::flow::{Block, Cohesion, Ground, Line, MEASURE, Piece};
use super::tags::{Node, Role, Tags};
use super::text::{Ink, Style, line, wrap};
use crate::receipt::content::{Marking, Receipt};
use crate::receipt::wording;

const AGENCY: Style = Style::new(FaceName::Bold, 13.0, 17.0, Ink::Navy);
const SMALL: Style = Style::new(FaceName::Text, 8.2, 11.4, Ink::Grey);
const TITLE: Style = Style::new(FaceName::Bold, 27.0, 34.0, Ink::Navy).tracked(0.09);
const NUMBER: Style = Style::new(FaceName::Bold, 15.0, 21.0, Ink::Black);
const SUBTITLE: Style = Style::new(FaceName::Text, 10.0, 14.0, Ink::Grey);
const HEADING: Style = Style::new(FaceName::Bold, 11.0, 16.0, Ink::Navy);
const BODY: Style = Style::new(FaceName::Text, 9.4, 13.4, Ink::Black);
const BODY_BOLD: Style = Style::new(FaceName::Bold, 9.4, 13.4, Ink::Black);
const LABEL: Style = Style::new(FaceName::Text, 8.8, 13.4, Ink::Grey);
const ALARM: Style = Style::new(FaceName::Bold, 10.0, 14.0, Ink::Red);
const ALARM_BODY: Style = Style::new(FaceName::Text, 9.0, 12.6, Ink::Red);
const FINGERPRINT: Style = Style::new(FaceName::Mono, 7.6, 13.4, Ink::Black);

/// The longest text that is printed whole, in characters.
const TEXT_CHARACTERS_MAX: usize = 2_000;
/// Width of the labels in the table of facts.
const LABELS: f32 = 148.0;
/// Indent of text in a field.
const FIELD_INDENT: f32 = 14.0;

/// Everything that stands on the receipt, not yet on pages.
pub(super) struct Composition {
    pub(super) blocks: Vec<Block>,
    pub(super) tags: Tags,
}

/// Composes the receipt.
pub(super) fn compose(receipt: &Receipt) -> Composition {
    let mut composition = Composition {
        blocks: Vec::new(),
        tags: Tags::new(),
    };
    let to = &mut composition;
    letterhead(to, receipt);
    match receipt.marking {
        Marking::None => {}
        Marking::Demonstration => demonstration(to),
    }
    title(to, receipt);
    facts(to, receipt);
    processing_day(to, receipt);
    files::compose(to, receipt);
    verification(to);
    contact(to, receipt);
    personal_data(to, receipt);
    composition
}

impl Composition {
    /// A section with its heading, which is never left alone at the foot of a page.
    pub(super) fn section(&mut self, heading: &str) -> Node {
        let section = self.tags.plant(Tags::ROOT, Role::Section);
        let node = self.tags.plant(
            section,
            Role::Heading {
                level: 2,
                title: heading.to_owned(),
            },
        );
        let block = Block::new(17.0, lines(heading, HEADING, 0.0, MEASURE, node));
        self.blocks.push(block.cohesion(Cohesion::WithNext));
        section
    }

    /// A paragraph over the whole measure.
    pub(super) fn paragraph(&mut self, parent: Node, text: &str, style: Style, gap: f32) {
        let node = self.tags.plant(parent, Role::Paragraph);
        self.blocks
            .push(Block::new(gap, lines(text, style, 0.0, MEASURE, node)));
    }
}

/// A text as lines that begin at `x` and are at most `width` wide.
///
/// An empty text gives a dash, since a cell without content would vanish from the structure tree; a text
/// that would fill pages is shortened and says so (the twin has it whole).
pub(super) fn lines(text: &str, style: Style, x: f32, width: f32, node: Node) -> Vec<Line> {
    let baseline = baseline(style);
    let shown: Cow<'_, str> = match text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        Some((end, _)) => format!("{} … (scurtat aici; întreg în recipisa.json)", &text[..end]).into(),
        None if text.is_empty() => "-".into(),
        None => text.into(),
    };
    wrap(&shown, style, width)
        .into_iter()
        .map(|strip| Line {
            height: style.leading,
            pieces: vec![Piece {
                x,
                baseline,
                strip,
                node,
            }],
        })
        .collect()
}

/// Lines side by side become one list of lines; each is as high as its highest.
pub(super) fn abreast(columns: Vec<Vec<Line>>) -> Vec<Line> {
    let count = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows: Vec<Line> = (0..count)
        .map(|_| Line {
            height: 0.0,
            pieces: Vec::new(),
        })
        .collect();
    for column in columns {
        for (row, line) in rows.iter_mut().zip(column) {
            row.height = row.height.max(line.height);
            row.pieces.extend(line.pieces);
        }
    }
    rows
}

fn baseline(style: Style) -> f32 {
    (style.leading + style.size * 0.72) / 2.0
}

fn letterhead(to: &mut Composition, receipt: &Receipt) {
    let agency = &receipt.agency;
    let name = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let mut all = lines(&agency.name, AGENCY, 0.0, MEASURE, name);
    let place = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let text = format!("CUI {} · {}", agency.cui, agency.address);
    all.extend(lines(&text, SMALL, 0.0, MEASURE, place));
    let reach = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let website = agency
        .website
        .as_ref()
        .map(|site| format!(" · {site}"))
        .unwrap_or_default();
    let text = format!("Telefon {} · {}{website}", agency.phone, agency.email);
    all.extend(lines(&text, SMALL, 0.0, MEASURE, reach));
    to.blocks.push(Block::new(0.0, all).ground(Ground::Rule));
}

fn demonstration(to: &mut Composition) {
    let head = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let body = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let width = MEASURE - 2.0 * FIELD_INDENT;
    let mut all = lines("NEVALID – DEMONSTRAȚIE", ALARM, FIELD_INDENT, width, head);
    let text = "Document de probă, fără efect juridic: certificatul cu care este semnat nu este calificat.";
    all.extend(lines(text, ALARM_BODY, FIELD_INDENT, width, body));
    to.blocks.push(
        Block::new(12.0, all)
            .ground(Ground::Alarm)
            .cohesion(Cohesion::Whole),
    );
}

fn title(to: &mut Composition, receipt: &Receipt) {
    let heading = to.tags.plant(
        Tags::ROOT,
        Role::Heading {
            level: 1,
            title: "Recipisă".to_owned(),
        },
    );
    to.blocks
        .push(Block::new(20.0, centred("RECIPISĂ", TITLE, heading)).cohesion(Cohesion::WithNext));
    let number = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let mut all = centred(&receipt.matter_ro(), NUMBER, number);
    let subtitle = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let text = match receipt.submission {
        0 => "de înregistrare a unui mesaj primit prin poșta electronică",
        _ => "de primire, prin poșta electronică, a unui mesaj care completează o cerere înregistrată",
    };
    all.extend(centred(text, SUBTITLE, subtitle));
    to.blocks.push(Block::new(0.0, all));
}

/// Lines in the middle of the measure.
fn centred(text: &str, style: Style, node: Node) -> Vec<Line> {
    let mut all = lines(text, style, 0.0, MEASURE, node);
    for piece in all.iter_mut().flat_map(|line| line.pieces.iter_mut()) {
        piece.x = (MEASURE - piece.strip.width) / 2.0;
    }
    all
}

/// The table of facts: a label and a value a row.
fn facts(to: &mut Composition, receipt: &Receipt) {
    let section = to.section("Ce s-a înregistrat");
    let summary = "Datele înregistrării, câte un rând pentru fiecare".to_owned();
    let table = to.tags.plant(section, Role::Table { summary });
    let body = to.tags.plant(table, Role::TableBody);
    let register = &receipt.register;
    let place = format!(
        "{} – {}, poziția {} din anul {}",
        register.code, register.name, register.number, register.year
    );
    let number = match receipt.submission {
        0 => receipt.number.clone(),
        nth => format!("{} (completarea nr. {nth})", receipt.number),
    };
    let rows: [(&str, String, Style); 6] = [
        ("Număr de înregistrare", number, BODY_BOLD),
        (
            "Înregistrat la",
            wording::instant(receipt.registered_at),
            BODY_BOLD,
        ),
        ("Primit pe server la", wording::instant(receipt.received_at), BODY),
        ("Registru", place, BODY),
        (
            "Solicitant",
            receipt
                .applicant
                .clone()
                .unwrap_or_else(|| "nemenționat în mesaj".to_owned()),
            BODY,
        ),
        ("Adresa expeditorului", receipt.sender_address.clone(), BODY),
    ];
    for (label, value, style) in rows {
        fact(to, body, label, &value, style);
    }
    let subject = if receipt.subject.is_empty() {
        "(fără subiect)"
    } else {
        &receipt.subject
    };
    fact(to, body, "Subiect", subject, BODY);
    fact(to, body, "Tipul cererii", &receipt.request_type, BODY);
    for link in &receipt.links {
        fact(to, body, "Legătură", &link.text_ro, BODY);
    }
    let optional = [
        ("Data scrisă în mesaj", &receipt.message_date),
        ("Identificatorul mesajului", &receipt.message_id),
        ("Răspuns la mesajul", &receipt.in_reply_to),
    ];
    for (label, value) in optional {
        if let Some(value) = value {
            fact(to, body, label, value, BODY);
        }
    }
    fact(
        to,
        body,
        "Mărimea mesajului",
        &wording::octets(receipt.mail_size_bytes),
        BODY,
    );
    fact(
        to,
        body,
        "Amprenta SHA-256 a mesajului",
        &receipt.mail_sha256,
        FINGERPRINT,
    );
}

fn fact(to: &mut Composition, body: Node, label: &str, value: &str, style: Style) {
    let row = to.tags.plant(body, Role::TableRow);
    let header = to.tags.plant(row, Role::RowHeader);
    let cell = to.tags.plant(row, Role::Cell);
    let columns = vec![
        lines(label, LABEL, 0.0, LABELS - 8.0, header),
        lines(value, style, LABELS, MEASURE - LABELS, cell),
    ];
    to.blocks.push(
        Block::new(0.0, abreast(columns))
            .ground(Ground::Hairline)
            .cohesion(Cohesion::Whole),
    );
}

fn processing_day(to: &mut Composition, receipt: &Receipt) {
    let head = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let body = to.tags.plant(Tags::ROOT, Role::Paragraph);
    let width = MEASURE - 2.0 * FIELD_INDENT;
    let text = format!(
        "Ziua de lucru în care începe prelucrarea: {}",
        wording::day(receipt.processing_day)
    );
    let mut all = lines(&text, BODY_BOLD.inked(Ink::Navy), FIELD_INDENT, width, head);
    all.extend(lines(&receipt.processing_reason, BODY, FIELD_INDENT, width, body));
    to.blocks.push(
        Block::new(16.0, all)
            .ground(Ground::Field)
            .cohesion(Cohesion::Whole),
    );
}

fn verification(to: &mut Composition) {
    const STEPS: [&str; 4] = [
        "Păstrați fișierul PDF așa cum l-ați primit: semnătura electronică se află în el, nu pe o copie tipărită.",
        "Deschideți-l într-un program care arată semnăturile electronice (de exemplu Adobe Acrobat Reader). \
         Semnătura trebuie să fie a instituției, iar documentul, nemodificat de la semnare.",
        "Comparați amprentele SHA-256 din tabel cu ale fișierelor dumneavoastră. În Windows: certutil -hashfile \
         FIȘIER SHA256; în Linux: sha256sum FIȘIER; în macOS: shasum -a 256 FIȘIER.",
        "Sau faceți totul deodată, fără internet, cu programul public recipisa: recipisa verify RECIPISĂ.pdf \
         FIȘIERE. Programele găsesc datele recipisei în fișierul atașat recipisa.json.",
    ];
    let section = to.section("Cum verificați recipisa");
    let list = to.tags.plant(section, Role::List);
    for (index, step) in STEPS.iter().enumerate() {
        let item = to.tags.plant(list, Role::ListItem);
        let label = to.tags.plant(item, Role::ListLabel);
        let body = to.tags.plant(item, Role::ListBody);
        let columns = vec![
            lines(
                &format!("{}.", index + 1),
                BODY_BOLD.inked(Ink::Navy),
                0.0,
                16.0,
                label,
            ),
            lines(step, BODY, 16.0, MEASURE - 16.0, body),
        ];
        // The first steps stay with the heading and with each other; one alone at the foot looks lost.
        let cohesion = if index < 2 {
            Cohesion::WithNext
        } else {
            Cohesion::Whole
        };
        to.blocks
            .push(Block::new(3.0, abreast(columns)).cohesion(cohesion));
    }
}

fn contact(to: &mut Composition, receipt: &Receipt) {
    let section = to.section("Cui vă adresați");
    let office = &receipt.office;
    to.paragraph(
        section,
        &format!("{}, {}", office.name, office.address),
        BODY_BOLD,
        2.0,
    );
    to.paragraph(
        section,
        &format!("{} · Program: {}", office.contact, office.hours),
        BODY,
        0.0,
    );
    let text = format!(
        "Când scrieți sau telefonați, menționați numărul {}.",
        receipt.number
    );
    to.paragraph(section, &text, BODY, 0.0);
}

fn personal_data(to: &mut Composition, receipt: &Receipt) {
    let section = to.section("Datele dumneavoastră cu caracter personal");
    let text = format!(
        "{} prelucrează datele din mesaj numai pentru înregistrarea și soluționarea cererii, în temeiul art. 6 \
         alin. (1) lit. c) și e) din Regulamentul (UE) 2016/679, și le păstrează pe durata prevăzută de \
         nomenclatorul arhivistic. Aveți dreptul de a cere accesul la date, rectificarea, ștergerea sau \
         restricționarea prelucrării lor și dreptul la opoziție, în condițiile legii, scriind la {}. Puteți depune \
         plângere la Autoritatea Națională de Supraveghere a Prelucrării Datelor cu Caracter Personal \
         (www.dataprotection.ro).",
        receipt.agency.name, receipt.agency.email
    );
    to.paragraph(section, &text, SMALL, 2.0);
}

/// Width of one line of text in points.
pub(super) fn width_of(text: &str, style: Style) -> f32 {
    line(text, style).width
}
