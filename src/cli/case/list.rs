//! `case list` and `agenda`: the open cases, and what the next days hold.

use std::path::PathBuf;

use jiff::civil::Date;
use serde_json::json;

use crate::calendar::hours::ZONE;
use crate::calendar::wording::weekday_ro;
use crate::casework::Consent;
use crate::cli::case::object;
use crate::cli::{Failure, open, text};
use crate::daemon::House;
use crate::followup::agenda::{Item, items};
use crate::store::{OpenCase, Store};

#[derive(clap::Args)]
pub(super) struct Options {
    /// Only the cases of this office.
    #[arg(long, value_name = "ID")]
    office: Option<String>,
    /// Only the cases in this state.
    #[arg(long, value_parser = ["open", "awaiting-citizen", "decided", "invited"])]
    state: Option<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(in crate::cli) struct AgendaOptions {
    /// How many days to look ahead, today not counted.
    #[arg(long, value_name = "N", default_value_t = 7)]
    days: u16,
    /// Only the cases of this office.
    #[arg(long, value_name = "ID")]
    office: Option<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Lists the open cases.
pub(super) fn main(house: &House, options: &Options) -> Result<(), Failure> {
    open::known_office(house, options.office.as_deref())?;
    let spelling = house.settings.spelling();
    let mut rows = Vec::new();
    house.store.cases_open_each(&mut |OpenCase { case, .. }| {
        let state = case.state();
        if options
            .office
            .as_ref()
            .is_some_and(|office| *office != case.office)
            || options
                .state
                .as_ref()
                .is_some_and(|wanted| wanted != state.as_str())
        {
            return;
        }
        if options.json {
            return text::line(&object::brief(&case, spelling).to_string());
        }
        let consent = match &case.consent {
            Consent::Found(_) => "found",
            Consent::Missing => "MISSING",
            Consent::NotAsked => "–",
        };
        rows.push(vec![
            case.number.spelled(spelling),
            case.office.clone(),
            case.applicant.clone().unwrap_or_default(),
            case.request_type.clone(),
            case.due_on.strftime("%d.%m.%Y").to_string(),
            consent.to_owned(),
            format!("{} ({})", state.as_str(), state.clerk_ro()),
        ]);
    })?;
    if !options.json {
        let head = ["number", "office", "applicant", "type", "due", "consent", "state"];
        text::table(&head, &rows, 60);
    }
    Ok(())
}

/// Prints what the next days hold.
pub(in crate::cli) fn agenda(config: Option<PathBuf>, options: &AgendaOptions) -> Result<(), Failure> {
    let house = open::house(config)?;
    open::known_office(&house, options.office.as_deref())?;
    let today = house.clock.now().to_zoned(ZONE).date();
    let policy = &house.settings.cases.policy;
    let mut found: Vec<(Item, OpenCase)> = Vec::new();
    house.store.cases_open_each(&mut |open| {
        if options
            .office
            .as_ref()
            .is_some_and(|office| *office != open.case.office)
        {
            return;
        }
        let mine = items(
            &open.case,
            &open.planned,
            today,
            options.days,
            policy,
            &house.settings.calendar,
        );
        found.extend(mine.into_iter().map(|item| (item, open.clone())));
    })?;
    found.sort_by_key(|(item, _)| (item.on, item.at));
    if options.json {
        for (item, open) in &found {
            text::line(&object_of(item, open, &house).to_string());
        }
        return Ok(());
    }
    print(&found, today, &house);
    Ok(())
}

fn object_of(item: &Item, open: &OpenCase, house: &House) -> serde_json::Value {
    json!({
        "schema": 1, "kind": "agenda", "on": item.on.to_string(), "at": item.at.map(|at| at.to_string()),
        "what": item.what.as_str(), "number": open.case.number.spelled(house.settings.spelling()),
        "office": open.case.office, "applicant": open.case.applicant,
    })
}

fn print(found: &[(Item, OpenCase)], today: Date, house: &House) {
    if found.is_empty() {
        return text::line("nothing is due in these days");
    }
    let mut day = None;
    for (item, open) in found {
        if day != Some(item.on) {
            day = Some(item.on);
            let note = if item.on == today { " (azi)" } else { "" };
            text::line(&format!(
                "{}, {}{note}",
                weekday_ro(item.on.weekday()),
                item.on.strftime("%d.%m.%Y")
            ));
        }
        let hour = item.at.map_or_else(
            || "     ".to_owned(),
            |at| at.to_zoned(ZONE).strftime("%H:%M").to_string(),
        );
        text::line(&format!(
            "  {hour}  {:<18} {}  {}",
            open.case.number.spelled(house.settings.spelling()),
            item.what.clerk_ro(),
            open.case.applicant.as_deref().unwrap_or_default()
        ));
    }
}

/// All states but the closed one can be asked for.
#[cfg(test)]
mod tests {
    use crate::casework::State;

    #[test]
    fn the_command_line_knows_every_open_state() {
        let open: Vec<&str> = State::ALL
            .into_iter()
            .filter(|state| *state != State::Closed)
            .map(State::as_str)
            .collect();
        assert_eq!(open, ["open", "awaiting-citizen", "decided", "invited"]);
    }
}
