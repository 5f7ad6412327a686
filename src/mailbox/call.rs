//! A call to whoever waits for mail: other things are wanted of him now, and no server may keep him from them.
//!
//! It can be waited for by a thread and by a task, since one source waits for nothing else and another waits for its
//! server at the same time. Left out: what is wanted.

use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Once rung it stays rung, for all who wait and for all who come, until it is calmed.
#[derive(Default)]
pub struct Call {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    rung: bool,
    waiting: Vec<Waker>,
}

impl Call {
    /// Calls everybody.
    pub fn ring(&self) {
        let waiting = {
            let mut state = self.state();
            state.rung = true;
            std::mem::take(&mut state.waiting)
        };
        self.changed.notify_all();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Nobody is called any more.
    pub fn calm(&self) {
        self.state().rung = false;
    }

    /// Blocks the thread until the call has rung or the time is over; true when it has rung.
    pub fn wait(&self, limit: Duration) -> bool {
        let (state, _) = self
            .changed
            .wait_timeout_while(self.state(), limit, |state| !state.rung)
            .unwrap_or_else(PoisonError::into_inner);
        state.rung
    }

    /// Ends when the call has rung; for a task that waits for something else at the same time.
    pub async fn rung(&self) {
        poll_fn(|context| {
            let mut state = self.state();
            if state.rung {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn threads_and_tasks_are_called_until_it_is_calmed() {
        let call = Call::default();
        assert!(!call.wait(Duration::ZERO));
        let woken = Arc::new(Woken::default());
        let waker = Arc::clone(&woken).into();
        let mut context = Context::from_waker(&waker);
        let mut task = pin!(call.rung());
        assert!(task.as_mut().poll(&mut context).is_pending());
        assert!(task.as_mut().poll(&mut context).is_pending());
        call.ring();
        assert_eq!(
            woken.0.load(Ordering::SeqCst),
            1,
            "woken once, however often it asked"
        );
        assert!(task.as_mut().poll(&mut context).is_ready());
        assert!(call.wait(Duration::ZERO) && call.wait(Duration::ZERO));
        call.calm();
        assert!(!call.wait(Duration::ZERO));
    }
}
