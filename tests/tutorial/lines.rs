//! `rawsock call --json` of a few lines, and what it said of each statement. No test here.

use libtest_mimic::Failed;
use rawsock::lab::Host;
use serde_json::Value;

use crate::program::{RAWSOCK, Run, run};

/// A finished run.
pub struct Lines {
    pub run: Run,
    pub statements: Vec<Value>,
}

/// Makes these lines in a host.
pub fn lines(host: &Host, script: &str) -> Result<Lines, Failed> {
    let run = run(host, RAWSOCK, &["call", "--json", "-c", script])?;
    let statements = run.of_type("statement")?;
    Ok(Lines { run, statements })
}

/// The same, and everything must come as it is expected in them.
pub fn good(host: &Host, script: &str) -> Result<Lines, Failed> {
    let lines = lines(host, script)?;
    assert_eq!(lines.run.code(), Some(0), "{}", lines.run);
    Ok(lines)
}

impl Lines {
    /// The statement that was written so.
    pub fn of(&self, text: &str) -> &Value {
        let found = self
            .statements
            .iter()
            .find(|statement| statement["text"] == text);
        found.unwrap_or_else(|| panic!("no statement {text}: {}", self.run))
    }

    /// Texts of the packets under a statement.
    pub fn packets(&self, text: &str) -> Vec<String> {
        let packets = self.of(text)["packets"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let text = |packet: &Value| packet["text"].as_str().unwrap().to_owned();
        packets.iter().map(text).collect()
    }
}
