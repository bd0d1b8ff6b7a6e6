//! One line of a terminal, column by column. Wide characters take two.

use unicode_width::UnicodeWidthChar;

/// The line.
pub struct Canvas {
    /// `None` is the second half of a wide character.
    columns: Vec<Option<char>>,
}

impl Canvas {
    /// Blanks.
    pub fn new(width: usize) -> Self {
        Self {
            columns: vec![Some(' '); width],
        }
    }

    /// One character of one column.
    pub fn put(&mut self, at: usize, c: char) {
        if let Some(place) = self.columns.get_mut(at) {
            *place = Some(c);
        }
    }

    /// A line over blanks, both ends included.
    pub fn line(&mut self, from: usize, to: usize, c: char) {
        for at in from..=to {
            if let Some(place @ Some(' ')) = self.columns.get_mut(at) {
                *place = Some(c);
            }
        }
    }

    /// Something that passes: over blanks it shows, over a line it crosses, words hide it.
    pub fn through(&mut self, at: usize, c: char, line: char, cross: char) {
        if let Some(place) = self.columns.get_mut(at) {
            match place {
                Some(' ') => *place = Some(c),
                Some(there) if *there == line => *place = Some(cross),
                _ => {}
            }
        }
    }

    /// Text where nothing stands yet.
    pub fn text(&mut self, at: usize, text: &str) {
        self.write(at, text, false);
    }

    /// Text over what stands there.
    pub fn over(&mut self, at: usize, text: &str) {
        self.write(at, text, true);
    }

    fn write(&mut self, at: usize, text: &str, over: bool) {
        let mut column = at;
        for c in text.chars() {
            let wide = c.width().unwrap_or(0);
            if wide == 0 {
                continue;
            }
            let free = (column..column + wide).all(|at| match self.columns.get(at) {
                Some(Some(' ')) => true,
                Some(_) => over,
                None => false,
            });
            if free && (over || c != ' ') {
                self.put(column, c);
                if wide == 2
                    && let Some(place) = self.columns.get_mut(column + 1)
                {
                    *place = None;
                }
            }
            column += wide;
        }
    }

    /// Appends the line without blanks at its end.
    pub fn push_line(&self, out: &mut String) {
        out.extend(self.columns.iter().flatten());
        let kept = out.trim_end_matches(' ').len();
        out.truncate(kept);
        out.push('\n');
    }
}
