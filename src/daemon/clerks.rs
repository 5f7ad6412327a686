//! What clerks are served with: acts on cases, digests and who gets them, the place where citizens come, the blank consent.

use std::fs;

use jiff::civil::Date;

use crate::config::{self, Settings, Source};
use crate::daemon::{House, StartError};
use crate::digest::{Facts, Period};
use crate::flow::OfficeTimes;
use crate::flow::desk::{self, DeskError, Done, Mode, Wish};
use crate::flow::issue::Form;
use crate::flow::report::{self, Bureau, Mailing};
use crate::registry::Number;
use crate::store::{Store, StoreError};

/// The form that comes with the program.
const CONSENT_FORM: &[u8] = include_bytes!("../../config/forms/acord.pdf");

impl House {
    /// What a clerk does to a case, or would do, at the time of the house's clock.
    ///
    /// # Errors
    /// The case does not allow it, or storage failed.
    pub fn desk(&self, number: &Number, wish: Wish, actor: &str, mode: Mode) -> Result<Done, DeskError> {
        let now = || self.clock.now();
        let rules = desk::Rules {
            times: &self.times,
            cases: &self.settings.cases.policy,
            limits: &self.settings.limits,
        };
        desk::act(self.for_steps(&now, &|| false), rules, number, wish, actor, mode)
    }

    /// What the digest of a period says, for an office or for all.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn digest(&self, office: Option<&str>, period: Period, today: Date) -> Result<Facts, StoreError> {
        let now = || self.clock.now();
        report::facts(
            self.for_steps(&now, &|| false),
            &self.bureau,
            office,
            period,
            today,
            None,
        )
    }

    /// Where citizens come for a case, unless a clerk says otherwise: the office's name and address.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn place_of(&self, number: &Number) -> Result<String, StoreError> {
        let office = self.store.case(number)?.map(|record| record.case.office);
        let known = self
            .settings
            .offices
            .iter()
            .find(|one| Some(&one.id) == office.as_ref());
        Ok(known.map_or_else(String::new, |one| format!("{}, {}", one.name, one.address)))
    }
}

/// The blank consent: the agency's own, or the one that comes with the program.
///
/// # Errors
/// The agency's file cannot be read or is no PDF.
pub fn consent_form(settings: &Settings) -> Result<Form, StartError> {
    let bytes = match &settings.cases.consent_form {
        None => CONSENT_FORM.to_vec(),
        Some(path) => fs::read(path).map_err(|source| StartError::Form {
            path: path.clone(),
            source,
        })?,
    };
    if let Some(path) = &settings.cases.consent_form
        && !bytes.starts_with(b"%PDF-")
    {
        return Err(StartError::FormKind { path: path.clone() });
    }
    let name = settings
        .cases
        .consent_form
        .as_ref()
        .and_then(|path| path.file_name());
    Ok(Form {
        name: name.map_or_else(
            || "acord.pdf".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        ),
        bytes,
    })
}

/// What digests are told with.
pub(super) fn bureau(settings: &Settings, times: &OfficeTimes) -> Bureau {
    let names = |office: &config::Office| (office.id.clone(), office.name.clone());
    let offices = |source: &Source| (source.name.clone(), source.office.clone());
    let mailboxes = |source: &Source| (source.name.clone(), (source.address.clone(), source.alarm_after));
    Bureau {
        agency: settings.agency.name.clone(),
        office_names: settings.offices.iter().map(names).collect(),
        offices: settings.sources.iter().map(offices).collect(),
        mailboxes: settings.sources.iter().map(mailboxes).collect(),
        request_types: settings.request_types.clone(),
        spelling: settings.spelling(),
        times: times.clone(),
        cases: settings.cases.policy.clone(),
    }
}

/// Who gets digests and when.
pub(super) fn mailing(settings: &Settings) -> Option<Mailing> {
    let digest = settings.digest.as_ref()?;
    let mut to = digest.by_office.clone();
    if !digest.to.is_empty() {
        to.insert(String::new(), digest.to.clone());
    }
    Some(Mailing {
        schedule: digest.schedule.clone(),
        from: digest.from.clone(),
        to,
    })
}
