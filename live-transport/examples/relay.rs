//! A relay on two ports: `cargo run -p live-transport --features relay --example relay 127.0.0.1:1935 127.0.0.1:8080`.

use live_transport::net::relay::{Relay, RelayConfig};
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let mut addresses = std::env::args().skip(1);
    let mut next =
        |default: &str| addresses.next().unwrap_or_else(|| default.to_owned()).parse::<SocketAddr>();
    let (rtmp, http) = (next("127.0.0.1:1935")?, next("127.0.0.1:8080")?);
    let relay = Relay::bind(RelayConfig::new(rtmp).with_http(http)).await?;
    println!("serving rtmp://{rtmp}/live/NAME and http://{http}/live/NAME.flv");
    relay.run().await;
    Ok(())
}
