//! Waiting for mail: IDLE (RFC 2177) where the server has it and the settings do not forbid it, else just time.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep};

use super::dialogue::Fault;
use super::{ImapMailbox, Open};
use crate::mailbox::{Call, MailboxError, Woken};

impl ImapMailbox {
    pub(super) fn wait_for_news(&mut self, limit: Duration, call: &Call) -> Result<Woken, MailboxError> {
        let may_idle = self.account.idle;
        let server = self.server();
        let mut open = match self.open.take() {
            Some(open) => open,
            // The line broke after the listing: nobody would tell of mail, and the next look makes a new one.
            None if may_idle => {
                return Err(MailboxError::Unreachable {
                    server,
                    doing: "waiting for mail",
                    source: "the connection broke before".into(),
                });
            }
            None => return Ok(without_server(limit, call)),
        };
        if !may_idle || !open.offers.can_idle || open.selected.is_none() {
            self.open = Some(open);
            return Ok(without_server(limit, call));
        }
        match self.runtime.block_on(idle(&mut open, limit, call)) {
            Ok(woken) => {
                self.open = Some(open);
                Ok(woken)
            }
            // It offers IDLE and will not: then it is asked now and then like one that does not.
            Err(Fault::Refused(_)) => {
                open.offers.can_idle = false;
                self.open = Some(open);
                Ok(without_server(limit, call))
            }
            Err(gone) => Err(gone.told(&server, "waiting for mail")),
        }
    }
}

fn without_server(limit: Duration, call: &Call) -> Woken {
    match call.wait(limit) {
        true => Woken::Called,
        false => Woken::TimeOver,
    }
}

/// The server goes on idling when this ends; the next command ends that.
async fn idle(open: &mut Open, limit: Duration, call: &Call) -> Result<Woken, Fault> {
    let until = Instant::now() + limit;
    let dialogue = &mut open.dialogue;
    while !dialogue.has_news {
        let times = dialogue.times;
        dialogue.set_limit(times.silence);
        if dialogue.idle_age().is_some_and(|age| age >= times.idle) {
            dialogue.end_idle().await?;
        }
        dialogue.begin_idle().await?;
        let fresh = times.idle.saturating_sub(dialogue.idle_age().unwrap_or_default());
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Woken::Quiet);
        }
        let called = pin!(async {
            match select(pin!(call.rung()), pin!(sleep(left.min(fresh)))).await {
                Either::Left(_) => Some(Woken::Called),
                Either::Right(_) => None,
            }
        });
        match select(pin!(dialogue.listen()), called).await {
            Either::Left((heard, _)) => heard?,
            Either::Right((Some(woken), _)) => return Ok(woken),
            Either::Right((None, _)) => {}
        }
    }
    Ok(Woken::Arrived)
}
