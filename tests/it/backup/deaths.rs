//! A backup or a restore killed in its middle: what was there stays valid, and the same command heals.

use std::path::Path;

use recipisa::flow::failpoint;

use super::{back_up, copies, elsewhere, entries, files, post_and_register, run_with, text};
use crate::support::agency::Agency;
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, wait_until};

/// Runs a command until it reaches the point, and kills it there.
#[track_caller]
fn die_at(agency: &Agency, config: &Path, point: &str, args: &[&str]) {
    let mut all = args.to_vec();
    all.extend(["--config", text(config)]);
    let name = format!("{}-{}", args[0], point.replace([':', '.'], "-"));
    let env = [("RECIPISA_FAILPOINT", point)];
    let mut process = Process::recipisa(agency.path(), &name, &all, &env);
    let (reached, _) = point.split_once(':').unwrap();
    let wanted = format!("failpoint reached: {reached}");
    wait_until(point, PATIENCE, || {
        process.stderr().contains(&wanted).then_some(())
    });
    process.kill();
}

fn points(command: &str) -> Vec<&'static str> {
    let points: Vec<&str> = failpoint::SAFEKEEPING
        .into_iter()
        .filter(|point| point.starts_with(command))
        .collect();
    assert!(points.len() >= 2);
    points
}

#[test]
fn a_backup_killed_at_any_point_leaves_the_earlier_one_and_heals() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=3);
    let backup = agency.path().join("copie");
    back_up(&agency, &backup);
    let mut ordinal = 3;
    for point in points("backup.") {
        for nth in 1..=2 {
            if nth == 2 && point != "backup.file-copied" {
                continue;
            }
            ordinal += 1;
            post_and_register(&agency, ordinal..=ordinal);
            let before = copies(&backup);
            die_at(
                &agency,
                &agency.config(),
                &format!("{point}:{nth}"),
                &["backup", text(&backup)],
            );
            let after = copies(&backup);
            let published = usize::from(point == "backup.published");
            assert_eq!(after.len(), before.len() + published, "{point}");
            let whole = agency.run(&["fsck", text(&backup)]).ended_with(0).out;
            assert!(whole.contains(" 0 errors"), "{point}: {whole}");
            back_up(&agency, &backup);
            let healed = agency.run(&["fsck", text(&backup)]).ended_with(0).out;
            assert!(healed.contains("0 errors, 0 notes"), "{point}: {healed}");
            let databases = files(&backup.join("databases"));
            assert_eq!(
                databases.len(),
                2 * copies(&backup).len(),
                "{point}: {databases:?}"
            );
        }
    }
    let config = elsewhere(&agency, "back");
    run_with(&config, &["restore", text(&backup)]).ended_with(0);
    assert_eq!(entries(&config), entries(&agency.config()));
}

#[test]
fn a_restore_killed_at_any_point_is_no_registry_and_goes_on() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=3);
    let backup = agency.path().join("copie");
    back_up(&agency, &backup);
    for (index, point) in points("restore.").into_iter().enumerate() {
        let into = format!("back{index}");
        let config = elsewhere(&agency, &into);
        die_at(
            &agency,
            &config,
            &format!("{point}:1"),
            &["restore", text(&backup)],
        );
        assert!(!agency.path().join(&into).join("recipisa.db").exists());
        // An empty registry begun there would give all numbers again.
        for command in ["once", "check", "entries"] {
            let refused = run_with(&config, &[command]).ended_with(1);
            let said = [refused.out, refused.err].concat();
            assert!(
                said.contains("a restore into") && said.contains("was broken off"),
                "{command}: {said}"
            );
        }
        run_with(&config, &["restore", text(&backup)]).ended_with(0);
        let whole = run_with(&config, &["fsck"]).ended_with(0).out;
        assert!(whole.contains("0 errors, 0 notes"), "{whole}");
        assert_eq!(entries(&config), entries(&agency.config()));
    }
}
