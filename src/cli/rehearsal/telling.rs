//! How a rehearsal is told: for people on the evening before, and as JSON.

use serde_json::{Value, json};

use super::{Ends, Letter, Play, Scene};
use crate::cli::inspect::lines_of;
use crate::cli::json::{self as shapes, MailFacts};
use crate::cli::text;
use crate::config::Source;
use crate::mailbox::Sighting;
use crate::outbox;
use crate::registry::{self, Link, Linked, RequestType, Spelling};
use crate::screening::{Outcome, Reason};

impl Play<'_> {
    pub(super) fn prologue(&self) {
        if self.as_json {
            return;
        }
        let Source { name, address, .. } = self.stage.source;
        text::line(&format!(
            "Rehearsal of the mailbox {name} ({address}): nothing is registered, sent, moved or marked."
        ));
        let registry = match &self.stage.store {
            Some(_) => format!("{} of them are in the registry already", self.known),
            None => "there is no registry yet".to_owned(),
        };
        text::line(&format!("Messages that lie there: {}; {registry}.", self.shown));
        if let Some(start) = self.stage.source.start {
            text::line(&format!(
                "{} came before {} and would only be noted: no number, no answer.",
                self.before_start,
                text::instant(start)
            ));
        }
        if self.left_out > 0 {
            text::line(&format!("{} older ones are left out by --limit.", self.left_out));
        }
    }

    pub(super) fn lines(&self, scene: &Scene, ends: &Ends) -> Vec<String> {
        let unknown = registry::Summary::default();
        let summary = scene
            .decided
            .as_ref()
            .map_or(&unknown, |decided| &decided.summary);
        let sender = match (&summary.sender_name, &summary.sender_address) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (None, Some(address)) => address.clone(),
            (_, None) => "without a sender".to_owned(),
        };
        let visible = |text: &str| crate::receipt::wording::visible(text).to_string();
        let mut lines = vec![
            String::new(),
            format!("{}  {}", text::instant(scene.received_at), visible(&sender)),
            format!("    \"{}\"", visible(&summary.subject)),
            format!(
                "    → {} ({}){}",
                ends.reason.outcome().as_str(),
                ends.reason.as_str(),
                self.place(scene, ends)
            ),
        ];
        if matches!(ends.reason, Reason::Duplicate | Reason::SameMessage) {
            return lines;
        }
        if let Some((decided, _)) = ends.draft(scene) {
            let spelling = self.stage.settings.spelling();
            lines.extend(decided.links.iter().map(|link| proposed(link, spelling)));
        }
        lines.push(match &ends.letter {
            Letter::Goes { kind, to } => format!("    letter: {} to {}", kind_of(*kind), visible(to)),
            Letter::None(why) => format!("    no letter: {why}"),
        });
        if let Some(decided) = &scene.decided {
            lines.extend(decided.files.iter().flat_map(lines_of));
        }
        lines
    }

    /// Where a registered mail goes; of the others, why they are none.
    fn place(&self, scene: &Scene, ends: &Ends) -> String {
        let Some((decided, draft)) = ends.draft(scene) else {
            return format!(": {}", ends.reason.clerk_ro());
        };
        let settings = self.stage.settings;
        match &decided.joins {
            Some(number) => format!(": completes the case {}", number.spelled(settings.spelling())),
            None => format!(
                ": the next number of {}, {}; taken up on {}",
                draft.register,
                type_of(&settings.request_types, &draft.request_type),
                draft.processing_day.strftime("%d.%m.%Y")
            ),
        }
    }

    pub(super) fn object(&self, scene: &Scene, ends: &Ends) -> Value {
        let unknown = registry::Summary::default();
        let decided = scene.decided.as_ref();
        let draft = ends.draft(scene);
        let mut object = shapes::mail(
            ("path", json!(place_of(&scene.sighting))),
            &MailFacts {
                outcome: decided.map(|one| one.outcome),
                reason: decided.map(|one| one.reason),
                replies: matches!(ends.letter, Letter::Goes { .. }),
                number: None,
                summary: decided.map_or(&unknown, |one| &one.summary),
                files: decided.map_or(&[], |one| &one.files),
            },
        );
        object["outcome"] = ends.reason.outcome().as_str().into();
        object["reason"] = ends.reason.as_str().into();
        object["source"] = scene.sighting.source.0.as_str().into();
        object["received_at"] = scene.received_at.to_string().into();
        object["request_type"] = draft.map(|(_, draft)| draft.request_type.as_str()).into();
        object["processing_day"] = draft.map(|(_, draft)| draft.processing_day.to_string()).into();
        let joins = draft.and_then(|(decided, _)| decided.joins.as_ref());
        object["joins"] = joins
            .map(|number| number.spelled(self.stage.settings.spelling()))
            .into();
        (object["letter"], object["no_letter"]) = match &ends.letter {
            Letter::Goes { kind, to } => (json!({"kind": kind.as_str(), "to": to}), Value::Null),
            Letter::None(why) => (Value::Null, json!(why)),
        };
        object
    }

    /// A mail from before the start, of which not even the header is fetched.
    pub(super) fn early(&self, sighting: &Sighting) -> Value {
        let facts = MailFacts {
            outcome: None,
            reason: None,
            replies: false,
            number: None,
            summary: &registry::Summary::default(),
            files: &[],
        };
        let mut object = shapes::mail(("path", json!(place_of(sighting))), &facts);
        let reason = Reason::BeforeStart;
        (object["outcome"], object["reason"]) = (reason.outcome().as_str().into(), reason.as_str().into());
        object["source"] = sighting.source.0.as_str().into();
        object["received_at"] = sighting.received_at.map(|at| at.to_string()).into();
        for member in ["request_type", "processing_day", "joins", "letter"] {
            object[member] = Value::Null;
        }
        object["no_letter"] = "it came before `start`".into();
        object
    }

    pub(super) fn epilogue(&self) {
        if self.as_json {
            let outcomes = self.outcomes.iter().map(
                |((outcome, reason), count)| json!({"outcome": outcome, "reason": reason, "count": count}),
            );
            let object = json!({
                "schema": shapes::SCHEMA, "kind": "summary", "source": self.stage.source.name, "shown": self.shown,
                "known": self.known, "before_start": self.before_start, "left_out": self.left_out,
                "vanished": self.vanished, "outcomes": outcomes.collect::<Vec<_>>(), "letters": self.letters,
                "refused_files": self.refused_files,
            });
            return text::line(&object.to_string());
        }
        text::line("");
        text::line("In all:");
        for ((outcome, reason), count) in &self.outcomes {
            text::line(&format!("    {count:>6}  {outcome} ({reason})"));
        }
        if self.outcomes.is_empty() {
            text::line("    nothing new lies there");
        }
        let vanished = match self.vanished {
            0 => String::new(),
            count => format!("; {count} vanished, or gave no bytes, while they were looked at"),
        };
        text::line(&format!(
            "{} would go out; {} of registered mails would be refused{vanished}.",
            counted(self.letters, "letter"),
            counted(self.refused_files, "file")
        ));
        if self
            .outcomes
            .keys()
            .any(|(outcome, _)| *outcome == Outcome::Held.as_str())
        {
            text::line("Held mails would wait for a person: `recipisa held` lists them then.");
        }
    }
}

