//! SIGHUP: the configuration is read again while the work goes on, and used only when all of it is sound.
//!
//! A faulty file keeps the settings as they are, and every problem is logged. The storage folder and the codes of the
//! registers cannot change while running: numbers are bound to both.

use tracing::{error, info};

use crate::config::{Problem, Settings};
use crate::daemon::logging::scrubbed;
use crate::daemon::{StartError, signer};
use crate::flow::with_causes;

/// Reads the configuration anew.
pub type Reread<'a> = dyn Fn() -> Result<Settings, Vec<Problem>> + Sync + 'a;

/// The new settings when they may be used; otherwise everything that speaks against them is logged.
pub(super) fn read(reread: &Reread<'_>, old: &Settings) -> Option<Settings> {
    let new = match reread() {
        Ok(new) => new,
        Err(problems) => {
            for problem in &problems {
                tell_problem(problem);
            }
            return refused(problems.len());
        }
    };
    let mut against = obstacles(old, &new);
    // The key is tried before anything is stopped for it.
    against.extend(signer(&new).err().map(|error: StartError| with_causes(&error)));
    for why in &against {
        error!(why = scrubbed(why), "the new settings cannot be used");
    }
    if against.is_empty() {
        Some(new)
    } else {
        refused(against.len())
    }
}

fn refused(problems: usize) -> Option<Settings> {
    error!(
        problems,
        "the settings stay as they were; mend the file and send SIGHUP again"
    );
    None
}

fn tell_problem(problem: &Problem) {
    error!(
        file = %problem.file.display(),
        line = problem.line,
        key = problem.key,
        why = scrubbed(&problem.why),
        hint = scrubbed(&problem.hint),
        "a problem in the configuration"
    );
}

/// What cannot change while the program runs.
fn obstacles(old: &Settings, new: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    if old.storage_dir != new.storage_dir {
        found.push(format!(
            "`dir` under [storage] cannot change while recipisa runs (it works in {}); stop it, move the folder, start it",
            old.storage_dir.display()
        ));
    }
    for register in &old.registers {
        if !new.registers.iter().any(|one| one.code == register.code) {
            found.push(format!(
                "the register {} is in use and cannot go or change its code",
                register.code
            ));
        }
    }
    found
}

/// What has come and gone, for the log.
pub(super) fn tell_change(old: &Settings, new: &Settings) {
    let names = |settings: &Settings| -> Vec<String> {
        settings.sources.iter().map(|one| one.name.clone()).collect()
    };
    let (before, after) = (names(old), names(new));
    let without = |some: &[String], others: &[String]| {
        let rest = some.iter().filter(|name| !others.contains(name));
        rest.map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    info!(
        sources = after.len(),
        added = without(&after, &before),
        removed = without(&before, &after),
        "the new settings hold"
    );
}

/// Whether a source goes, so that what it gave has to be decided first.
pub(super) fn loses_a_source(old: &Settings, new: &Settings) -> bool {
    old.sources
        .iter()
        .any(|source| !new.sources.iter().any(|one| one.name == source.name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Register;

    /// Those of the demonstration.
    fn settings() -> Settings {
        let dir = tempfile::tempdir().unwrap();
        let password = dir.path().join("seal.password");
        std::fs::write(&password, "parola").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = include_str!("../cli/demo.toml");
        Settings::read(&dir.path().join("recipisa.toml"), text, None)
            .unwrap_or_else(|said| panic!("{said:?}"))
    }

    #[test]
    fn storage_and_registers_stay() {
        let old = settings();
        assert_eq!(obstacles(&old, &old), Vec::<String>::new());
        let mut new = old.clone();
        new.registers.push(Register {
            code: "NOU".into(),
            name: "Registru nou".into(),
        });
        assert_eq!(obstacles(&old, &new), Vec::<String>::new(), "one more is well");
        assert_eq!(obstacles(&new, &old).len(), 1);
        new.registers[0].code = "ALT".into();
        new.storage_dir = "/elsewhere".into();
        let against = obstacles(&old, &new);
        assert_eq!(against.len(), 2, "{against:?}");
        assert!(against[0].contains("[storage]") && against[1].contains(&old.registers[0].code));
    }

    #[test]
    fn a_source_that_goes_is_noticed() {
        let old = settings();
        let mut new = old.clone();
        assert!(!loses_a_source(&old, &new));
        new.sources[0].name = "altul".into();
        assert!(loses_a_source(&old, &new) && loses_a_source(&new, &old));
    }
}
