//! What is wrong with the texts of the letters: a name that a text uses and nobody gives, or that is given in vain.
//!
//! A letter that names a value which nobody gives would fail only when the first citizen is waiting for it.

use std::collections::BTreeSet;

use minijinja::Environment;

use super::letter::Template;

/// Something wrong with the text of a letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{template} cannot be read: {why}")]
    Broken { template: &'static str, why: String },
    #[error("{template} names `{name}`, and the letter does not give it")]
    Missing { template: &'static str, name: String },
    #[error("the letter of {template} gives `{name}`, and no text of it uses it")]
    Unused {
        template: &'static str,
        name: &'static str,
    },
}

/// The faults of these templates; those that are given the same names are the texts of one letter.
pub fn faults(templates: &[Template]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut texts: Vec<(Template, BTreeSet<String>)> = Vec::new();
    for template in templates {
        match used(template) {
            Ok(used) => texts.push((*template, used)),
            Err(error) => faults.push(Fault::Broken {
                template: template.name,
                why: error.to_string(),
            }),
        }
    }
    for (template, used) in &texts {
        let missing = used
            .iter()
            .filter(|name| !template.given.iter().any(|given| is_within(given, name)));
        faults.extend(missing.map(|name| Fault::Missing {
            template: template.name,
            name: name.clone(),
        }));
    }
    for (index, (template, _)) in texts.iter().enumerate() {
        let is_first = !texts[..index]
            .iter()
            .any(|(other, _)| other.given == template.given);
        let of_letter: Vec<&BTreeSet<String>> = texts
            .iter()
            .filter(|(other, _)| is_first && other.given == template.given)
            .map(|(_, used)| used)
            .collect();
        let unused = template.given.iter().filter(|given| {
            is_first
                && !of_letter
                    .iter()
                    .any(|used| used.iter().any(|name| is_within(given, name)))
        });
        faults.extend(unused.map(|name| Fault::Unused {
            template: template.name,
            name,
        }));
    }
    faults
}

fn used(template: &Template) -> Result<BTreeSet<String>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.add_template(template.name, template.source)?;
    let found = environment
        .get_template(template.name)?
        .undeclared_variables(true);
    Ok(found.into_iter().collect())
}

/// Whether the given name is the used one or lies inside it: `agency` uses `agency.name`.
fn is_within(given: &str, used: &str) -> bool {
    given
        .strip_prefix(used)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_texts_are_well() {
        let templates: Vec<Template> = crate::outbox::templates().collect();
        assert!(templates.len() >= 6);
        assert_eq!(faults(&templates), []);
    }

    #[test]
    fn each_fault_is_told_as_what_it_is() {
        const GIVEN: &[&str] = &["agency.name", "number", "forgotten"];
        let template = |name, source| Template {
            name,
            source,
            given: GIVEN,
        };
        let found = faults(&[
            template("a.txt", "{{ number }} {{ agency.nmae }}"),
            template("a.html", "{{ agency.name }}"),
            template("b.txt", "{% if %}"),
        ]);
        assert!(matches!(
            &found[0],
            Fault::Broken {
                template: "b.txt",
                ..
            }
        ));
        assert_eq!(
            found[1..],
            [
                Fault::Missing {
                    template: "a.txt",
                    name: "agency.nmae".into()
                },
                Fault::Unused {
                    template: "a.txt",
                    name: "forgotten"
                },
            ]
        );
    }
}
