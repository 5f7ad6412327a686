//! Access tokens in the place of passwords: real Dovecot and Postfix, which ask the provider whether a token is good.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use jiff::SignedDuration;
use recipisa::daemon::{self, House};
use recipisa::edge::clock::Clock;
use serde_json::{Value, json};

use crate::support::ca::TestCa;
use crate::support::citizens::Citizens;
use crate::support::dovecot::{Dovecot, Habit, Offer, Tokens, User};
use crate::support::issuer::{CLIENT_SECRET, Issuer, REFRESH_TOKEN};
use crate::support::online::{Agency, Inbox, Submission, end};
use crate::support::postfix::Postfix;
use crate::support::tools::{PATIENCE, TempDir, free_port, set_mode, wait_until};

/// An agency that logs in with tokens only, and its world.
struct Stage {
    // Dropped in this order: servers before the folder that they write in.
    postfix: Postfix,
    dovecot: Dovecot,
    agency: Agency,
    issuer: Issuer,
    citizens: Citizens,
    ca: TestCa,
    dir: TempDir,
}

impl Stage {
    /// The servers offer these mechanisms beside passwords, which nobody has.
    fn new(mechanisms: &'static str) -> Self {
        let dir = TempDir::new();
        let ca = TestCa::make(&dir.path().join("ca"));
        let issuer = Issuer::start(User::Amt.name());
        let tokens = Tokens {
            introspection_url: issuer.introspection_url(),
            mechanisms,
        };
        let dovecot = Dovecot::start_as(&dir.path().join("d"), &ca, Habit::default(), Some(&tokens));
        let postfix = Postfix::start(&dir.path().join("p"), &ca, &dovecot);
        let inbox = Inbox::over_tls(User::Amt, dovecot.ports.imaps);
        let submission = Submission::starttls(postfix.ports.submission);
        let agency = Agency::found(&dir.path().join("a"), &ca, &[inbox], submission);
        let stage = Self {
            postfix,
            dovecot,
            agency,
            issuer,
            citizens: Citizens::default(),
            ca,
            dir,
        };
        stage.with_refresh_token();
        stage
    }

    /// The configuration names this `[[oauth]]` wherever it had a password.
    fn with(&self, oauth: &str) {
        let file = self.agency.config();
        let written = fs::read_to_string(&file).unwrap();
        let mut text = written.split("[[oauth]]").next().unwrap().to_owned();
        for secret in ["amt", "smtp"] {
            let password = format!("password = {{ file = \"{secret}.password\" }}");
            text = text.replace(&password, "oauth = \"proba\"");
        }
        fs::write(&file, format!("{text}[[oauth]]\nname = \"proba\"\n{oauth}")).unwrap();
    }

    fn secret(&self, name: &str, text: &str) {
        let path = self.agency.dir.join(name);
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
    }

    fn with_refresh_token(&self) {
        self.secret("client.secret", CLIENT_SECRET);
        self.secret("refresh.secret", REFRESH_TOKEN);
        self.with(&format!(
            "kind = \"refresh-token\"\ntoken_url = \"{}\"\nclient_id = \"recipisa\"\n\
             client_secret = {{ file = \"client.secret\" }}\nrefresh_token = {{ file = \"refresh.secret\" }}\n",
            self.issuer.token_url()
        ));
    }

    /// A citizen writes.
    fn write(&mut self) {
        self.citizens.write(&self.dovecot, User::Amt);
    }

