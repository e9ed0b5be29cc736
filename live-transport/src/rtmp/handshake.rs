//! The byte handshake (RTMP section 5.2), with the digest that Flash-era peers add to it.
//!
//! Both sides send a version byte, 1536 bytes of their own, and 1536 bytes in answer. What an answer says is never
//! checked: peers are known that echo nothing, and a wrong echo has no consequence. The client offers a digest, as
//! widespread senders do; a server that does not know of it sees arbitrary bytes, and a server that insists on it is
//! satisfied.

mod digest;

use super::Outgoing;
use bytes::{Buf, BytesMut};
use digest::Signer;
use std::hash::{BuildHasher, RandomState};

/// The only version of the plain protocol.
const VERSION: u8 = 3;

/// Bytes of C1, C2, S1 and S2.
const SIZE: usize = 1536;

/// What the client says its version is: any value from 10 up makes digest-aware servers look for a digest.
const CLIENT_VERSION: [u8; 4] = [10, 0, 32, 18];

/// What the server says its version is, to clients that sent a digest.
const SERVER_VERSION: [u8; 4] = [5, 0, 3, 1];

/// Whose side a handshake is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that connected.
    Client,
    /// The one that was connected to.
    Server,
}

/// The peer speaks another version of the protocol, or another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer's first byte is {0:#04x} where RTMP has its version, 3: is this an RTMP port?")]
pub struct VersionError(pub u8);

/// One side of the handshake: bytes in, bytes out, until it is complete.
#[derive(Debug)]
pub struct Handshake {
    side: Side,
    step: Step,
    /// Our digest, which the peer signs its answer with; unused by us, since answers are not checked.
    offer_digest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// C0 or S0, the version, has not come.
    Version,
    /// C1 or S1 has not come.
    Block,
    /// C2 or S2 has not come.
    Answer,
    Complete,
}

impl Handshake {
    /// The client's side. Writes C0 and C1, with a digest when `offer_digest` says so.
    #[must_use]
    pub fn client(offer_digest: bool, out: &mut Outgoing) -> Self {
        out.put_slice(&[VERSION]);
        let mut block = random_block();
        if offer_digest {
            block[4..8].copy_from_slice(&CLIENT_VERSION);
            Signer::CLIENT.sign_block(&mut block, digest::Scheme::First);
        }
        out.put_slice(&block);
        Self { side: Side::Client, step: Step::Version, offer_digest }
    }

    /// The server's side. Waits for the client.
    #[must_use]
    pub const fn server() -> Self {
        Self { side: Side::Server, step: Step::Version, offer_digest: false }
    }

