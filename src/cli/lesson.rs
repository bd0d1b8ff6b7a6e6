//! `rawsock lesson`: runs a lesson's steps, shows what they print, asks, and checks the answers.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use crate::error::Error;
use crate::lesson::{LESSONS, Lang, Lesson, Output, Question, Step, same_answer};

/// Most bytes of a step's output; more is read and thrown away.
const MOST: u64 = 4 << 20;
/// Wrong answers before the right one is told.
const TRIES: u32 = 2;

const EXAMPLES: &str = "\
Examples:
  rawsock lesson list              what there is
  rawsock lesson 1                 TCP: handshake, echo, close
  rawsock lesson 1 --lang zh       the same in Chinese
  rawsock lesson all --auto        every lesson, answering itself";

/// Learn about sockets and packets by running them
#[derive(Clone, Debug, clap::Args)]
#[command(disable_version_flag = true, after_help = EXAMPLES)]
pub struct Args {
    /// `list`, a number, or `all`
    #[arg(value_name = "WHICH", default_value = "list", value_parser = which)]
    which: Which,
    /// Run without stopping, answer the questions from what was seen, exit 1 if anything is not as expected
    #[arg(long)]
    auto: bool,
    /// Language: en or zh
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = lang)]
    lang: Lang,
}

#[derive(Clone, Copy, Debug)]
enum Which {
    List,
    All,
    One(usize),
}

/// Runs the command; gives the exit code.
pub fn run(args: &Args) -> Result<u8, Error> {
    let lessons: Vec<(usize, &Lesson)> = match args.which {
        Which::List => return list(args.lang),
        Which::All => LESSONS.iter().enumerate().collect(),
        Which::One(number) => LESSONS.iter().enumerate().skip(number).take(1).collect(),
    };
    let mut wrong = 0;
    for (number, lesson) in lessons {
        wrong += Teacher { args }.teach(number, lesson)?;
    }
    Ok(u8::from(wrong > 0))
}

fn list(lang: Lang) -> Result<u8, Error> {
    let mut out = String::new();
    for (number, lesson) in LESSONS.iter().enumerate() {
        let _ = writeln!(out, "{number:>2}  {}", lesson.title.of(lang));
    }
    super::print(out.as_bytes())?;
    Ok(0)
}

/// One lesson in the making.
struct Teacher<'a> {
    args: &'a Args,
}

impl Teacher<'_> {
    /// Teaches a lesson; gives how many answers were not as they must be.
    fn teach(&self, number: usize, lesson: &Lesson) -> Result<u32, Error> {
        let lang = self.args.lang;
        let title = lesson.title.of(lang);
        say(&format!(
            "== {number}. {title} ==\n{}\n",
            lesson.goal.of(lang)
        ))?;
        let mut wrong = 0;
        for step in lesson.steps {
            wrong += self.step(step)?;
        }
        say(&format!("{}\n\n", lesson.recap.of(lang)))?;
        Ok(wrong)
    }

    fn step(&self, step: &Step) -> Result<u32, Error> {
        let lang = self.args.lang;
        say(&format!("\n$ rawsock {}\n", step.command.join(" ")))?;
        for line in step.script.lines() {
            say(&format!("  {line}\n"))?;
        }
        self.pause(match lang {
            Lang::En => "[Enter runs it] ",
            Lang::Zh => "[回车运行] ",
        })?;
        let (text, done) = play(step)?;
        say(&text)?;
        if !done {
            say(match lang {
                Lang::En => "\n(this step could not be run)\n",
                Lang::Zh => "\n（这一步无法运行）\n",
            })?;
            return Ok(1);
        }
        say(&format!("\n>> {}\n", step.look.of(lang)))?;
        let output = Output::new(&text);
        let mut wrong = 0;
        for question in step.questions {
            wrong += u32::from(!self.ask(question, &output)?);
        }
        Ok(wrong)
    }

    /// Asks; `false` if what was seen is not what must be, or if there was no answer in it.
    fn ask(&self, question: &Question, output: &Output<'_>) -> Result<bool, Error> {
        let lang = self.args.lang;
        let right = (question.answer)(output);
        say(&format!("? {} ", question.ask.of(lang)))?;
        let Some(right) = right else {
            say(match lang {
                Lang::En => "(the output above does not hold the answer)\n",
                Lang::Zh => "（上面的输出里没有答案）\n",
            })?;
            return Ok(false);
        };
        let expected = question.expect.allows(&right);
        if self.args.auto {
            let mark = if expected {
                ""
            } else {
                "   <- not as expected"
            };
            say(&format!("{right}{mark}\n"))?;
            return Ok(expected);
        }
        for _ in 0..TRIES {
            let Some(given) = line()? else { break };
            if same_answer(&given, &right) {
                say(match lang {
                    Lang::En => "Right.\n",
                    Lang::Zh => "对。\n",
                })?;
                return Ok(true);
            }
            say(match lang {
                Lang::En => "No. Look once more: ",
                Lang::Zh => "不对。再看一遍：",
            })?;
        }
        say(&match lang {
            Lang::En => format!("It is {right}.\n"),
            Lang::Zh => format!("答案是 {right}。\n"),
        })?;
        Ok(expected)
    }

    fn pause(&self, prompt: &str) -> Result<(), Error> {
        if !self.args.auto {
            say(prompt)?;
            line()?;
        }
        Ok(())
    }
}