    /// One pass in a process of its own; its complaints where it ended badly.
    fn once(&self) -> Result<(), String> {
        let output = self.agency.command(&["once"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        self.assert_no_secret(&said);
        if output.status.success() {
            Ok(())
        } else {
            Err(said)
        }
    }

    /// The lines of `check --online` about a subject: level, words and remedy.
    fn check(&self, what: &str) -> Vec<(String, String, String)> {
        let output = self.agency.command(&["check", "--online", "--json"]);
        let out = String::from_utf8(output.stdout).unwrap();
        self.assert_no_secret(&out);
        self.assert_no_secret(&String::from_utf8_lossy(&output.stderr));
        let text = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
        out.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["what"] == what)
            .map(|line| (text(&line, "level"), text(&line, "said"), text(&line, "remedy")))
            .collect()
    }

    #[track_caller]
    fn assert_no_secret(&self, said: &str) {
        for secret in [CLIENT_SECRET, "1//refresh-", "access-token-"] {
            assert!(!said.contains(secret), "{secret} is told: {said}");
        }
    }

    /// The citizens' receipts.
    #[track_caller]
    fn receipts(&self, count: usize) {
        self.dovecot.wait_for_mails(User::Citizen, "INBOX", count);
    }

    fn kept_token(&self) -> Option<Value> {
        let path = self.agency.storage().join("oauth/proba.json");
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

/// A line of this level with these words.
#[track_caller]
fn has(lines: &[(String, String, String)], level: &str, words: &str) {
    let found = lines
        .iter()
        .any(|(is, said, remedy)| is == level && (said.contains(words) || remedy.contains(words)));
    assert!(found, "no {level} with \"{words}\": {lines:#?}");
}

#[test]
fn one_token_opens_the_mailbox_and_the_way_out_by_either_mechanism() {
    for (mechanisms, used) in [("xoauth2 oauthbearer", "OAUTHBEARER"), ("xoauth2", "XOAUTH2")] {
        let mut stage = Stage::new(mechanisms);
        stage.write();
        stage.once().unwrap();
        stage.receipts(1);
        assert_eq!(stage.issuer.asked().len(), 1, "mailbox and transport share it");
        let dovecot = stage.dovecot.log().to_uppercase();
        assert!(
            dovecot.contains(&format!("LOGIN: USER=<AMT>, METHOD={used}")),
            "{dovecot}"
        );
        let postfix = stage.postfix.log();
        assert!(
            postfix.contains(&format!("sasl_method={used}, sasl_username=amt")),
            "{postfix}"
        );
        let form = &stage.issuer.asked()[0];
        let expected = [
            ("client_id", "recipisa"),
            ("client_secret", CLIENT_SECRET),
            ("grant_type", "refresh_token"),
            ("refresh_token", REFRESH_TOKEN),
        ];
        assert!(
            form.iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .eq(expected),
            "{form:?}"
        );
    }
}

#[test]
fn a_token_that_ends_in_the_middle_of_the_day_is_renewed_without_a_person() {
    let mut stage = Stage::new("oauthbearer");
    let clock = Clock::standing_at(Clock::System.now());
    let house = House::open(stage.agency.settings(), clock.clone()).unwrap();
    let letterhead = house.letterhead().unwrap();
    let mut transport = house.transport().unwrap();
    let mut pass = |stage: &mut Stage| {
        stage.write();
        let pass = daemon::once(&house, &letterhead, &mut *transport, &|| false);
        assert!(pass.errors.is_empty(), "{:?}", pass.errors);
        // Reports of delivery may have come beside the citizen's mail.
        assert!(pass.kept >= 1, "{pass:?}");
        assert_eq!(pass.letters, 1);
        transport.rest();
        stage.issuer.asked().len()
    };
    assert_eq!(pass(&mut stage), 1);
    clock.move_to(clock.now() + SignedDuration::from_mins(47));
    assert_eq!(pass(&mut stage), 1, "it still lasts");
    clock.move_to(clock.now() + SignedDuration::from_mins(2));
    assert_eq!(pass(&mut stage), 2, "four fifths of its hour are over");
    // The provider takes it back before its time, as after a changed password: a fresh one does.
    stage.issuer.revoke_all();
    assert_eq!(pass(&mut stage), 3);
}

#[test]
fn a_daemon_goes_on_when_its_token_is_taken_back() {
    let mut stage = Stage::new("oauthbearer xoauth2");
    let daemon = stage.agency.run_at_work("run");
    stage.write();
    stage.receipts(1);
    stage.issuer.revoke_all();
    stage.dovecot.doveadm(&["kick", "amt"]);
    stage.write();
    stage.receipts(2);
    assert_eq!(stage.issuer.asked().len(), 2, "one for both connections");
    let (ok, tokens) = (stage.check("oauth"), stage.agency.json(&["status", "--json"]));
    has(&ok, "ok", "the daemon has one until ");
    assert_eq!(tokens[0]["tokens"][0]["oauth"], "proba");
    assert!(tokens[0]["tokens"][0]["expires_at"].is_string(), "{tokens:?}");
    stage.assert_no_secret(&daemon.stderr());
    end(daemon);
}

#[test]
fn a_failing_renewal_is_told_while_the_old_token_works() {
    let stage = Stage::new("oauthbearer");
    let port = free_port();
    let config = fs::read_to_string(stage.agency.config()).unwrap();
    let metrics = format!("[metrics]\nlisten = \"127.0.0.1:{port}\"\n\n[[oauth]]");
    fs::write(stage.agency.config(), config.replace("[[oauth]]", &metrics)).unwrap();
    // Long enough for a login, and soon to be renewed.
    stage.issuer.now(|manner| manner.life = Some(4));
    let daemon = stage.agency.run_at_work("run");
    let logged_in = || stage.dovecot.log().contains("Login: user=<amt>").then_some(());
    wait_until("the login", PATIENCE, logged_in);
    stage.issuer.now(|manner| manner.refuses = Some((503, json!({}))));
    let said = wait_until("the alarm", PATIENCE, || {
        let said = daemon.stderr();
        said.contains("the token cannot be renewed").then_some(said)
    });
    assert!(said.contains("status 503") && said.contains("proba"), "{said}");
    let trouble = wait_until("the status", PATIENCE, || {
        let status = stage.agency.json(&["status", "--json"]).remove(0);
        status["tokens"][0]["failing_since"].is_string().then_some(status)
    });
    assert!(
        trouble["sources"][0]["trouble"].is_null(),
        "the mailbox is open: {trouble}"
    );
    let page = wait_until("the metrics", PATIENCE, || {
        let page = page(port)?;
        page.contains("recipisa_oauth_up{oauth=\"proba\"} 0")
            .then_some(page)
    });
    assert!(
        page.contains("recipisa_oauth_token_end_timestamp_seconds{oauth=\"proba\"} "),
        "{page}"
    );
    let table = String::from_utf8(stage.agency.command(&["status"]).stdout).unwrap();
    assert!(table.contains("proba: could not be renewed, first "), "{table}");
    end(daemon);
}

/// The page of the metrics.
fn page(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).ok()?;
    Some(page)
}

#[test]
fn a_refused_refresh_token_names_its_section_and_the_remedy() {
    let mut stage = Stage::new("oauthbearer");
    stage.issuer.consent("another consent");
    stage.write();
    let said = stage.once().unwrap_err();
    assert!(
        said.contains("[[oauth]] \"proba\": localhost gives no token (invalid_grant Token […] has been expired or revoked.)"),
        "{said}"
    );
    let lines = stage.check("oauth");
    has(&lines, "error", "give it again");
    has(
        &stage.check("source"),
        "error",
        "amt: there is no token to log in to localhost",
    );
    has(
        &stage.check("transport"),
        "error",
        "there is no token to log in to localhost",
    );
    // Nothing is lost: with the consent everything goes on.
    stage.issuer.consent(REFRESH_TOKEN);
    stage.once().unwrap();
    stage.receipts(1);
    stage.secret("client.secret", "a wrong one");
    has(
        &stage.check("oauth"),
        "error",
        "check `client_id` and `client_secret`",
    );
}

#[test]
fn a_replaced_refresh_token_survives_a_restart() {
    let mut stage = Stage::new("oauthbearer");
    stage.issuer.now(|manner| manner.rotates = true);
    for count in 1..=3 {
        stage.write();
        stage.once().unwrap();
        stage.receipts(count);
    }
    let used: Vec<String> = stage
        .issuer
        .asked()
        .iter()
        .map(|form| form["refresh_token"].clone())
        .collect();
    assert_eq!(used, [REFRESH_TOKEN, "1//refresh-1", "1//refresh-2"]);
    let path = stage.agency.storage().join("oauth/proba.json");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(stage.kept_token().unwrap()["refresh_token"], "1//refresh-3");
    has(
        &stage.check("oauth"),
        "ok",
        "the server has replaced the refresh token, last on ",
    );
    // A new consent wins over what was kept.
    stage.issuer.consent("1//refresh-new");
    stage.secret("refresh.secret", "1//refresh-new");
    stage.once().unwrap();
    assert_eq!(
        stage.issuer.asked().last().unwrap()["refresh_token"],
        "1//refresh-new"
    );
    // It is told before anything is exchanged that the next one could not be kept.
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path.parent().unwrap(), "in the way").unwrap();
    let asked = stage.issuer.asked().len();
    let said = stage.once().unwrap_err();
    assert!(
        said.contains("locking") && said.contains("registry/oauth/proba.lock"),
        "{said}"
    );
    assert_eq!(stage.issuer.asked().len(), asked);
}

/// A provider that makes the old refresh token void takes its second use for a theft: two processes must not ask with the
/// same one.
#[test]
fn processes_that_ask_at_the_same_time_do_not_use_a_refresh_token_twice() {
    let stage = Stage::new("oauthbearer");
    stage.issuer.now(|manner| manner.rotates = true);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| has(&stage.check("oauth"), "ok", "proba: a token was given, until "));
        }
    });
    let mut used: Vec<String> = stage
        .issuer
        .asked()
        .iter()
        .map(|form| form["refresh_token"].clone())
        .collect();
    used.sort();
    used.dedup();
    assert_eq!(used.len(), 4, "{used:?}");
}

