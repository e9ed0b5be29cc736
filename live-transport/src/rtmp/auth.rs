//! User and password as two families of servers want them: `authmod=adobe` and `authmod=llnw` (Limelight).
//!
//! A server that wants them refuses `connect` and says in the description what it wants; the client connects again
//! with its answer behind the application's name. That happens twice: once to get a challenge, once to meet it. The
//! password itself never travels.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};

/// Connections a client makes for one login: the one that is refused, the one that is challenged, the one that answers.
pub const MAX_CONNECTIONS: usize = 3;

/// What a client logs in with.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a str,
}

/// What goes behind the application's name in the next `connect`, after a refusal with `description`; `None` when the
/// refusal is not about a login, or the login failed.
///
/// `client_challenge` is any text of letters and digits that was not used before.
///
/// ```
/// use live_transport::rtmp::auth::{Credentials, answer};
///
/// let credentials = Credentials { user: "me", password: "secret" };
/// let wants = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
/// assert_eq!(answer(credentials, "live", wants, "c0ffee").as_deref(), Some("?authmod=adobe&user=me"));
/// ```
#[must_use]
pub fn answer(
    credentials: Credentials<'_>,
    app: &str,
    description: &str,
    client_challenge: &str,
) -> Option<String> {
    let Credentials { user, .. } = credentials;
    let module = ["adobe", "llnw"].into_iter().find(|m| description.contains(&format!("authmod={m}")))?;
    if description.contains("code=403 need auth") {
        return Some(format!("?authmod={module}&user={user}"));
    }
    let (_, challenge) = description.split_once("?reason=needauth")?;
    let field = |name: &str| {
        let mut pairs = challenge.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map_or("", |(_, value)| value.trim())
    };
    Some(match module {
        "adobe" => {
            let (salt, opaque) = (field("salt"), field("opaque"));
            let server = if opaque.is_empty() { field("challenge") } else { opaque };
            let response = adobe(credentials, salt, server, client_challenge);
            let echoed = if opaque.is_empty() { String::new() } else { format!("&opaque={opaque}") };
            format!("?authmod=adobe&user={user}&challenge={client_challenge}&response={response}{echoed}")
        }
        _ => {
            let nonce = field("nonce");
            let response = limelight(credentials, app, nonce, client_challenge);
            format!(
                "?authmod=llnw&user={user}&nonce={nonce}&cnonce={client_challenge}&nc={COUNT}&response={response}"
            )
        }
    })
}

fn adobe(credentials: Credentials<'_>, salt: &str, server: &str, client: &str) -> String {
    let Credentials { user, password } = credentials;
    let secret = BASE64.encode(Md5::digest(format!("{user}{salt}{password}")));
    BASE64.encode(Md5::digest(format!("{secret}{server}{client}")))
}

/// The request counter of a digest: every connection makes one request.
const COUNT: &str = "00000001";

/// As the digest of HTTP (RFC 2617), with fixed realm and method.
fn limelight(credentials: Credentials<'_>, app: &str, nonce: &str, client: &str) -> String {
    let Credentials { user, password } = credentials;
    let instance = if app.contains('/') { "" } else { "/_definst_" };
    let who = hex(&format!("{user}:live:{password}"));
    let what = hex(&format!("publish:/{app}{instance}"));
    hex(&format!("{who}:{nonce}:{COUNT}:{client}:auth:{what}"))
}

fn hex(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Credentials<'_> = Credentials { user: "me", password: "secret" };

    #[test]
    fn t43_adobe_wants_a_user_and_then_an_answer() {
        let first = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
        assert_eq!(answer(ME, "live", first, "0badcafe").unwrap(), "?authmod=adobe&user=me");
        let second = "[ AccessManager.Reject ] : [ authmod=adobe ] : \
                      ?reason=needauth&user=me&salt=SaLt&challenge=ChAl&opaque=OpAq";
        let expected =
            "?authmod=adobe&user=me&challenge=0badcafe&response=f/YmtFkL6/hFbTJq5wVnQw==&opaque=OpAq";
        assert_eq!(answer(ME, "live", second, "0badcafe").unwrap(), expected);
    }

    #[test]
    fn t43_limelight_wants_a_user_and_then_a_digest() {
        let first = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=llnw ] : ";
        assert_eq!(answer(ME, "live", first, "0badcafe").unwrap(), "?authmod=llnw&user=me");
        let second = "[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=me&nonce=NoNcE";
        let expected = "?authmod=llnw&user=me&nonce=NoNcE&cnonce=0badcafe&nc=00000001&response=701bc8ccde9cf6c7f62681d0f8db32a2";
        assert_eq!(answer(ME, "live", second, "0badcafe").unwrap(), expected);
    }

    #[test]
    fn t43_a_failed_login_and_other_refusals_have_no_answer() {
        for text in [
            "[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=x",
            "[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=nosuchuser",
            "[ AccessManager.Reject ] : [ code=403 need auth; authmod=other ] : ",
            "no such application",
            "",
        ] {
            assert_eq!(answer(ME, "live", text, "x"), None, "{text}");
        }
    }
}