/// A link that would be proposed.
fn proposed(link: &Link, spelling: Spelling) -> String {
    let earlier = match &link.earlier {
        Linked::Entry(number) => number.spelled(spelling),
        Linked::Mail(id) => format!("the mail {id}"),
    };
    format!("    link proposed to {earlier} ({})", link.why.as_str())
}

/// What the letter is, for an operator.
fn kind_of(kind: outbox::Kind) -> &'static str {
    match kind {
        outbox::Kind::TooLarge => "that the mail is too large, and what to do,",
        outbox::Kind::Encrypted => "that the mail cannot be read, and what to do,",
        outbox::Kind::Notice => "a few lines with the number, in the place of the receipt,",
        outbox::Kind::Receipt => "a signed receipt",
        outbox::Kind::ClarificationRequest
        | outbox::Kind::ClarificationReminder
        | outbox::Kind::PickupInvitation
        | outbox::Kind::PickupReminder
        | outbox::Kind::Digest
        | outbox::Kind::ReadReport => kind.as_str(),
    }
}

fn place_of(sighting: &Sighting) -> String {
    format!("{}:{}", sighting.source, sighting.key.0)
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn type_of(types: &[RequestType], id: &str) -> String {
    match types.iter().find(|one| one.id == id) {
        Some(found) => format!("\"{}\"", found.name),
        None => "of no known type".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{LinkWhy, Number};

    #[test]
    fn a_proposed_link_is_told_with_its_cause() {
        let number = Number::parse("CJ-12/20.11.2026", None).unwrap();
        let link = |earlier| Link {
            earlier,
            why: LinkWhy::Files,
            told: true,
        };
        assert_eq!(
            proposed(&link(Linked::Entry(number)), Spelling::Plain),
            "    link proposed to 12/20.11.2026 (files)"
        );
        assert_eq!(
            proposed(&link(Linked::Mail(7)), Spelling::Plain),
            "    link proposed to the mail 7 (files)"
        );
    }
}
