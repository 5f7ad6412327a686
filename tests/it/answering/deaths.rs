//! Killed while an answer is written: it goes out once, and it is the same letter.

use std::time::Duration;

use recipisa::flow::failpoint::ANSWERS;

use super::{Mail, letters, listed, once, post, sound, text};
use crate::support::agency::Agency;
use crate::support::process::Process;
use crate::support::tools::poll;

/// Runs `once` until it stands at the point, and kills it.
#[track_caller]
fn die_at(agency: &Agency, point: &str) {
    let config = agency.config();
    let args = ["--config".as_ref(), config.as_os_str(), "once".as_ref()];
    let env = [("RECIPISA_FAILPOINT", format!("{point}:1"))];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut process = Process::recipisa(agency.path(), &format!("at-{point}"), &args, &env);
    let wanted = format!("failpoint reached: {point}");
    let reached = poll(Duration::from_secs(60), || {
        if let Some(status) = process.ended() {
            panic!("{point}: ended with {status}:\n{}", process.stderr());
        }
        process.stderr().contains(&wanted).then_some(())
    });
    assert!(
        reached.is_some(),
        "{point} is never reached:\n{}",
        process.stderr()
    );
    process.kill();
}

#[test]
fn an_answer_survives_every_death_and_goes_out_once() {
    for point in ANSWERS {
        let agency = Agency::new();
        let limits = "[limits]\nmail_bytes_max = 100000\nanswers_a_day = 2\n";
        agency.configure(|text| text + limits);
        let long = "umplutură ".repeat(20_000);
        let large = Mail {
            text: &long,
            ..Mail::default()
        };
        let small = |id, from| Mail {
            id,
            from,
            ..Mail::default()
        };
        if point == "answer.carrier-archived" {
            for (name, from) in [("a", "a@e.test"), ("b", "b@e.test"), ("c", "c@e.test")] {
                post(&agency, "somaj", name, &small(from, from));
            }
            once(&agency);
            let third = listed(&agency, &["entries", "--json"]).remove(2);
            assert_eq!(third["receipt"]["no_letter"], "budget");
            agency.run(&["resend", text(&third, "number")]).ended_with(0);
        } else {
            post(&agency, "somaj", "large", &large);
        }
        let before = letters(&agency).len();
        die_at(&agency, point);
        once(&agency);
        once(&agency);
        assert_eq!(letters(&agency).len(), before + 1, "{point}");
        let queued = listed(&agency, &["mails", "--json"]);
        assert!(queued.iter().all(|mail| mail["outcome"].is_string()), "{point}");
        sound(&agency);
    }
}
