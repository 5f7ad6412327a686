//! The life of a token on a clock that is moved by hand; the token server is a command that counts its runs.

use super::*;

struct Stage {
    dir: tempfile::TempDir,
    access: Access,
    clock: Clock,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

impl Stage {
    /// Tokens are called `t1`, `t2` … and last so many seconds; a file `fail` makes the command fail.
    fn new(life: Option<i64>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = match life {
            Some(life) => format!(r#"printf '{{"access_token":"t%s","expires_in":{life}}}' "$n""#),
            None => "echo t$n".to_owned(),
        };
        let script =
            format!(r#"cd "$0"; test -e fail && exit 1; echo x >> runs; n=$(grep -c x runs); {script}"#);
        let folder = dir.path().display().to_string();
        let grant = Grant::Command {
            argv: ["/bin/sh", "-c", &script, &folder].map(str::to_owned).into(),
            limit: SignedDuration::from_secs(20),
        };
        let access = Access::new("proba".into(), grant, dir.path().join("oauth"));
        let clock = Clock::standing_at(at(0));
        access.go_by(&clock);
        Self { dir, access, clock }
    }

    /// The token at this second.
    fn token(&self, second: i64) -> Option<String> {
        self.clock.move_to(at(second));
        self.access.token().ok().map(|token| token.reveal().to_owned())
    }

    fn breaks(&self) {
        std::fs::write(self.dir.path().join("fail"), "").unwrap();
    }

    fn mends(&self) {
        std::fs::remove_file(self.dir.path().join("fail")).unwrap();
    }
}

#[track_caller]
fn is(token: Option<String>, wanted: &str) {
    assert_eq!(token.as_deref(), Some(wanted).filter(|wanted| !wanted.is_empty()));
}

#[test]
fn a_token_is_renewed_before_its_end() {
    let stage = Stage::new(Some(3_600));
    is(stage.token(0), "t1");
    is(stage.token(2_879), "t1");
    is(stage.token(2_880), "t2");
    assert_eq!(stage.access.standing().expires_at, Some(at(2_880 + 3_600)));
    // Nobody asks, and it is renewed all the same.
    stage.clock.move_to(at(5_759));
    assert!(!stage.access.keep_fresh().unwrap());
    stage.clock.move_to(at(5_760));
    assert!(stage.access.keep_fresh().unwrap());
    is(stage.token(5_760), "t3");
}

#[test]
fn while_it_cannot_be_renewed_the_old_one_works_to_its_end() {
    let stage = Stage::new(Some(3_600));
    is(stage.token(0), "t1");
    stage.breaks();
    is(stage.token(2_880), "t1");
    is(stage.token(3_599), "t1");
    let standing = stage.access.standing();
    assert_eq!(standing.failing_since, Some(at(2_880)));
    assert_eq!(standing.failures, 2, "once a minute at most");
    is(stage.token(3_600), "");
    stage.mends();
    is(stage.token(3_613), "");
    assert_eq!(
        stage.access.standing().failures,
        2,
        "nobody asks a dead server at once again"
    );
    is(stage.token(3_614), "t2");
    assert_eq!(stage.access.standing().failing_since, None);
}

#[test]
fn the_trouble_is_told_before_the_old_one_ends() {
    let stage = Stage::new(Some(3_600));
    is(stage.token(0), "t1");
    stage.breaks();
    stage.clock.move_to(at(3_000));
    let error = stage.access.keep_fresh().unwrap_err().to_string();
    assert!(error.contains("proba"), "{error}");
    assert!(!stage.access.keep_fresh().unwrap(), "not again at once");
    stage.clock.move_to(at(3_060));
    assert!(stage.access.keep_fresh().is_err());
}

#[test]
fn a_refused_token_is_not_given_again() {
    let stage = Stage::new(Some(3_600));
    is(stage.token(0), "t1");
    let first = stage.access.token().unwrap();
    stage.access.refused(&first);
    is(stage.token(1), "t2");
    // The other connection comes late with its complaint about the first one.
    stage.access.refused(&first);
    is(stage.token(2), "t2");
    stage.breaks();
    stage.access.refused(&stage.access.token().unwrap());
    is(stage.token(3), "");
}

#[test]
fn a_token_without_an_end_is_asked_for_anew_now_and_then() {
    let stage = Stage::new(None);
    is(stage.token(0), "t1");
    is(stage.token(299), "t1");
    is(stage.token(300), "t2");
    stage.clock.move_to(at(100_000));
    assert!(!stage.access.keep_fresh().unwrap(), "not while nobody logs in");
    stage.breaks();
    is(stage.token(100_000), "t2");
}
