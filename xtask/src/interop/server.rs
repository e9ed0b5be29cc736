//! The servers that stand between a publisher and its viewers.

use super::lab::Lab;
use super::peer::{Peer, free_port};
use crate::process::{Problem, find};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A running server, ended when dropped.
pub struct Server {
    rtmp: u16,
    http: Option<u16>,
    /// 0 where there is no TLS.
    rtmps: u16,
    _peer: Peer,
}

impl Server {
    /// The address of a stream over RTMP.
    pub fn rtmp(&self, stream: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{stream}", self.rtmp)
    }

    /// The address of a stream over RTMPS.
    pub fn rtmps(&self, stream: &str) -> String {
        format!("rtmps://127.0.0.1:{}/live/{stream}", self.rtmps)
    }

    /// The address of a stream over HTTP-FLV.
    pub fn http(&self, stream: &str) -> Option<String> {
        Some(format!("http://127.0.0.1:{}/live/{stream}.flv", self.http?))
    }

    /// nginx with its RTMP module: the plainest real server. It has no cache, a viewer begins with the next key frame.
    pub fn nginx(folder: &Path) -> Result<Self, Problem> {
        let rtmp = free_port()?;
        let folder = folder.join("nginx");
        write(&folder, "nginx.conf", &include_str!("nginx.conf").replace("PORT", &rtmp.to_string()))?;
        let program = find("nginx").unwrap_or_else(|| "nginx".into());
        let mut command = Command::new(program);
        command.arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "error.log"]);
        let peer = Peer::start("nginx", &folder, &mut command)?.listening(rtmp)?;
        Ok(Self { rtmp, http: None, rtmps: 0, _peer: peer })
    }

    /// node-media-server, where it is installed: RTMP and HTTP-FLV, with a cache of the newest group of pictures.
    pub fn node_media_server(lab: &Lab<'_>, folder: &Path) -> Result<Option<Self>, Problem> {
        let config = include_str!("node-media-server.json");
        Self::node_media_server_as(config, 0, lab, &folder.join("node-media-server"))
    }

    /// As [`node_media_server`](Self::node_media_server), and RTMPS with a certificate for 127.0.0.1, which is given
    /// back and is signed by nobody else.
    pub fn node_media_server_with_tls(
        lab: &Lab<'_>,
        folder: &Path,
    ) -> Result<Option<(Self, PathBuf)>, Problem> {
        let folder = folder.join("node-media-server");
        fs::create_dir_all(&folder)
            .map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))?;
        let mut openssl = Command::new("openssl");
        openssl.current_dir(&folder).args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        openssl.args(["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=127.0.0.1"]);
        openssl.args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        Peer::start("openssl", &folder, &mut openssl)?.succeeded(Duration::from_secs(60))?;
        let rtmps = free_port()?;
        let tls = format!(
            "\"rtmps\": {{ \"port\": {rtmps}, \"key\": \"./key.pem\", \"cert\": \"./cert.pem\" }},\n  \"rtmp\":"
        );
        let config = include_str!("node-media-server.json").replace("\"rtmp\":", &tls);
        let server = Self::node_media_server_as(&config, rtmps, lab, &folder)?;
        Ok(server.map(|server| (server, folder.join("cert.pem"))))
    }

    fn node_media_server_as(
        config: &str,
        rtmps: u16,
        lab: &Lab<'_>,
        folder: &Path,
    ) -> Result<Option<Self>, Problem> {
        let Some(installed) = &lab.node_media_server else { return Ok(None) };
        let (rtmp, http) = (free_port()?, free_port()?);
        let config = config.replace("\"RTMP\"", &rtmp.to_string()).replace("\"HTTP\"", &http.to_string());
        write(folder, "config.json", &config)?;
        let mut command = Command::new("node");
        command.arg(installed.join("bin/app.js")).args(["-c", "config.json", "--no-admin"]);
        let peer = Peer::start("node-media-server", folder, command.current_dir(folder))?;
        let mut peer = peer.listening(rtmp)?.listening(http)?;
        if rtmps > 0 {
            peer = peer.listening(rtmps)?;
        }
        Ok(Some(Self { rtmp, http: Some(http), rtmps, _peer: peer }))
    }

    /// Our own relay.
    pub fn relay(lab: &Lab<'_>, folder: &Path) -> Result<Self, Problem> {
        let (rtmp, http) = (free_port()?, free_port()?);
        let mut command = lab.relay();
        command.args([format!("127.0.0.1:{rtmp}"), format!("127.0.0.1:{http}")]);
        let peer = Peer::start("relay", folder, &mut command)?;
        Ok(Self { rtmp, http: Some(http), rtmps: 0, _peer: peer.listening(rtmp)?.listening(http)? })
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Problem> {
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(folder.join(name), text))
        .map_err(|error| Problem::Failed(format!("{}: {error}", folder.display())))
}
