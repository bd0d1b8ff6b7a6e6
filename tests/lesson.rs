//! The lessons, run: every answer is in the output and is what a healthy kernel gives, in both
//! languages; and a student who errs.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn lesson(args: &[&str], answers: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rawsock"));
    command.arg("lesson").args(args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(answers.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// The lines of a run that answered itself.
fn by_itself(lang: &str) -> Vec<String> {
    let output = lesson(&["all", "--auto", "--lang", lang], "");
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let wrong: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.contains("<- not as expected")
                || line.contains("(this step")
                || line.contains("无法运行")
        })
        .collect();
    assert_eq!(output.status.code(), Some(0), "{wrong:#?}\n{errors}");
    let asked = text.lines().filter(|line| line.starts_with("? "));
    asked.map(str::to_owned).collect()
}

#[test]
fn all_lessons_answer_themselves_in_both_languages() {
    let (english, chinese) = (by_itself("en"), by_itself("zh"));
    assert!(english.len() >= 40, "{}", english.len());
    assert_eq!(english.len(), chinese.len());
    assert!(english.iter().all(|line| line.is_ascii()), "{english:#?}");
    assert!(!chinese.iter().any(|line| line.is_ascii()), "{chinese:#?}");
}

#[test]
fn a_student_is_told_what_is_right() {
    // Enter, then: one right answer, one wrong and then right, one wrong twice, one in other words.
    let answers = "\n3\n7\n0\n9\n9\n 2 \n";
    let output = lesson(&["1"], answers);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches("Right.").count(), 3, "{text}");
    assert_eq!(text.matches("No. Look once more: ").count(), 3, "{text}");
    assert!(text.contains("It is 0."), "{text}");
    assert_eq!(
        output.status.code(),
        Some(0),
        "the kernel was as it must be"
    );
}

#[test]
fn the_list_names_all_and_others_are_refused() {
    let text = String::from_utf8(lesson(&["list"], "").stdout).unwrap();
    assert_eq!(text.lines().count(), 15);
    assert!(text.contains(" 9  ICMP echo by hand: IP_HDRINCL"), "{text}");
    for wrong in ["15", "-", "tcp"] {
        let output = lesson(&[wrong], "");
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("list, all, or a number from 0 to 14"),
            "{text}"
        );
    }
}
