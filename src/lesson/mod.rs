//! The lessons: what is run, what to look for, what is asked. The answers are counted in the output
//! of the step that has just run; nothing here knows them beforehand but as the range in which a
//! healthy kernel's answer lies. Who runs the steps and talks to the student is the shell's business.

mod book;
mod find;

pub use book::LESSONS;
pub use find::Output;

/// The language of a lesson.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// A sentence in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

impl Text {
    /// In one language.
    pub fn of(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Zh => self.zh,
        }
    }
}

/// One lesson.
#[derive(Debug)]
pub struct Lesson {
    /// What it is called.
    pub title: Text,
    /// What one knows afterwards.
    pub goal: Text,
    /// What is done.
    pub steps: &'static [Step],
    /// What to keep, with its source.
    pub recap: Text,
}

/// One step: a command, and questions about what it showed.
#[derive(Debug)]
pub struct Step {
    /// Words of a rawsock command.
    pub command: &'static [&'static str],
    /// Its standard input, for `call -`; empty: none.
    pub script: &'static str,
    /// What to look for.
    pub look: Text,
    /// Questions about what was shown.
    pub questions: &'static [Question],
}

/// A question whose answer is in the output.
#[derive(Debug)]
pub struct Question {
    /// The question.
    pub ask: Text,
    /// Finds the answer; `None` if the output does not hold it.
    pub answer: fn(&Output<'_>) -> Option<String>,
    /// What a healthy run answers.
    pub expect: Expect,
}

/// The answers that a healthy kernel can give.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// Exactly this.
    Is(&'static str),
    /// A number in this range, ends included.
    Between(u64, u64),
}

impl Expect {
    /// The answer is one of these.
    pub fn allows(self, answer: &str) -> bool {
        match self {
            Self::Is(only) => answer == only,
            Self::Between(low, high) => answer
                .parse()
                .is_ok_and(|number: u64| (low..=high).contains(&number)),
        }
    }
}

/// A student's answer means the same: blanks, case and quotes do not count.
pub fn same_answer(given: &str, right: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '"' | '。' | '.'))
            .flat_map(char::to_lowercase)
            .collect()
    };
    !given.trim().is_empty() && plain(given) == plain(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_fifteen_and_each_asks_in_both_languages() {
        assert_eq!(LESSONS.len(), 15);
        for lesson in LESSONS {
            let asked: usize = lesson.steps.iter().map(|step| step.questions.len()).sum();
            assert!((2..=6).contains(&asked), "{}", lesson.title.en);
            let mut texts = vec![lesson.title, lesson.goal, lesson.recap];
            for step in lesson.steps {
                texts.push(step.look);
                texts.extend(step.questions.iter().map(|question| question.ask));
                assert!(!step.command.is_empty());
            }
            for text in texts {
                assert!(text.en.is_ascii() && !text.en.is_empty(), "{}", text.en);
                assert!(!text.zh.is_ascii(), "{}", text.zh);
            }
        }
    }

    #[test]
    fn answers_are_compared_in_plain_form() {
        assert!(same_answer(" Econnrefused ", "ECONNREFUSED"));
        assert!(same_answer("'onetwo!'", "onetwo!"));
        assert!(!same_answer("", "") && !same_answer("3", "4"));
        assert!(Expect::Between(1, 3).allows("3") && !Expect::Between(1, 3).allows("x"));
    }
}
