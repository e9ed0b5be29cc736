//! One RTMP connection of a relay.

use super::Shared;
use super::hub::{Denied, Publication, Viewer};
use crate::net::connect::Deadlines;
use crate::net::drive::{Driver, Stop, Turn};
use crate::rtmp::{ServerEvent, ServerSession};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// What a connection is in use for.
enum Role {
    Nothing,
    Publishes(Publication),
    /// Waits for somebody to publish what it wants to play.
    Waits {
        viewer: Viewer,
        stream: u32,
        until: Instant,
    },
    Plays {
        viewer: Viewer,
        stream: u32,
    },
    /// Its publisher has gone, and may come back.
    Lingers {
        viewer: Viewer,
        stream: u32,
        until: Instant,
    },
}

/// What a role waits for.
enum Wish {
    /// A viewer's stream is published, or nobody came.
    Found(bool),
    /// A viewer's next message.
    Media(Option<crate::rtmp::chunk::Message>),
}

struct Connection {
    shared: Arc<Shared>,
    driver: Driver<TcpStream, ServerSession>,
    role: Role,
}

/// Serves a connection until it ends.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let session = ServerSession::new(now(), shared.config.session);
    let deadlines = Deadlines { silence: shared.config.session.silence, ..Deadlines::default() };
    let driver = Driver::new(stream, session, Arc::default(), &deadlines);
    let mut connection = Connection { shared, driver, role: Role::Nothing };
    match connection.run().await {
        Ok(()) | Err(Stop::Closed) => {}
        Err(reason) => tracing::debug!(%reason, "a connection of the relay has ended"),
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

impl Connection {
    async fn run(&mut self) -> Result<(), Stop> {
        loop {
            while let Some(event) = self.driver.session.poll_event() {
                self.handle(event);
            }
            let wish = async {
                match &self.role {
                    Role::Nothing | Role::Publishes(_) => std::future::pending().await,
                    Role::Waits { viewer, until, .. } | Role::Lingers { viewer, until, .. } => {
                        Wish::Found(timeout_at(*until, viewer.published()).await.is_ok())
                    }
                    Role::Plays { viewer, .. } => Wish::Media(viewer.next().await),
                }
            };
            if let Turn::Source(wish) = self.driver.turn(wish).await? {
                self.fulfil(wish);
            }
        }
    }

    fn handle(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Publish { stream, app, name } => self.publish(stream, &key(&app, &name)),
            ServerEvent::Play { stream, app, name } => self.watch(stream, &key(&app, &name)),
            ServerEvent::Media(message) => {
                if let Role::Publishes(publication) = &self.role {
                    publication.send(&message);
                }
            }
            ServerEvent::Closed { .. } => self.role = Role::Nothing,
        }
    }

    fn publish(&mut self, stream: u32, key: &str) {
        let session = &mut self.driver.session;
        if !matches!(self.role, Role::Nothing) {
            session.refuse(
                now(),
                stream,
                "NetStream.Failed",
                "This connection is in use for another stream.",
            );
            return;
        }
        match self.shared.hub.publish(key) {
            Ok(publication) => {
                self.role = Role::Publishes(publication);
                session.accept(now(), stream);
            }
            Err(Denied::InUse) => {
                session.refuse(
                    now(),
                    stream,
                    "NetStream.Publish.BadName",
                    "The stream is being published already.",
                );
            }
            Err(Denied::Full) => {
                session.refuse(now(), stream, "NetStream.Publish.Denied", "There are too many streams.");
            }
        }
    }

    fn watch(&mut self, stream: u32, key: &str) {
        let session = &mut self.driver.session;
        if !matches!(self.role, Role::Nothing) {
            session.refuse(
                now(),
                stream,
                "NetStream.Failed",
                "This connection is in use for another stream.",
            );
            return;
        }
        match self.shared.hub.watch(key) {
            Ok(viewer) => {
                let until = Instant::now() + self.shared.config.wait;
                self.role = Role::Waits { viewer, stream, until };
            }
            Err(_) => session.refuse(now(), stream, "NetStream.Play.Failed", "There are too many streams."),
        }
    }

    fn fulfil(&mut self, wish: Wish) {
        let session = &mut self.driver.session;
        self.role = match (std::mem::replace(&mut self.role, Role::Nothing), wish) {
            (Role::Waits { viewer, stream, .. }, Wish::Found(true)) => {
                session.accept(now(), stream);
                Role::Plays { viewer, stream }
            }
            (Role::Lingers { viewer, stream, .. }, Wish::Found(true)) => {
                session.resume(stream);
                Role::Plays { viewer, stream }
            }
            (Role::Lingers { stream, .. }, Wish::Found(false)) => {
                session.end(now(), stream);
                Role::Nothing
            }
            (Role::Waits { stream, .. }, Wish::Found(false)) => {
                session.refuse(
                    now(),
                    stream,
                    "NetStream.Play.StreamNotFound",
                    "Nobody publishes this stream.",
                );
                Role::Nothing
            }
            (Role::Plays { viewer, stream }, Wish::Media(Some(message))) => {
                session.send_media(stream, &message);
                Role::Plays { viewer, stream }
            }
            (Role::Plays { viewer, stream }, Wish::Media(None)) => {
                session.pause(stream);
                viewer.begin_again();
                Role::Lingers { viewer, stream, until: Instant::now() + self.shared.config.wait }
            }
            (role, _) => role,
        };
    }
}

/// The stream's entry: application and name, without the tokens that may follow either.
pub(super) fn key(app: &str, name: &str) -> String {
    let bare = |text: &str| text.split('?').next().unwrap_or_default().trim_matches('/').to_owned();
    format!("{}/{}", bare(app), bare(name))
}
