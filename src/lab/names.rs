//! Names of a lab's hosts, and how commands inside learn them: by one variable, which names no
//! file and is believed only where the process has no more rights than its user.

use std::net::IpAddr;

use crate::sys::process;

/// The variable: `h1 10.5.0.1 fd00:5::1,h2 10.5.0.2 fd00:5::2`.
pub const VARIABLE: &str = "RAWSOCK_LAB_HOSTS";
/// Longest text that is read.
const MAX_TEXT: usize = 4096;

/// Hosts and their addresses, the one to try first at the front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    hosts: Vec<(String, Vec<IpAddr>)>,
}

impl Names {
    /// These hosts.
    pub fn new(hosts: Vec<(String, Vec<IpAddr>)>) -> Self {
        Self { hosts }
    }

    /// Those of the lab that this process runs in; empty outside.
    pub fn here() -> Self {
        let text = std::env::var_os(VARIABLE).and_then(|text| text.into_string().ok());
        match text {
            Some(text) if !process::is_secure() => Self::parse(&text),
            _ => Self::default(),
        }
    }

    /// From the variable's text. What is no address is left out.
    pub fn parse(text: &str) -> Self {
        let text = text.get(..MAX_TEXT).unwrap_or(text);
        let host = |part: &str| {
            let mut words = part.split_ascii_whitespace();
            let name = words.next()?.to_owned();
            let addresses: Vec<IpAddr> = words.filter_map(|word| word.parse().ok()).collect();
            (!addresses.is_empty()).then_some((name, addresses))
        };
        Self::new(text.split(',').filter_map(host).collect())
    }

    /// The variable's text.
    pub fn text(&self) -> String {
        let host = |(name, addresses): &(String, Vec<IpAddr>)| {
            let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("{name} {}", words.join(" "))
        };
        let hosts: Vec<String> = self.hosts.iter().map(host).collect();
        hosts.join(",")
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &[IpAddr])> {
        self.hosts
            .iter()
            .map(|(name, addresses)| (name.as_str(), addresses.as_slice()))
    }

    /// The addresses of a name.
    pub fn addresses(&self, name: &str) -> Option<&[IpAddr]> {
        let found = self.hosts.iter().find(|(known, _)| known == name);
        found.map(|(_, addresses)| addresses.as_slice())
    }

    /// The name of an address.
    pub fn name(&self, address: IpAddr) -> Option<&str> {
        let found = self
            .hosts
            .iter()
            .find(|(_, known)| known.contains(&address));
        found.map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_back_and_rubbish_is_left_out() {
        let text = "h1 10.5.0.1 fd00:5::1,h2 10.5.0.2";
        let names = Names::parse(text);
        assert_eq!(names.text(), text);
        assert_eq!(
            names.addresses("h2"),
            Some(&["10.5.0.2".parse().unwrap()][..])
        );
        assert_eq!(names.name("fd00:5::1".parse().unwrap()), Some("h1"));
        assert_eq!(names.addresses("h3"), None);
        for text in ["", ",", "h1", "h1 nonsense", " , ,"] {
            assert_eq!(Names::parse(text), Names::default(), "{text:?}");
        }
    }
}
