//! A line that passes everything on and remembers when the client began to speak after a silence: the beginnings of
//! polls, seen from outside, although the line is encrypted.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Within a poll the client is never silent for so long.
const SILENCE: Duration = Duration::from_millis(300);

pub(crate) struct Tap {
    pub(crate) port: u16,
    beginnings: Arc<Mutex<Vec<Instant>>>,
}

impl Tap {
    /// Listens and passes everything on to a port of 127.0.0.1.
    pub(crate) fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let beginnings: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let seen = Arc::clone(&beginnings);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || pass(from_server, to_client, &mut || {}));
                let seen = Arc::clone(&seen);
                let mut last = None;
                thread::spawn(move || {
                    pass(client, server, &mut || {
                        let now = Instant::now();
                        if last.is_none_or(|last| now - last > SILENCE) {
                            seen.lock().unwrap().push(now);
                        }
                        last = Some(now);
                    });
                });
            }
        });
        Self { port, beginnings }
    }

    /// The last beginning before an instant.
    pub(crate) fn beginning_before(&self, end: Instant) -> Option<Instant> {
        let beginnings = self.beginnings.lock().unwrap();
        beginnings.iter().rev().find(|begun| **begun < end).copied()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, note: &mut dyn FnMut()) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        note();
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // The other end may be gone already.
    to.shutdown(Shutdown::Both).ok();
}
