//! The digest as a mail's two bodies, filled into the templates `config/texts/ro/digest.{txt,html}`.

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::facts::Facts;
use super::sections::page;

const TEXT: &str = include_str!("../../config/texts/ro/digest.txt");
const HTML: &str = include_str!("../../config/texts/ro/digest.html");

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    environment
        .add_template("digest.txt", TEXT)
        .expect("the embedded template is tested");
    environment
        .add_template("digest.html", HTML)
        .expect("the embedded template is tested");
    environment
});

/// Plain text.
pub(super) fn text(facts: &Facts) -> String {
    filled("digest.txt", facts)
}

/// HTML.
pub(super) fn html(facts: &Facts) -> String {
    filled("digest.html", facts)
}

fn filled(name: &str, facts: &Facts) -> String {
    TEMPLATES
        .get_template(name)
        .and_then(|template| template.render(page(facts)))
        .expect(
            "every member of the page is always there, and a test renders all that the templates can ask for",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A template that names what the page does not have would fail only on the day that needs it.
    #[test]
    fn the_templates_name_only_what_the_page_has() {
        let page = serde_json::to_value(page(&super::super::specimen::everything_wrong())).unwrap();
        for name in ["digest.txt", "digest.html"] {
            let template = TEMPLATES.get_template(name).unwrap();
            let mut asked: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            asked.sort();
            let mut given: Vec<String> = page.as_object().unwrap().keys().cloned().collect();
            given.sort();
            assert_eq!(asked, given, "{name}");
        }
    }
}
