//! The figures over HTTP on a loopback port: `GET /metrics`, and nothing else.
//!
//! Written on `std::net` and not on a web server's crate: there is one page, one kind of request and one reader, and
//! what matters are the bounds, which the small crates leave open (tiny_http has no time-out for a head that never
//! ends, and starts threads for every connection). One thread serves one connection at a time; a request has
//! [`HEAD_BYTES_MAX`] bytes and [`PATIENCE`], and then its place goes to the next.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing::{error, info, warn};

use crate::daemon::House;
use crate::daemon::exposition;
use crate::daemon::run::{EndOnPanic, Ending, doze_unwatched};
use crate::daemon::status::Status;
use crate::flow::with_causes;

/// A Prometheus server sends about three hundred.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// For a whole request, and again for its answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The end of the process is noticed by then.
const DOZE_S: i64 = 1;
/// How long to wait when the port is taken.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Serves until `ending` is asked. A port that is taken is told and tried again: mail matters more than figures.
pub(super) fn serve(house: &House, address: SocketAddr, ending: &Ending) {
    let _guard = EndOnPanic(ending);
    let mut told = false;
    while !ending.asked() {
        match TcpListener::bind(address) {
            Ok(listener) => {
                info!(%address, "metrics can be read");
                if let Err(error) = accept(house, &listener, ending) {
                    error!(
                        why = with_causes(&error),
                        "the metrics port failed; it is opened again"
                    );
                }
                told = false;
            }
            Err(error) if !told => {
                error!(
                    %address,
                    why = with_causes(&error),
                    "the metrics port cannot be opened; choose another under [metrics]. Everything else goes on"
                );
                told = true;
            }
            Err(_) => {}
        }
        doze_unwatched(ending, TRY_AGAIN);
    }
}

fn accept(house: &House, listener: &TcpListener, ending: &Ending) -> io::Result<()> {
    // Whoever called may be gone again between the waiting and the taking.
    listener.set_nonblocking(true)?;
    while !ending.asked() {
        let timeout = Timespec {
            tv_sec: DOZE_S,
            tv_nsec: 0,
        };
        let fd = listener.as_fd();
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        // A reader who goes away, or is too slow, is its own trouble.
        if let Ok((stream, _)) = listener.accept() {
            answer(house, stream).ok();
        }
    }
    Ok(())
}

fn answer(house: &House, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let response = match read_head(&mut stream, Instant::now() + PATIENCE)? {
        Some(head) => respond(&head, || exposed(house)),
        None => Response::plain(
            "431 Request Header Fields Too Large",
            "the request is too large\n",
        ),
    };
    stream.write_all(response.text().as_bytes())
}

fn exposed(house: &House) -> Option<String> {
    match Status::from_inside(house, &house.pulse) {
        Ok(status) => Some(exposition::text(&status)),
        Err(error) => {
            warn!(why = with_causes(&error), "the figures cannot be read now");
            None
        }
    }
}

/// The head of the request, up to its empty line; `None` where it is too large.
fn read_head(stream: &mut TcpStream, until: Instant) -> io::Result<Option<Vec<u8>>> {
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&piece[..count]);
        if head.windows(4).any(|four| four == b"\r\n\r\n") {
            return Ok(Some(head));
        }
        if head.len() > HEAD_BYTES_MAX {
            return Ok(None);
        }
    }
}

struct Response {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

impl Response {
    fn plain(status: &'static str, body: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.to_owned(),
        }
    }

    fn text(&self) -> String {
        let allow = if self.status.starts_with("405") {
            "Allow: GET\r\n"
        } else {
            ""
        };
        format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n{}",
            self.status,
            self.content_type,
            self.body.len(),
            self.body
        )
    }
}

/// What is answered to a head (RFC 9112 §3); the figures are gathered only for those who ask for them.
fn respond(head: &[u8], figures: impl FnOnce() -> Option<String>) -> Response {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, "HTTP/1.1" | "HTTP/1.0"] = words[..] else {
        return Response::plain("400 Bad Request", "this is no request of HTTP/1.1\n");
    };
    // Prometheus may add parameters of its own; there are none here.
    if target.split('?').next() != Some("/metrics") {
        return Response::plain("404 Not Found", "there is only /metrics\n");
    }
    if method != "GET" {
        return Response::plain("405 Method Not Allowed", "only GET\n");
    }
    match figures() {
        Some(body) => Response {
            status: "200 OK",
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body,
        },
        None => Response::plain("503 Service Unavailable", "the database cannot be read now\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_page_is_given_and_only_read() {
        let status = |head: &str| respond(head.as_bytes(), || Some("x 1\n".into())).status;
        assert_eq!(status("GET /metrics HTTP/1.1\r\n\r\n"), "200 OK");
        assert_eq!(status("GET /metrics?a=b HTTP/1.0\r\n\r\n"), "200 OK");
        for (head, starts) in [
            ("GET / HTTP/1.1\r\n\r\n", "404"),
            ("GET /metrics/ HTTP/1.1\r\n\r\n", "404"),
            ("GET /metrics2 HTTP/1.1\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
            ("HEAD /metrics HTTP/1.1\r\n\r\n", "405"),
            ("get /metrics HTTP/1.1\r\n\r\n", "405"),
            ("GET /metrics\r\n\r\n", "400"),
            ("GET /metrics HTTP/2\r\n\r\n", "400"),
            ("\r\n\r\n", "400"),
            ("\u{16}\u{3}\u{1}\r\n\r\n", "400"),
        ] {
            assert!(status(head).starts_with(starts), "{head:?}: {}", status(head));
        }
        let broken = respond(b"GET /metrics HTTP/1.1\r\n\r\n", || None);
        assert!(broken.status.starts_with("503"));
        let refused = respond(b"PUT /metrics HTTP/1.1\r\n\r\n", || None).text();
        assert!(refused.contains("\r\nAllow: GET\r\n"), "{refused}");
    }
}
