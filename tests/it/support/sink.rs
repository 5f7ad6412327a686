//! An SMTP server that keeps what it is given and misbehaves by a script.
//!
//! It speaks in the clear, with STARTTLS or inside TLS, and takes PLAIN and LOGIN. Each [`Fault`] is
//! used up in the order given, so that "refuse twice, then accept" needs no clock. Left out:
//! delivering anything anywhere.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};

use super::ca::ServerCertificate;
use super::tools::{PATIENCE, free_port, poll, wait_until};

mod session;

/// How the line is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not at all.
    Plain,
    /// STARTTLS is offered, and asked for before a password or a mail.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// A place in the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// Instead of the greeting.
    Connect,
    /// At EHLO or HELO.
    Hello,
    /// At STARTTLS.
    StartTls,
    /// At AUTH.
    Auth,
    /// At MAIL FROM.
    MailFrom,
    /// At RCPT TO.
    RcptTo,
    /// At DATA.
    Data,
    /// After the final dot.
    Content,
}

/// What is done there instead of the right thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// This answer, such as `451 4.3.0 try later`; the command has no effect.
    Reply(&'static str),
    /// The connection ends without an answer.
    Drop,
    /// Nothing is said any more until the client has gone.
    Stall,
    /// Only for [`Point::Content`]: the mail is kept, and the connection ends without an answer.
    KeepAndDrop,
}

/// One misbehaviour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// Where.
    pub(crate) point: Point,
    /// Only where the command line holds this text; an empty one matches always.
    pub(crate) matching: &'static str,
    /// What.
    pub(crate) action: Action,
    /// How many times.
    pub(crate) times: u32,
}

impl Fault {
    /// For every command at the point.
    pub(crate) fn at(point: Point, action: Action, times: u32) -> Self {
        Self {
            point,
            matching: "",
            action,
            times,
        }
    }
}

/// A mail that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The sender of the envelope, empty for `<>`.
    pub(crate) from: String,
    /// What followed the sender, such as `RET=HDRS ENVID=x`.
    pub(crate) from_parameters: String,
    /// The recipients that were accepted, each with its parameters, such as `NOTIFY=FAILURE`.
    pub(crate) to: Vec<(String, String)>,
    /// The mail, CRLF line ends, dots unstuffed, without the final dot.
    pub(crate) bytes: Vec<u8>,
    /// Who had logged in.
    pub(crate) user: Option<String>,
    /// Whether it came over TLS.
    pub(crate) encrypted: bool,
    /// Which connection it came by, counted from 1.
    pub(crate) connection: usize,
}

/// The server. It listens from the start.
pub(crate) struct Sink {
    /// Where it listens, also after [`Sink::up`].
    pub(crate) port: u16,
    state: Arc<State>,
    accepting: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

/// What all connections share.
struct State {
    security: Security,
    acceptor: SslAcceptor,
    login: Option<(&'static str, &'static str)>,
    /// Offers that are not made.
    without: &'static [&'static str],
    faults: Mutex<VecDeque<Fault>>,
    kept: Mutex<Vec<Kept>>,
    accepted: AtomicUsize,
    /// The connections that are open, by number, to end them when the server goes down.
    open: Mutex<Vec<(usize, TcpStream)>>,
}

impl Sink {
    /// Listens on a port of its own; with `login` it wants this user and password first.
    pub(crate) fn start(
        security: Security,
        certificate: &ServerCertificate,
        login: Option<(&'static str, &'static str)>,
    ) -> Self {
        Self::start_without(security, certificate, login, &[])
    }

    /// The same, with some of the usual offers left out.
    pub(crate) fn start_without(
        security: Security,
        certificate: &ServerCertificate,
        login: Option<(&'static str, &'static str)>,
        without: &'static [&'static str],
    ) -> Self {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls())
            .expect("the library knows its own settings");
        acceptor
            .set_private_key_file(&certificate.key, SslFiletype::PEM)
            .expect("a key in PEM");
        acceptor
            .set_certificate_chain_file(&certificate.certificate)
            .expect("a certificate in PEM");
        let state = State {
            security,
            acceptor: acceptor.build(),
            login,
            without,
            faults: Mutex::default(),
            kept: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: Mutex::default(),
        };
        let mut sink = Self {
            port: free_port(),
            state: Arc::new(state),
            accepting: None,
        };
        sink.up();
        sink
    }

    /// Adds a misbehaviour behind those not yet used up.
    pub(crate) fn script(&self, fault: Fault) {
        locked(&self.state.faults).push_back(fault);
    }

    /// Behaves well from now on.
    pub(crate) fn forget(&self) {
        locked(&self.state.faults).clear();
    }

    /// The mails accepted so far, in order.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        locked(&self.state.kept).clone()
    }

    /// Waits for so many mails, and returns all.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Kept> {
        wait_until(&format!("{count} mails at the SMTP sink"), PATIENCE, || {
            let kept = self.kept();
            (kept.len() >= count).then_some(kept)
        })
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// Stops listening and ends every connection; what was kept stays.
    pub(crate) fn down(&mut self) {
        let Some((stopped, accepting)) = self.accepting.take() else {
            return;
        };
        stopped.store(true, Ordering::SeqCst);
        // The accepting thread sees the flag when somebody comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        accepting.join().expect("the accepting thread does not panic");
        for (_, stream) in locked(&self.state.open).iter() {
            // One that ended just now cannot be ended again.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Listens again, on the same port.
    pub(crate) fn up(&mut self) {
        if self.accepting.is_some() {
            return;
        }
        let listener = poll(PATIENCE, || TcpListener::bind(("127.0.0.1", self.port)).ok())
            .unwrap_or_else(|| panic!("port {} is not free", self.port));
        let stopped = Arc::new(AtomicBool::new(false));
        let (flag, state) = (Arc::clone(&stopped), Arc::clone(&self.state));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(handle) = stream.try_clone() else { return };
                let number = state.accepted.fetch_add(1, Ordering::SeqCst) + 1;
                locked(&state.open).push((number, handle));
                let state = Arc::clone(&state);
                thread::spawn(move || {
                    session::serve(stream, number, &state);
                    locked(&state.open).retain(|(other, _)| *other != number);
                });
            }
        });
        self.accepting = Some((stopped, accepting));
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.down();
    }
}

impl State {
    /// The next misbehaviour for this place, if there is one; it is used up by asking.
    fn fault(&self, point: Point, line: &str) -> Option<Action> {
        let mut faults = locked(&self.faults);
        let index = faults
            .iter()
            .position(|fault| fault.point == point && line.contains(fault.matching))?;
        let fault = faults.get_mut(index)?;
        let action = fault.action;
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            faults.remove(index);
        }
        Some(action)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
