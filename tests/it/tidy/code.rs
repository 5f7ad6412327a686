//! As much of Rust as the tidy test has to understand: what is code and what is comment or text, and which paths
//! begin at a given root. It expands no macros and follows no `use … as`.

use std::collections::BTreeSet;

/// Paths without their root, such as `store::archive::Archive`.
pub(super) type Paths = BTreeSet<String>;

/// The code of a file: comments and the insides of texts blanked, tests at its end cut off. Lines keep their places.
pub(super) fn code_of(text: &str) -> String {
    let code = without_comments_and_texts(text);
    let mut end = code.len();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let item = code[at + attribute.len()..].trim_start();
        let head = item.split(['{', ';']).next().unwrap_or_default();
        let is_module = head
            .trim_start_matches("pub")
            .trim_start_matches("(crate)")
            .trim()
            .starts_with("mod ");
        if is_module && item[head.len()..].starts_with('{') {
            end = at;
            break;
        }
    }
    code[..end].to_owned()
}

fn without_comments_and_texts(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        let length = comment(rest)
            .or_else(|| raw_text(rest, letters[..at].last().copied()))
            .or_else(|| quoted_text(rest))
            .or_else(|| quoted_letter(rest));
        match length {
            Some(length) => {
                code.extend(
                    rest[..length]
                        .iter()
                        .map(|&letter| if letter == '\n' { '\n' } else { ' ' }),
                );
                at += length;
            }
            None => {
                code.push(letters[at]);
                at += 1;
            }
        }
    }
    code
}

fn comment(rest: &[char]) -> Option<usize> {
    match rest {
        ['/', '/', ..] => Some(
            rest.iter()
                .position(|&letter| letter == '\n')
                .unwrap_or(rest.len()),
        ),
        ['/', '*', ..] => {
            let (mut depth, mut at) = (0, 0);
            while at < rest.len() {
                match &rest[at..] {
                    ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
                    ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            Some(at)
        }
        _ => None,
    }
}

fn raw_text(rest: &[char], before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|letter| letter.is_alphanumeric() && letter != 'b');
    if rest.first() != Some(&'r') || in_word {
        return None;
    }
    let signs = rest[1..].iter().take_while(|&&letter| letter == '#').count();
    if rest.get(1 + signs) != Some(&'"') {
        return None;
    }
    let mut end = vec!['"'];
    end.resize(1 + signs, '#');
    let inside = &rest[2 + signs..];
    let length = inside
        .windows(end.len())
        .position(|window| window == end)
        .map_or(inside.len(), |at| at + end.len());
    Some(2 + signs + length)
}

fn quoted_text(rest: &[char]) -> Option<usize> {
    if rest.first() != Some(&'"') {
        return None;
    }
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    Some((at + 1).min(rest.len()))
}

/// A character in quotes; a lifetime is none.
fn quoted_letter(rest: &[char]) -> Option<usize> {
    match rest {
        ['\'', '\\', _, tail @ ..] => tail.iter().position(|&letter| letter == '\'').map(|at| at + 4),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

/// Every path of the code that begins at `root`, groups in braces taken apart; the root alone gives an empty path
/// where it is renamed by `use root as other`.
pub(super) fn paths(code: &str, root: &str) -> Paths {
    let mut found = Paths::new();
    for (at, _) in code.match_indices(root) {
        let before = &code[..at];
        // `::name` of the 2018 edition is a crate; `other::name` is somebody else's.
        let outer = before.strip_suffix("::").unwrap_or(before);
        let is_inside = outer.ends_with(is_word)
            || outer.ends_with('.')
            || outer.len() < before.len() && outer.ends_with('>');
        if is_inside || before.ends_with('$') {
            continue;
        }
        let rest = &code[at + root.len()..];
        if rest.starts_with("::") {
            tree(rest, "", &mut found);
        } else if before.trim_end().ends_with("use") && !rest.starts_with(is_word) {
            found.insert(String::new());
        }
    }
    found
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Reads `::name…` or `::{…}` behind `prefix`, and returns what follows.
fn tree<'c>(rest: &'c str, prefix: &str, found: &mut Paths) -> &'c str {
    let Some(inner) = rest.strip_prefix("::").map(str::trim_start) else {
        found.insert(prefix.to_owned());
        return rest;
    };
    if let Some(group) = inner.strip_prefix('{') {
        let mut rest = group.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            // A branch begins without colons; they are put in mind by `branch`.
            rest = branch(rest, prefix, found);
            let skipped = rest.find([',', '}']).unwrap_or(rest.len());
            rest = rest[skipped..].trim_start_matches(',').trim_start();
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    branch(inner, prefix, found)
}

/// Reads `name…` behind `prefix`.
fn branch<'c>(rest: &'c str, prefix: &str, found: &mut Paths) -> &'c str {
    let length = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    let (name, after) = rest.split_at(length);
    if name.is_empty() || name == "self" {
        found.insert(prefix.to_owned());
        return after;
    }
    let path = if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}::{name}")
    };
    tree(after, &path, found)
}

#[test]
fn comments_and_texts_are_no_code() {
    let cases = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("a(\"b // \\\" c\") d", "a(           ) d"),
        ("r#\"a\"b\"# c", "         c"),
        ("for x", "for x"),
        ("'\"' a 'b a", "    a 'b a"),
        ("'\\'' a '\\u{41}'", "     a         "),
        ("a\n#[cfg(test)]\nmod tests;\nb", "a\n#[cfg(test)]\nmod tests;\nb"),
        ("a\n#[cfg(test)]\npub(crate) mod tests {\nb", "a\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(code_of(text), expected, "{text}");
    }
}

#[test]
fn paths_are_found_in_every_form() {
    let cases: [(&str, &[&str]); 8] = [
        ("use crate::a::b;", &["a::b"]),
        (
            "use crate::{\n    a::{b, c::D},\n    e,\n};",
            &["a::b", "a::c::D", "e"],
        ),
        ("use crate::a::{self, *};", &["a"]),
        ("x(crate::a::b::<C>(d))", &["a::b"]),
        ("impl crate::a::B for crate::c::D {}", &["a::B", "c::D"]),
        ("use crate as x;", &[""]),
        ("pub(crate) fn f() {} mycrate::a::b; x.crate::y; $crate::z", &[]),
        ("use ::crate::a;", &["a"]),
    ];
    for (code, expected) in cases {
        assert_eq!(
            paths(code, "crate")
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            expected,
            "{code}"
        );
    }
}
