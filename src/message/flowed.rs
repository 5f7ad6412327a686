//! Text that wraps by itself (`format=flowed`, RFC 3676): lines that belong together are joined again.

/// The text with its soft line ends taken out. `delsp`: the space before a soft end was put there too (§4.5).
pub(super) fn joined(text: &str, delsp: DeleteSpace) -> String {
    let mut out = String::with_capacity(text.len());
    // How deep the line before is quoted, where it goes on.
    let mut open: Option<usize> = None;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        // The line above a signature is fixed, whatever its last space says (§4.3).
        let is_signature = content == "-- ";
        if open.take_if(|open| *open != depth || is_signature).is_some() {
            out.push('\n');
        }
        if open.is_none() && depth > 0 {
            out.extend(std::iter::repeat_n('>', depth));
            out.push(' ');
        }
        if content.ends_with(' ') && !is_signature {
            let kept = match delsp {
                DeleteSpace::Yes => content.len() - 1,
                DeleteSpace::No => content.len(),
            };
            out.push_str(&content[..kept]);
            open = Some(depth);
        } else {
            out.push_str(content);
            out.push('\n');
            open = None;
        }
    }
    out
}

/// The parameter `delsp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeleteSpace {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_lines_are_joined_and_others_stay() {
        let text = "Vă rog să-mi \r\neliberați \r\no adeverință.\r\n\r\n> citat \r\n> mai lung\r\n>> altul \r\n> fix\r\n \
                    >nu citat\r\n-- \r\nAna \r\n";
        assert_eq!(
            joined(text, DeleteSpace::No).trim_end(),
            "Vă rog să-mi eliberați o adeverință.\n\n> citat mai lung\n>> altul \n> fix\n>nu citat\n-- \nAna"
        );
        assert_eq!(joined("ade \nverință", DeleteSpace::Yes).trim_end(), "adeverință");
    }
}
