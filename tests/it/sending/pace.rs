//! Slow destinations, bounds on letters a minute, and a retry schedule of one's own: kept by when a letter is due, while
//! the letters to everybody else go.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use jiff::SignedDuration;
use recipisa::config::Carrier;
use recipisa::daemon::{self, House, Pass};
use recipisa::edge::clock::Clock;
use recipisa::edge::smtp::{SmtpTransport, Timeouts};
use recipisa::flow::issue::Letterhead;
use serde_json::Value;

use crate::support::citizens::now;
use crate::support::dovecot::User;
use crate::support::scene::Scene;
use crate::support::sink::{Action, Fault, Point};

/// A house at work with a clock moved by hand and a transport that waits a second at most.
struct Works {
    house: House,
    letterhead: Letterhead,
    transport: SmtpTransport,
}

impl Works {
    fn open(scene: &Scene, keys: &str) -> Self {
        let config = scene.agency.config();
        let text = fs::read_to_string(&config).unwrap();
        fs::write(
            &config,
            text.replace("[transport]\n", &format!("[transport]\n{keys}\n")),
        )
        .unwrap();
        let settings = scene.agency.settings();
        let Carrier::Smtp(server) = &settings.transport else {
            panic!("the scene has a mail server");
        };
        let timeouts = Timeouts {
            letter: Duration::from_secs(1),
            ..Timeouts::default()
        };
        let transport = SmtpTransport::with_timeouts((**server).clone(), timeouts).unwrap();
        let house = House::open(settings, Clock::standing_at(Clock::System.now())).unwrap();
        let letterhead = house.letterhead().unwrap();
        Self {
            house,
            letterhead,
            transport,
        }
    }

    fn once(&mut self) -> Pass {
        daemon::once(&self.house, &self.letterhead, &mut self.transport, &|| false)
    }

    fn later(&mut self, seconds: i64) -> Pass {
        let now = self.house.clock.now();
        self.house.clock.move_to(now + SignedDuration::from_secs(seconds));
        self.once()
    }
}

fn write(scene: &Scene, from: &str) {
    let mail = format!(
        "Return-Path: <{from}>\r\nFrom: <{from}>\r\nTo: <amt@amt.test>\r\nSubject: cerere\r\n\
         Message-ID: <c-{from}>\r\n\r\nCerere de la {from}.\r\n"
    );
    scene.dovecot.deliver(User::Amt, mail.as_bytes(), now());
}

/// The letters to a domain: state and attempts of each, by recipient.
fn letters(scene: &Scene, domain: &str) -> BTreeMap<String, (String, u64)> {
    let entries = scene.agency.json(&["entries", "--json"]);
    let letter = |entry: &Value| {
        let letter = &entry["letters"][0];
        let text = |member: &str| letter[member].as_str().unwrap().to_owned();
        (text("to"), (text("state"), letter["attempts"].as_u64().unwrap()))
    };
    entries
        .iter()
        .map(letter)
        .filter(|(to, _)| to.ends_with(domain))
        .collect()
}

#[test]
fn a_slow_destination_holds_up_nobody_else() {
    let scene = Scene::new();
    for number in 0..6 {
        write(&scene, &format!("a{number}@lent.test"));
    }
    for number in 0..3 {
        write(&scene, &format!("b{number}@citizen.test"));
    }
    scene.sink.script(Fault {
        point: Point::RcptTo,
        matching: "@lent.test",
        action: Action::Stall,
        times: 99,
    });
    let mut works = Works::open(&scene, "");
    let attempts = |scene: &Scene| {
        letters(scene, "@lent.test")
            .values()
            .map(|one| one.1)
            .sum::<u64>()
    };
    let said = works.once().errors.join("\n");
    assert!(said.contains("said nothing for 1 seconds"), "{said}");
    assert_eq!(
        scene.sink.kept().len(),
        3,
        "those to others went in the same pass"
    );
    assert_eq!(
        attempts(&scene),
        1,
        "one letter told that the destination is slow"
    );
    works.later(59);
    assert_eq!(attempts(&scene), 1, "the others wait with it");
    write(&scene, "b9@citizen.test");
    works.later(2);
    assert_eq!((attempts(&scene), scene.sink.kept().len()), (2, 4));
    scene.sink.forget();
    works.later(3600);
    drop(works);
    assert_eq!(scene.sink.kept().len(), 10);
    let states = letters(&scene, "@lent.test");
    assert!(states.values().all(|(state, _)| state == "sent"), "{states:?}");
}

#[test]
fn no_more_letters_a_minute_than_configured() {
    let scene = Scene::new();
    for number in 0..5 {
        write(&scene, &format!("a{number}@mare.test"));
        write(&scene, &format!("b{number}@d{number}.test"));
    }
    let mut works = Works::open(&scene, "letters_a_minute = 5\nletters_a_minute_to_one_domain = 2");
    let sent = |works: &mut Works, seconds| {
        let pass = works.later(seconds);
        assert_eq!(pass.errors, Vec::<String>::new());
        pass.letters
    };
    assert_eq!(sent(&mut works, 0), 5);
    let to_one = |scene: &Scene| {
        let kept = scene.sink.kept();
        kept.iter()
            .filter(|mail| mail.to[0].0.ends_with("@mare.test"))
            .count()
    };
    assert_eq!(to_one(&scene), 2);
    assert_eq!(sent(&mut works, 59), 0);
    assert_eq!(sent(&mut works, 1) + sent(&mut works, 60), 5);
    assert_eq!(to_one(&scene), 5);
    drop(works);
    assert_eq!(scene.sink.connections(), 3, "nobody slept on an open line");
}

#[test]
fn the_schedule_is_the_configured_one() {
    let scene = Scene::new();
    write(&scene, "ana@citizen.test");
    scene.sink.script(Fault::at(
        Point::RcptTo,
        Action::Reply("451 4.3.0 mai târziu"),
        99,
    ));
    let mut works = Works::open(&scene, "retry = [\"30s\", \"20m\"]\ngive_up_after = \"1h\"");
    let attempts = |scene: &Scene| letters(scene, "@citizen.test")["ana@citizen.test"].clone();
    works.once();
    for (seconds, wanted) in [(29, 1), (1, 2), (1199, 2), (1, 3), (1200, 4)] {
        works.later(seconds);
        let (state, made) = attempts(&scene);
        assert_eq!(made, wanted, "{seconds}");
        assert_eq!(state == "given-up", wanted == 4, "{state}");
    }
    drop(works);
    let number = scene.agency.json(&["entries", "--json"])[0]["number"].clone();
    let shown = scene
        .agency
        .json(&["show", number.as_str().unwrap(), "--json"])
        .remove(0);
    let steps: Vec<&str> = shown["lives"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        ["owed", "queued", "put-off", "put-off", "put-off", "given-up"],
        "{shown}"
    );
    let digest = String::from_utf8(scene.agency.command(&["digest"]).stdout).unwrap();
    assert!(
        digest.contains("nu a putut fi livrată și nu se mai încearcă"),
        "{digest}"
    );
    assert!(
        digest.contains("Telefonați solicitantului sau scrieți-i prin poștă."),
        "{digest}"
    );
}
