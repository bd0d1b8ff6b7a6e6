//! `-J` and `-j`: who takes the time of a packet, the kernel or the card, by libpcap's names.

use std::fmt::Write as _;
use std::net::UdpSocket;

use crate::capture::live::Device;
use crate::error::Error;
use crate::sys::card_clock;

/// Whose time stamps are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StampKind {
    /// The kernel's, on the wall clock
    #[default]
    Host,
    /// The card's, on the wall clock: no driver gives them any more
    Adapter,
    /// The card's, on the clock of the card
    #[value(name = "adapter_unsynced")]
    AdapterUnsynced,
}

/// `-J`: the kinds of each device, in tcpdump's words.
pub fn list(devices: &[Device]) -> Result<u8, Error> {
    let mut text = String::new();
    for device in devices {
        let name = &device.name;
        let _ = writeln!(
            text,
            "Time stamp types for {name} (use option -j to set):\n  host (Host)"
        );
        if has_card_clock(device) {
            text.push_str("  adapter_unsynced (Adapter, not synced with system time)\n");
        }
    }
    crate::cli::print(text.as_bytes())?;
    Ok(0)
}

/// Makes the cards of all devices stamp. `Err`: why one does not, in a line.
pub fn switch_on(kind: StampKind, devices: &[Device]) -> Result<(), String> {
    for device in devices {
        let name = &device.name;
        if kind == StampKind::Adapter || !has_card_clock(device) {
            return Err(format!(
                "{name} has no time stamps of that type: the kernel's are used"
            ));
        }
        let switched = any_socket().and_then(|socket| card_clock::stamp_everything(socket, name));
        switched.map_err(|error| {
            format!(
                "cannot let the card of {name} stamp packets: {error}: the kernel's stamps are used"
            )
        })?;
    }
    Ok(())
}

fn has_card_clock(device: &Device) -> bool {
    let asked = any_socket().and_then(|socket| card_clock::stamps_everything(socket, &device.name));
    device.index != 0 && asked.unwrap_or(false)
}

/// Requests about links go through any socket.
fn any_socket() -> std::io::Result<UdpSocket> {
    UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))
}