#[test]
fn a_token_that_the_server_does_not_want_is_asked_for_anew_once() {
    for mechanism in ["oauthbearer", "xoauth2"] {
        let stage = Stage::new(mechanism);
        // Good tokens, for somebody else's mailbox.
        stage.issuer.now(|manner| manner.user = "dej");
        let said = stage.once().unwrap_err();
        let words = "does not accept the token of [[oauth]] \"proba\"";
        assert!(said.contains(words), "{said}");
        assert_eq!(stage.issuer.asked().len(), 2);
        for what in ["source", "transport"] {
            let lines = stage.check(what);
            has(&lines, "error", words);
            has(&lines, "error", "the whole address of the mailbox");
        }
    }
}

#[test]
fn a_server_that_takes_no_tokens_is_told() {
    let stage = Stage::new("oauthbearer");
    let poor = Dovecot::start(&stage.dir.path().join("x"), &stage.ca, Offer::Everything);
    let outgoing = Postfix::start(&stage.dir.path().join("y"), &stage.ca, &poor);
    let config = fs::read_to_string(stage.agency.config()).unwrap();
    let port = |port: u16| format!("port = {port}\n");
    let config = config
        .replace(&port(stage.dovecot.ports.imaps), &port(poor.ports.imaps))
        .replace(
            &port(stage.postfix.ports.submission),
            &port(outgoing.ports.submission),
        );
    fs::write(stage.agency.config(), config).unwrap();
    for what in ["source", "transport"] {
        has(
            &stage.check(what),
            "error",
            "it offers neither OAUTHBEARER nor XOAUTH2",
        );
    }
}

