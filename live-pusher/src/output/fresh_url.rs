//! A fresh address for a retry, from the application.

use live_core::{OutputId, PusherCode, StreamUrl};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the application may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);

/// A lost connection that is about to be tried again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryContext {
    /// Which destination.
    pub output: OutputId,
    /// The address that was used last. `Debug` and `Display` hide its secrets.
    pub url: StreamUrl,
    /// The code of the loss: 3001 to 3005.
    pub code: PusherCode,
    /// What happened, in words.
    pub reason: String,
}

type Answer = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// The application's callback.
pub(crate) type FreshUrl = Arc<dyn Fn(RetryContext) -> Answer + Send + Sync>;

/// Asks the application. `None`, and the old address stays, when it has none, takes too long, panics, or gives what is
/// no address.
pub(crate) async fn ask(ask: &FreshUrl, context: RetryContext) -> Option<StreamUrl> {
    let ask = Arc::clone(ask);
    // A task of its own, which ends with us: a panic ends there.
    let mut task = JoinSet::new();
    task.spawn(async move { ask(context).await });
    let text = match tokio::time::timeout(DEADLINE, task.join_next()).await {
        Ok(Some(Ok(answer))) => answer?,
        Ok(_) => {
            tracing::warn!("the callback for a fresh address panicked; the old address stays");
            return None;
        }
        Err(_) => {
            tracing::warn!("the callback for a fresh address took over {DEADLINE:?}; the old address stays");
            return None;
        }
    };
    text.parse()
        .inspect_err(|error| tracing::warn!(%error, "the fresh address is none; the old address stays"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> RetryContext {
        RetryContext {
            output: OutputId::PRIMARY,
            url: "rtmp://h/live/a?t=1".parse().unwrap(),
            code: PusherCode::ServerClosed,
            reason: "closed".into(),
        }
    }

    fn callback<F: Future<Output = Option<String>> + Send + 'static>(
        answer: impl Fn(RetryContext) -> F + Send + Sync + 'static,
    ) -> FreshUrl {
        Arc::new(move |context| Box::pin(answer(context)))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_taken_and_anything_else_leaves_the_old_address() {
        let good = callback(|context| async move { Some(format!("{}&t=2", context.url.reveal())) });
        assert_eq!(ask(&good, context()).await.unwrap().reveal(), "rtmp://h/live/a?t=1&t=2");
        assert_eq!(ask(&callback(|_| async { None }), context()).await, None);
        assert_eq!(ask(&callback(|_| async { Some("gopher://x".into()) }), context()).await, None);
        assert_eq!(ask(&callback(|_| async { panic!("on purpose") }), context()).await, None);
        let start = tokio::time::Instant::now();
        assert_eq!(ask(&callback(|_| std::future::pending()), context()).await, None);
        assert_eq!(start.elapsed(), DEADLINE);
    }
}
