//! Spoils bytes as lines, disks, gateways and attackers do, the same way for the same seed: bits turned, ends cut off,
//! spans and lines lost, doubled or exchanged, pieces of another file or of a mail's machinery put in.

use super::dice::Dice;

/// What parsers stumble over.
const PIECES: &[&[u8]] = &[
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xFF\xFE",
    b"--",
    b"--\r\n",
    b"\"",
    b"=?utf-8?B?",
    b"=?utf-8?Q?=C8",
    b"?=",
    b"=\r\n",
    b"<>",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: multipart/mixed; boundary=\"\"\r\n",
    b"Content-Type: multipart/digest; boundary=-\r\n",
    b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*0*=UTF-8''%C8; filename*2=\"\r\n",
    b"Content-Type: text/plain; charset=utf-16; format=flowed\r\n",
];

/// A spoiled copy of `bytes`; `other` lends pieces.
pub(crate) fn mangled(bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        if out.is_empty() {
            return out;
        }
        match dice.below(9) {
            0 => turn_bits(&mut out, dice),
            1 => out.truncate(dice.below(out.len())),
            2 => {
                let span = span(out.len(), dice);
                out.drain(span);
            }
            3 => {
                let copy = out[span(out.len(), dice)].to_vec();
                insert(&mut out, &copy, dice);
            }
            4 => {
                let moved: Vec<u8> = out.drain(span(bytes.len().min(out.len()), dice)).collect();
                insert(&mut out, &moved, dice);
            }
            5 => lines(&mut out, dice),
            6 => insert(&mut out, PIECES[dice.below(PIECES.len())], dice),
            7 if !other.is_empty() => insert(&mut out, &other[span(other.len(), dice)], dice),
            _ => {
                let at = dice.below(out.len());
                out[at] = u8::try_from(dice.below(256)).expect("a byte");
            }
        }
    }
    out
}

fn turn_bits(out: &mut [u8], dice: &mut Dice) {
    for _ in 0..=dice.below(20) {
        let at = dice.below(out.len());
        out[at] ^= 1 << dice.below(8);
    }
}

/// Mostly short, sometimes most of it.
fn span(length: usize, dice: &mut Dice) -> std::ops::Range<usize> {
    let reach = match dice.below(3) {
        0 => 16,
        1 => 1_000,
        _ => length,
    };
    let start = dice.below(length);
    let most = (length - start).min(reach);
    start..start + 1 + dice.below(most.max(1)).min(most.saturating_sub(1))
}

fn insert(out: &mut Vec<u8>, piece: &[u8], dice: &mut Dice) {
    let at = dice.below(out.len() + 1);
    out.splice(at..at, piece.iter().copied());
}

/// Loses, doubles or exchanges lines near each other.
fn lines(out: &mut Vec<u8>, dice: &mut Dice) {
    let mut all: Vec<&[u8]> = out.split_inclusive(|byte| *byte == b'\n').collect();
    // The header and the heads of parts matter more than the middle of a file.
    let from = dice.below(all.len().min(60));
    let to = dice.below(all.len());
    match dice.below(3) {
        0 => drop(all.remove(from)),
        1 => all.insert(to, all[from]),
        _ => all.swap(from, to),
    }
    *out = all.concat();
}