#[test]
fn client_credentials_go_over_tls_to_a_server_of_ones_own_and_nowhere_else() {
    let stage = Stage::new("xoauth2");
    let tls = Issuer::over_tls("amt", &stage.ca.server);
    stage.secret("client.secret", CLIENT_SECRET);
    let section = |url: &str, ca: &str| {
        format!(
            "kind = \"client-credentials\"\ntoken_url = \"{url}\"\nclient_id = \"recipisa\"\n\
             client_secret = {{ file = \"client.secret\" }}\nscope = \"mail/.default\"\n{ca}"
        )
    };
    let ca = format!("ca_file = \"{}\"\n", stage.ca.root.display());
    // Its tokens are unknown to Dovecot, whose own provider hears of them here.
    for number in 1..=9 {
        stage.issuer.accept(&format!("access-token-{number}"));
    }
    stage.with(&section(&tls.token_url(), &ca));
    has(&stage.check("oauth"), "ok", "proba: a token was given, until ");
    has(&stage.check("source"), "ok", "amt: localhost");
    stage.with(&section(&tls.token_url(), ""));
    let before = tls.asked().len();
    has(&stage.check("oauth"), "error", "certificate");
    assert_eq!(
        tls.asked().len(),
        before,
        "no secret goes to a server that nobody vouches for"
    );
    let liar = Issuer::over_tls("amt", &stage.ca.wrong_name);
    stage.with(&section(&liar.token_url(), &ca));
    has(&stage.check("oauth"), "error", "ca_file");
    assert!(liar.asked().is_empty());
}

#[test]
fn a_command_gives_tokens_too() {
    let mut stage = Stage::new("oauthbearer");
    // Longer than a line of SMTP may be, as Microsoft's are.
    let token = format!("access-token-{}", "x".repeat(1_900));
    stage.issuer.accept(&token);
    stage.with(&format!(
        "kind = \"command\"\ncommand = [\"/bin/echo\", \"{token}\"]\n"
    ));
    stage.write();
    stage.once().unwrap();
    stage.receipts(1);
    has(&stage.check("oauth"), "ok", "by the command /bin/echo");
    has(&stage.check("oauth"), "ok", "without a known end");
    stage.issuer.revoke_all();
    let said = stage.once().unwrap_err();
    assert!(said.contains("does not accept the token"), "{said}");
    stage.with("kind = \"command\"\ncommand = [\"/bin/false\"]\n");
    has(
        &stage.check("oauth"),
        "error",
        "/bin/false ended with exit status: 1; run it by hand",
    );
    assert!(stage.issuer.asked().is_empty());
}
