//! A line between a client and a server that breaks when told to.
//!
//! Bytes pass through unread, so TLS passes too. The rules are looked at for every piece that
//! passes and may change while connections are open. Left out: rewriting what passes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::tools::{free_port, poll};

/// Longer than any test.
const EVER: Duration = Duration::from_secs(3600);

/// How the line behaves; the default is well.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// Reset each new connection at once.
    pub(crate) refuse: bool,
    /// Hold each piece back for so long.
    pub(crate) latency: Option<Duration>,
    /// Break a connection at a byte.
    pub(crate) cut: Option<Cut>,
}

/// Where and how a connection breaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Whose bytes are counted.
    pub(crate) side: Side,
    /// So many of them still pass.
    pub(crate) after: u64,
    /// What happens then.
    pub(crate) how: How,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Ways for a connection to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// A reset: "connection reset by peer".
    Rst,
    /// A proper end in the wrong place.
    Fin,
    /// Nothing passes any more from that side, and nobody is told.
    Hang,
}

/// A listening line to one server of 127.0.0.1.
pub(crate) struct Proxy {
    /// Where clients connect to.
    pub(crate) port: u16,
    line: Arc<Line>,
    accepting: Option<JoinHandle<()>>,
}

struct Line {
    target: u16,
    rules: Mutex<Rules>,
    stopped: AtomicBool,
    accepted: AtomicUsize,
    /// The connections that may still be open, to close them at the end.
    open: Mutex<Vec<Weak<Pair>>>,
}

/// A connection: both its ends, which close when both pumps have let go.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// To be reset, so that no proper end may be sent before.
    broken: AtomicBool,
}

impl Proxy {
    /// Listens and passes everything on to the port.
    pub(crate) fn start(target: u16) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port was free just now");
        let line = Arc::new(Line {
            target,
            rules: Mutex::default(),
            stopped: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let shared = Arc::clone(&line);
        let accepting = thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                shared.accepted.fetch_add(1, Ordering::SeqCst);
                shared.clone().connect(client);
            }
        });
        Self {
            port,
            line,
            accepting: Some(accepting),
        }
    }

    /// Changes the rules, for open connections too.
    pub(crate) fn set(&self, rules: Rules) {
        *locked(&self.line.rules) = rules;
    }

    /// How many connections there have been, refused ones too.
    pub(crate) fn accepted(&self) -> usize {
        self.line.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.stopped.store(true, Ordering::SeqCst);
        for pair in locked(&self.line.open)
            .drain(..)
            .filter_map(|pair| pair.upgrade())
        {
            for stream in [&pair.client, &pair.server] {
                // Already closed by its peer is as good.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        // The accepting thread sees the flag when somebody comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Line {
    fn connect(self: Arc<Self>, client: TcpStream) {
        let refuse = locked(&self.rules).refuse;
        let server = if refuse {
            None
        } else {
            TcpStream::connect(("127.0.0.1", self.target)).ok()
        };
        let Some(server) = server else {
            reset(&client);
            return;
        };
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("a fresh connection");
        }
        let pair = Arc::new(Pair {
            client,
            server,
            broken: AtomicBool::new(false),
        });
        locked(&self.open).push(Arc::downgrade(&pair));
        let (line, same) = (Arc::clone(&self), Arc::clone(&pair));
        thread::spawn(move || line.pump(Side::Client, &same));
        thread::spawn(move || self.pump(Side::Server, &pair));
    }

    /// Passes one side's bytes on until an end, an error or a cut.
    fn pump(&self, side: Side, pair: &Pair) {
        let (mut from, mut to) = match side {
            Side::Client => (&pair.client, &pair.server),
            Side::Server => (&pair.server, &pair.client),
        };
        let mut passed = 0_u64;
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                if !pair.broken.load(Ordering::SeqCst) {
                    // Its peer may have closed first; then this end is told already.
                    let _ = to.shutdown(Shutdown::Write);
                }
                return;
            }
            let rules = *locked(&self.rules);
            if let Some(latency) = rules.latency {
                self.hold(latency);
            }
            let cut = rules.cut.filter(|cut| cut.side == side);
            let left = cut.map_or(u64::MAX, |cut| cut.after.saturating_sub(passed));
            let passes = usize::try_from(left).unwrap_or(usize::MAX).min(count);
            if to.write_all(&buffer[..passes]).is_err() {
                let _ = from.shutdown(Shutdown::Read);
                return;
            }
            passed += passes as u64;
            if let Some(cut) = cut
                && passed >= cut.after
            {
                self.break_off(cut.how, pair);
                return;
            }
        }
    }

    fn break_off(&self, how: How, pair: &Pair) {
        match how {
            How::Hang => self.hold(EVER),
            How::Fin => {
                for stream in [&pair.client, &pair.server] {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
            How::Rst => {
                pair.broken.store(true, Ordering::SeqCst);
                reset(&pair.client);
                reset(&pair.server);
            }
        }
    }

    /// Waits, but not longer than the proxy lives.
    fn hold(&self, time: Duration) {
        poll(time, || self.stopped.load(Ordering::SeqCst).then_some(()));
    }
}

/// Makes the close of this connection a reset. It happens when the last handle goes: reading is ended
/// so that the thread which still reads lets go of its own.
fn reset(stream: &TcpStream) {
    if let Ok(same) = stream.try_clone() {
        // The standard library cannot set SO_LINGER yet; the socket is only borrowed for it.
        let _ = tokio::net::TcpSocket::from_std_stream(same).set_zero_linger();
    }
    let _ = stream.shutdown(Shutdown::Read);
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
