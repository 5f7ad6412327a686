//! Lines of a report: ok, warning or error, each with what to do; for people, or as JSON.

use serde_json::json;

use crate::cli::text;

/// How the lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// One object a line, schema 1: `level`, `what`, `said`, `remedy`.
    Json,
}

impl Form {
    /// What `--json` asks for.
    pub(super) fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Prints each line at once, and remembers whether one was an error.
pub(super) struct Report {
    form: Form,
    errors: usize,
}

impl Report {
    pub(super) fn new(form: Form) -> Self {
        Self { form, errors: 0 }
    }

    pub(super) fn is_well(&self) -> bool {
        self.errors == 0
    }

    pub(super) fn ok(&self, what: &str, said: &str) {
        self.line("ok", what, said, None);
    }

    pub(super) fn warning(&self, what: &str, said: &str, remedy: &str) {
        self.line("warning", what, said, Some(remedy));
    }

    pub(super) fn error(&mut self, what: &str, said: &str, remedy: &str) {
        self.errors += 1;
        self.line("error", what, said, Some(remedy));
    }

    fn line(&self, level: &str, what: &str, said: &str, remedy: Option<&str>) {
        match self.form {
            Form::Text => {
                // What is wrong must be found at a glance.
                let level = if level == "error" { "ERROR" } else { level };
                text::line(&format!("{level:<8} {what:<14} {said}"));
                if let Some(remedy) = remedy {
                    text::line(&format!("{:24}{remedy}", ""));
                }
            }
            Form::Json => {
                let object = json!({
                    "schema": 1, "level": level, "what": what, "said": said, "remedy": remedy,
                });
                text::line(&object.to_string());
            }
        }
    }
}
