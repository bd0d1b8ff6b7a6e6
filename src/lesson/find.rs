//! Finding answers in what a step printed, as a student does: by its lines. The output is our own
//! commands'; a test of each lesson holds them together.

/// What a step printed.
#[derive(Clone, Copy, Debug)]
pub struct Output<'t> {
    text: &'t str,
}

impl<'t> Output<'t> {
    /// The output of a step.
    pub fn new(text: &'t str) -> Self {
        Self { text }
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = &'t str> {
        self.text.lines()
    }

    /// How many lines hold all of `words`.
    pub fn count(&self, words: &[&str]) -> Option<String> {
        let lines = self.lines().filter(|line| holds(line, words));
        Some(lines.count().to_string())
    }

    /// What follows `mark` in the first line that holds it, up to `end` (or the line's end).
    pub fn after(&self, mark: &str, end: &str) -> Option<String> {
        let line = self.lines().find(|line| line.contains(mark))?;
        let (_, rest) = line.split_once(mark)?;
        let found = if end.is_empty() {
            rest
        } else {
            rest.split_once(end).map_or(rest, |(found, _)| found)
        };
        Some(found.trim().to_owned())
    }

    /// The line of the `nth` call (from 1) of a method in a trace.
    fn call(&self, method: &str, nth: usize) -> Option<(usize, &'t str)> {
        let calls = self
            .lines()
            .enumerate()
            .filter(|(_, line)| method_of(line) == Some(method));
        calls.into_iter().nth(nth.checked_sub(1)?)
    }

    /// The result of the `nth` call of a method: `3`, `12 "onetwo!three"`.
    pub fn result(&self, method: &str, nth: usize) -> Option<String> {
        let (_, line) = self.call(method, nth)?;
        let (_, rest) = line.split_once(") ")?;
        let (_, rest) = rest.split_once("= ")?;
        let result = rest.split("  ").next()?;
        Some(result.trim().to_owned())
    }

    /// The first word of a result: the number that a call gave back.
    pub fn number(&self, method: &str, nth: usize) -> Option<String> {
        let result = self.result(method, nth)?;
        let word = result.split([' ', ',']).next()?;
        Some(word.to_owned())
    }

    /// The name of the error of the `nth` call of a method: `ECONNREFUSED`.
    pub fn error(&self, method: &str, nth: usize) -> Option<String> {
        let result = self.result(method, nth)?;
        let name = result.strip_prefix("-1 ")?;
        name.split(' ').next().map(str::to_owned)
    }

    /// How many packets stand under the `nth` call of a method.
    pub fn packets(&self, method: &str, nth: usize) -> Option<String> {
        let (at, _) = self.call(method, nth)?;
        let under = self
            .lines()
            .skip(at.checked_add(1)?)
            .take_while(|line| method_of(line).is_none());
        Some(under.filter(|line| is_packet(line)).count().to_string())
    }

    /// A cell of a table: the row that begins with `head`, the `column`-th value (from 1) of those
    /// that two blanks or more separate.
    pub fn cell(&self, head: &str, column: usize) -> Option<String> {
        let row = self
            .lines()
            .find(|line| line.trim_start().starts_with(head))?;
        let (_, rest) = row.split_once(head)?;
        let cells = rest
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        cells
            .into_iter()
            .nth(column.checked_sub(1)?)
            .map(str::to_owned)
    }
}

fn holds(line: &str, words: &[&str]) -> bool {
    words.iter().all(|word| line.contains(word))
}

fn is_packet(line: &str) -> bool {
    line.contains("-->") || line.contains("<--")
}

/// The method of a line of a trace: a descriptor or a dash, a name, an open parenthesis, and the
/// result behind an equals sign.
fn method_of(line: &str) -> Option<&str> {
    if is_packet(line) || !line.contains(" = ") {
        return None;
    }
    let (head, _) = line.split_once('(')?;
    let mut words = head.split_whitespace().rev();
    let method = words.next()?;
    let descriptor = words.next()?;
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_fd = descriptor == "-" || descriptor.parse::<u32>().is_ok();
    (is_fd && method.chars().all(is_name)).then_some(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
  fd call                              result    time  what it means
   - socket(AF_INET, SOCK_STREAM, 0)   = 3      17 us  a new socket  [CLOSED]
       the kernel chose: domain 2 AF_INET
b    4 connect(127.0.0.1:9000)         = -1 ECONNREFUSED (111)    4.6 ms  nobody (there)  [CLOSED]
       --> IP 127.0.0.1 > 127.0.0.1: TCP 40986 > 9000 [S], seq 1
       <-- IP 127.0.0.1 > 127.0.0.1: TCP 9000 > 40986 [R.], seq 0
   5 recv(1024)                        = 12 \"one = (two)\"     25 us  [ESTABLISHED]
";

    #[test]
    fn calls_results_and_packets_are_found() {
        let out = Output::new(TRACE);
        assert_eq!(out.number("socket", 1).as_deref(), Some("3"));
        assert_eq!(out.error("connect", 1).as_deref(), Some("ECONNREFUSED"));
        assert_eq!(out.packets("connect", 1).as_deref(), Some("2"));
        assert_eq!(out.packets("recv", 1).as_deref(), Some("0"));
        assert_eq!(out.result("recv", 1).as_deref(), Some("12 \"one = (two)\""));
        assert_eq!(out.result("recv", 2), None);
        assert_eq!(out.after("domain ", " ").as_deref(), Some("2"));
        assert_eq!(out.count(&["TCP", "[R.]"]).as_deref(), Some("1"));
    }

    #[test]
    fn cells_are_found_by_row_and_column() {
        let out =
            Output::new("                TCP     UDP\n  data again    3       -\nrecvs   1\n");
        assert_eq!(out.cell("data again", 2).as_deref(), Some("-"));
        assert_eq!(out.cell("recvs", 1).as_deref(), Some("1"));
        assert_eq!(out.cell("recvs", 2), None);
    }
}