    /// Whether everything of the peer's handshake has come.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.step == Step::Complete
    }

    /// Takes what it can use from the front of `input` and writes the answers to `out`. Bytes behind the handshake
    /// stay in `input`.
    ///
    /// # Errors
    /// The peer's version is not 3.
    pub fn handle_input(&mut self, input: &mut BytesMut, out: &mut Outgoing) -> Result<(), VersionError> {
        loop {
            match self.step {
                Step::Version if !input.is_empty() => {
                    let version = input.get_u8();
                    if version != VERSION {
                        return Err(VersionError(version));
                    }
                    self.step = Step::Block;
                }
                Step::Block => {
                    let Some(block) = input.first_chunk::<SIZE>() else { return Ok(()) };
                    self.answer(block, out);
                    input.advance(SIZE);
                    self.step = Step::Answer;
                }
                Step::Answer if input.len() >= SIZE => {
                    input.advance(SIZE);
                    self.step = Step::Complete;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Answers the peer's C1 or S1: with an echo, or signed when the peer put a digest in.
    fn answer(&self, block: &[u8; SIZE], out: &mut Outgoing) {
        match self.side {
            Side::Server => {
                let found = digest::find(Signer::CLIENT, block);
                out.put_slice(&[VERSION]);
                let mut own = random_block();
                if let Some((scheme, _)) = &found {
                    own[4..8].copy_from_slice(&SERVER_VERSION);
                    Signer::SERVER.sign_block(&mut own, *scheme);
                }
                out.put_slice(&own);
                match found {
                    Some((_, theirs)) => out.put_slice(&Signer::SERVER.answer_to(&theirs, random_block())),
                    None => out.put_slice(block),
                }
            }
            Side::Client => match digest::find(Signer::SERVER, block).filter(|_| self.offer_digest) {
                Some((_, theirs)) => out.put_slice(&Signer::CLIENT.answer_to(&theirs, random_block())),
                None => out.put_slice(block),
            },
        }
    }
}

/// Time and version zero, then filling that differs from one connection to the next. It protects nothing, so a hasher
/// with the process's random keys is random enough.
fn random_block() -> [u8; SIZE] {
    let keys = RandomState::new();
    let mut block = [0; SIZE];
    for (i, word) in block[8..].chunks_exact_mut(8).enumerate() {
        word.copy_from_slice(&keys.hash_one(i).to_ne_bytes());
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(out: &mut Outgoing) -> BytesMut {
        let mut bytes = BytesMut::new();
        while out.has_remaining() {
            bytes.extend_from_slice(out.chunk());
            out.advance(out.chunk().len());
        }
        bytes
    }

    /// Runs both sides against each other, `step` bytes at a time.
    fn run(offer_digest: bool, step: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut to_server, mut to_client) = (Outgoing::default(), Outgoing::default());
        let mut client = Handshake::client(offer_digest, &mut to_server);
        let mut server = Handshake::server();
        let (mut client_in, mut server_in) = (BytesMut::new(), BytesMut::new());
        let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
        while !(client.is_complete() && server.is_complete()) {
            let bytes = drain(&mut to_server);
            from_client.extend_from_slice(&bytes);
            for piece in bytes.chunks(step) {
                server_in.extend_from_slice(piece);
                server.handle_input(&mut server_in, &mut to_client).unwrap();
            }
            let bytes = drain(&mut to_client);
            from_server.extend_from_slice(&bytes);
            for piece in bytes.chunks(step) {
                client_in.extend_from_slice(piece);
                client.handle_input(&mut client_in, &mut to_server).unwrap();
            }
        }
        (from_client, from_server)
    }

    #[test]
    fn t01_both_sides_complete_with_and_without_digest_for_any_split() {
        for (offer_digest, step) in [(false, 1), (false, 1537), (true, 7), (true, 4000)] {
            let (client, server) = run(offer_digest, step);
            assert_eq!((client.len(), server.len()), (1 + 2 * SIZE, 1 + 2 * SIZE));
            let echoes = client[1..=SIZE] == server[1 + SIZE..];
            assert_eq!(echoes, !offer_digest, "without a digest S2 is C1");
        }
    }

    #[test]
    fn t01_an_s2_that_does_not_echo_c1_does_not_fail() {
        let mut out = Outgoing::default();
        let mut client = Handshake::client(false, &mut out);
        let mut input = BytesMut::from(&[VERSION][..]);
        input.resize(1 + 2 * SIZE, 0x55);
        input.extend_from_slice(b"next");
        client.handle_input(&mut input, &mut out).unwrap();
        assert!(client.is_complete());
        assert_eq!(&input[..], b"next");
    }

    #[test]
    fn t01_another_version_is_a_clean_error() {
        for (mut side, first) in [
            (Handshake::server(), b'G'),
            (Handshake::client(true, &mut Outgoing::default()), b'H'),
            (Handshake::server(), 6),
        ] {
            let error = side.handle_input(&mut BytesMut::from(&[first][..]), &mut Outgoing::default());
            assert_eq!(error, Err(VersionError(first)));
        }
    }

    #[test]
    fn a_digest_offer_is_answered_with_signatures_that_check() {
        let (client, server) = run(true, 4000);
        let c1: &[u8; SIZE] = client[1..].first_chunk().unwrap();
        let s1: &[u8; SIZE] = server[1..].first_chunk().unwrap();
        let (_, c1_digest) = digest::find(Signer::CLIENT, c1).expect("C1 has a digest");
        let (_, s1_digest) = digest::find(Signer::SERVER, s1).expect("S1 has a digest");
        for (signer, digest, answer) in [
            (Signer::SERVER, c1_digest, &server[1 + SIZE..]),
            (Signer::CLIENT, s1_digest, &client[1 + SIZE..]),
        ] {
            let mut expected = *answer.first_chunk().unwrap();
            expected[SIZE - 32..].fill(0);
            assert_eq!(signer.answer_to(&digest, expected), answer);
        }
    }
}
