//! `struct tcp_info` of linux/tcp.h: the part that every kernel since 2.6 has.

use std::fmt;
use std::time::Duration;

/// The state of a TCP connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Number of the state, 1 for ESTABLISHED.
    pub state: u8,
    /// Retransmission timeouts in a row, now.
    pub retransmits: u8,
    /// Retransmission timeout.
    pub rto: Duration,
    /// Largest segment to send.
    pub snd_mss: u32,
    /// Segments in flight; of a listener: connections that wait to be accepted.
    pub unacked: u32,
    /// Of a listener: how many may wait.
    pub sacked: u32,
    /// Segments that are retransmitted and not acknowledged.
    pub retrans: u32,
    /// Path MTU.
    pub pmtu: u32,
    /// Smoothed round trip time.
    pub rtt: Duration,
    /// Its variation.
    pub rttvar: Duration,
    /// Congestion window in segments.
    pub snd_cwnd: u32,
    /// Segments retransmitted in all.
    pub total_retrans: u32,
}

impl TcpInfo {
    /// More than any kernel writes so far.
    pub const SIZE: usize = 512;

    /// Reads what getsockopt(2) wrote; `None` if it is cut.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        let micros = |at: usize| Some(Duration::from_micros(word(at)?.into()));
        Some(Self {
            state: *bytes.first()?,
            retransmits: *bytes.get(2)?,
            rto: micros(8)?,
            snd_mss: word(16)?,
            unacked: word(24)?,
            sacked: word(28)?,
            retrans: word(36)?,
            pmtu: word(60)?,
            rtt: micros(68)?,
            rttvar: micros(72)?,
            snd_cwnd: word(80)?,
            total_retrans: word(100)?,
        })
    }

    /// Name of the state (RFC 9293 3.3.2), in the kernel's numbers (include/net/tcp_states.h).
    pub fn state_name(&self) -> &'static str {
        match self.state {
            1 => "ESTABLISHED",
            2 => "SYN-SENT",
            3 => "SYN-RECEIVED",
            4 => "FIN-WAIT-1",
            5 => "FIN-WAIT-2",
            6 => "TIME-WAIT",
            7 => "CLOSED",
            8 => "CLOSE-WAIT",
            9 => "LAST-ACK",
            10 => "LISTEN",
            11 => "CLOSING",
            _ => "unknown state",
        }
    }
}

impl fmt::Display for TcpInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state_name())?;
        match self.state {
            7 => Ok(()),
            10 => write!(
                f,
                ", {} of {} wait to be accepted",
                self.unacked, self.sacked
            ),
            _ => write!(
                f,
                ", cwnd {}, rtt {} us, rto {} ms, mss {}, in flight {}, retransmitted {}",
                self.snd_cwnd,
                self.rtt.as_micros(),
                self.rto.as_millis(),
                self.snd_mss,
                self.unacked,
                self.total_retrans
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_bytes_are_no_state() {
        let bytes = [1; 104];
        assert!(TcpInfo::parse(&bytes).is_some());
        for cut in 0..104 {
            assert_eq!(TcpInfo::parse(&bytes[..cut]), None, "{cut}");
        }
    }
}
