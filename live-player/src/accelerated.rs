//! A faster address for the stream, from the application.

use live_core::config::Mistake;
use live_core::{StreamUrl, Subscriber};
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long the application may take (behaviour §5, -2302).
const DEADLINE: Duration = Duration::from_secs(3);

type Answer = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;
type Callback = dyn Fn(StreamUrl) -> Answer + Send + Sync;
/// Finds who plays an address.
pub(crate) type Subscribers = dyn Fn(&StreamUrl) -> Result<Arc<dyn Subscriber>, Mistake> + Send + Sync;

/// Where and how a stream is played.
pub(crate) type Place = (StreamUrl, Arc<dyn Subscriber>);

/// The application's callback.
#[derive(Clone)]
pub(crate) struct Accelerator(Arc<Callback>);

impl Accelerator {
    pub(crate) fn new<F, E>(callback: impl Fn(StreamUrl) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: Display,
    {
        Self(Arc::new(move |src| {
            let answer = callback(src);
            Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
        }))
    }

    /// Asks for the place to play `src` from.
    ///
    /// # Errors
    /// Why there is none, in words without the secrets of `src`.
    pub(crate) async fn ask(&self, src: &StreamUrl, subscribers: &Subscribers) -> Result<Place, String> {
        let (callback, own) = (Arc::clone(&self.0), src.clone());
        // A task of its own, which ends with us: a panic ends there.
        let mut task = JoinSet::new();
        task.spawn(async move { callback(own).await });
        let text = match tokio::time::timeout(DEADLINE, task.join_next()).await {
            Ok(Some(Ok(answer))) => answer.map_err(|reason| src.redact(&reason))?,
            Ok(_) => return Err("the application's callback panicked".to_owned()),
            Err(_) => return Err(format!("the application did not answer within {} s", DEADLINE.as_secs())),
        };
        let url: StreamUrl = text.parse().map_err(|error| format!("what the application gave: {error}"))?;
        let subscriber = subscribers(&url).map_err(|mistake| mistake.problem)?;
        Ok((url, subscriber))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody(url: &StreamUrl) -> Result<Arc<dyn Subscriber>, Mistake> {
        Err(Mistake::new("src", format!("this build does not play {}://", url.scheme())))
    }

    async fn refusal<F>(callback: impl Fn(StreamUrl) -> F + Send + Sync + 'static) -> String
    where
        F: Future<Output = Result<String, String>> + Send + 'static,
    {
        let src = "rtmp://h/live/SECRETkey?token=SECRETtoken".parse().unwrap();
        Accelerator::new(callback).ask(&src, &nobody).await.err().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_application_that_has_no_address_in_time_is_told_apart() {
        let start = tokio::time::Instant::now();
        assert!(refusal(|_| std::future::pending()).await.contains("did not answer within 3 s"));
        assert_eq!(start.elapsed(), DEADLINE);
        assert!(refusal(|_| async { panic!("on purpose") }).await.contains("panicked"));
        assert!(
            refusal(|_| async { Ok("gopher://x".to_owned()) }).await.contains("what the application gave")
        );
        assert!(refusal(|_| async { Ok("ws://x/y.flv".to_owned()) }).await.contains("does not play ws://"));
        let reason = refusal(|src| async move { Err(format!("no node for {}", src.reveal())) }).await;
        assert!(reason.contains("no node for") && !reason.contains("SECRET"), "{reason}");
    }
}