/// Runs a step as a program of its own, which drops its own rights; what it printed, and
/// whether it could do its work.
fn play(step: &Step) -> Result<(String, bool), Error> {
    let failed = |source| Error::Io {
        operation: "run",
        object: format!("rawsock {}", step.command.join(" ")),
        source,
    };
    let exe = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let (mut output, both) = io::pipe().map_err(failed)?;
    let mut command = Command::new(exe);
    command.args(step.command).env("NO_COLOR", "1");
    command.stdin(if step.script.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    command
        .stdout(both.try_clone().map_err(failed)?)
        .stderr(both);
    let mut child = command.spawn().map_err(failed)?;
    // Its ends of the pipe are the child's alone, so that reading ends when it does.
    drop(command);
    let script = step.script;
    let writer = child.stdin.take().map(|mut stdin| {
        // The child may end before it has read everything.
        thread::spawn(move || drop(stdin.write_all(script.as_bytes())))
    });
    let mut bytes = Vec::new();
    let read = (&mut output).take(MOST).read_to_end(&mut bytes);
    io::copy(&mut output, &mut io::sink()).map_err(failed)?;
    read.map_err(failed)?;
    if let Some(writer) = writer {
        let _ = writer.join();
    }
    let status = child.wait().map_err(failed)?;
    // It has escaped what came from outside; this is for our own slips.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // 1 says that a call failed or that nobody answered, which some lessons are about.
    Ok((text, status.code().is_some_and(|code| code <= 1)))
}

fn say(text: &str) -> Result<(), Error> {
    super::print(text.as_bytes())
}

/// A line of the student's; `None` at the end of the input.
fn line() -> Result<Option<String>, Error> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let count = read.map_err(|source| Error::Io {
        operation: "read",
        object: "standard input".into(),
        source,
    })?;
    Ok((count > 0).then_some(line))
}

fn which(text: &str) -> Result<Which, String> {
    match text {
        "list" => Ok(Which::List),
        "all" => Ok(Which::All),
        _ => {
            let number = text.parse().ok().filter(|number| *number < LESSONS.len());
            let told = format!("list, all, or a number from 0 to {}", LESSONS.len() - 1);
            number.map(Which::One).ok_or(told)
        }
    }
}

fn lang(text: &str) -> Result<Lang, String> {
    match text {
        "en" => Ok(Lang::En),
        "zh" => Ok(Lang::Zh),
        _ => Err("en or zh".into()),
    }
}
