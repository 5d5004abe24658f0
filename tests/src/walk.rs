//! A page of documentation that is walked through as a reader would: its files are written, its commands run, and what they print
//! is held against what the page shows. Knows nothing of what the page is about.
//!
//! Of its fenced blocks, `console` holds commands behind `$ ` with what they print. A word behind the language names a file: `diff`
//! changes it at one place, any other language is all that it holds. With `measured` behind `console`, figures are not compared.
//! Everywhere `…` stands for anything in a line, alone for any lines. What cargo tells of its progress is left out, and so is where
//! the checkout lies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::cli;

/// Where a reader's checkout lies, on the page.
const CHECKOUT: &str = "/home/you/trueup";
/// What cargo tells of its progress.
const PROGRESS: [&str; 8] = ["Compiling", "Finished", "Blocking", "Updating", "Locking", "Adding", "Removing", "Running"];
/// Anything.
const ANY: char = '…';

/// One fenced block.
struct Block {
    /// The words behind the fence.
    words: Vec<String>,
    /// The line of its fence, from one.
    line: usize,
    /// What stands in it, without the fences.
    text: String,
}

/// Where a page is walked through.
pub struct Walk {
    // Holds the folder, and cargo's settings above it.
    root: tempfile::TempDir,
    folder: PathBuf,
    bless: bool,
}

impl Walk {
    /// An empty folder, from which a rule's crate finds this repository's toolchain and what was compiled for it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self> {
        let target = cli::root().join("target");
        let root = tempfile::Builder::new().prefix("walk-").tempdir_in(&target)?;
        let settings = format!("[build]\ntarget-dir = {target:?}\n[net]\noffline = true\n");
        for (path, text) in [(".cargo/config.toml", settings.as_str()), ("bin/.keep", ""), ("empty/.keep", "")] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().context("a folder")?)?;
            fs::write(path, text)?;
        }
        fs::remove_file(root.path().join("empty/.keep"))?;
        std::os::unix::fs::symlink(cli::binary()?, root.path().join("bin/trueup"))?;
        let (folder, bless) = (root.path().join("empty"), std::env::var_os("TRUEUP_BLESS").is_some_and(|value| value == "1"));
        Ok(Walk { root, folder, bless })
    }

    /// Where the reader is now.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Walks through a page. Where `afresh` names a file, it begins each section but the first as the first one left it. With
    /// `TRUEUP_BLESS=1` what is printed is written into the page.
    ///
    /// # Errors
    /// Where the page shows something else than what happens, with its line.
    pub fn through(&mut self, page: &Path, afresh: Option<&str>) -> Result<()> {
        let text = fs::read_to_string(page).with_context(|| page.display().to_string())?;
        let mut out = String::new();
        let mut kept: Option<String> = None;
        let (mut wrong, mut before) = (Vec::new(), 0);
        for (number, section) in
            text.split_inclusive('\n').collect::<Vec<_>>().chunk_by(|_, next| !next.starts_with("## ")).enumerate()
        {
            if let (Some(file), 1..) = (afresh, number) {
                let path = self.folder.join(file);
                match &kept {
                    Some(text) => fs::write(&path, text)?,
                    None => kept = Some(fs::read_to_string(&path)?),
                }
            }
            for part in parts(&section.concat(), before) {
                match part {
                    Part::Words(words) => out.push_str(&words),
                    Part::Block(block) => {
                        let place = format!("{}:{}", page.display(), block.line);
                        let shown = self.block(&block).with_context(|| place.clone())?;
                        if let Some(real) = shown {
                            wrong.push(format!("{place}: the page shows\n{}and what happens is\n{real}", block.text));
                            out.push_str(&fenced(&block, &real));
                        } else {
                            out.push_str(&fenced(&block, &block.text));
                        }
                    }
                }
            }
            before += section.len();
        }
        if self.bless {
            return Ok(fs::write(page, out)?);
        }
        ensure!(wrong.is_empty(), "{}\nif that is right, write it into the page: TRUEUP_BLESS=1", wrong.join("\n"));
        Ok(())
    }

    /// Does what a block says. Returns what it should say, where that is something else.
    fn block(&mut self, block: &Block) -> Result<Option<String>> {
        let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["console"] => self.console(&block.text, false),
            ["console", "measured"] => self.console(&block.text, true),
            ["diff", file] => {
                let path = self.folder.join(file);
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let side = |left_out: char| -> String {
                    let lines = block.text.split_inclusive('\n').filter(|line| !line.starts_with(left_out));
                    lines.map(|line| line.get(1..).filter(|_| line.len() > 1).unwrap_or("\n")).collect()
                };
                let (before, after) = (side('+'), side('-'));
                ensure!(text.matches(&before).count() == 1, "`{file}` does not hold this once:\n{before}");
                fs::write(&path, text.replace(&before, &after))?;
                Ok(None)
            }
            [_, file] => {
                let path = self.folder.join(file);
                fs::create_dir_all(path.parent().context("a folder")?)?;
                fs::write(path, &block.text)?;
                Ok(None)
            }
            _ => anyhow::bail!("a block is `console`, or names its file"),
        }
    }

    fn console(&mut self, text: &str, measured: bool) -> Result<Option<String>> {
        let (mut same, mut real) = (true, String::new());
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for part in lines.chunk_by(|_, next| !next.starts_with("$ ")) {
            let (first, shown) = part.split_first().context("a command")?;
            let command = first.trim_end().strip_prefix("$ ").with_context(|| format!("`{first}` is no command"))?;
            let shown = &shown.concat();
            let printed = self.run(command)?;
            let alike =
                if measured { alike(&without_figures(shown), &without_figures(&printed)) } else { alike(shown, &printed) };
            same &= alike;
            real.push_str(&format!("$ {command}\n{}", if alike { shown } else { &printed }));
        }
        Ok((!same).then_some(real))
    }

    /// What a command prints. It fails where it tells of an error, and nowhere else.
    fn run(&mut self, command: &str) -> Result<String> {
        if let Some(folder) = command.strip_prefix("cd ") {
            self.folder = self.folder.join(folder);
            ensure!(self.folder.is_dir(), "there is no `{folder}`");
            return Ok(String::new());
        }
        let own = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([self.root.path().join("bin")].into_iter().chain(std::env::split_paths(&own)))?;
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(&self.folder)
            .env("PATH", path)
            .env_remove("TRUEUP_BLESS")
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).replace(&cli::root().display().to_string(), CHECKOUT);
        let lines = text.split_inclusive('\n').filter(|line| {
            let word = line.trim_start().split(' ').next().unwrap_or_default();
            !(line.starts_with("  ") && PROGRESS.contains(&word))
        });
        let text: String = lines.map(|line| line.trim_end().to_owned() + "\n").collect();
        let told = text.contains("error[") || text.contains("\nfailed ") || text.starts_with("failed ");
        ensure!(output.status.success() != told, "`{command}` returned {}:\n{text}", output.status);
        Ok(text)
    }
}

enum Part {
    Words(String),
    Block(Block),
}

/// The blocks of a text and what stands between them, `before` lines down its page.
fn parts(text: &str, before: usize) -> Vec<Part> {
    let (mut parts, mut block): (Vec<Part>, Option<Block>) = (Vec::new(), None);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        match (line.strip_prefix("```"), &mut block) {
            (Some(_), Some(_)) => parts.extend(block.take().map(Part::Block)),
            (Some(words), None) => {
                let words = words.split_whitespace().map(str::to_owned).collect();
                block = Some(Block { words, line: before + at + 1, text: String::new() });
            }
            (None, Some(block)) => block.text.push_str(line),
            (None, None) => match parts.last_mut() {
                Some(Part::Words(words)) => words.push_str(line),
                _ => parts.push(Part::Words(line.to_owned())),
            },
        }
    }
    parts
}

fn fenced(block: &Block, text: &str) -> String {
    format!("```{}\n{text}```\n", block.words.join(" "))
}

/// Each number as `#`, and spaces that make columns as one.
fn without_figures(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        for word in line.split_whitespace() {
            let figure =
                word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || ".,%".contains(c));
            out.push_str(if figure { "#" } else { word });
            out.push(' ');
        }
        out.push('\n');
    }
    out
}

/// Whether a text is as it was shown, with `…` for anything in a line, or alone for any lines.
fn alike(shown: &str, real: &str) -> bool {
    fn lines(shown: &[&str], real: &[&str]) -> bool {
        match (shown, real) {
            ([], []) => true,
            ([first, rest @ ..], _) if first.chars().eq([ANY]) => (0..=real.len()).any(|skip| lines(rest, &real[skip..])),
            ([first, rest @ ..], [line, after @ ..]) => in_line(first, line) && lines(rest, after),
            _ => false,
        }
    }
    lines(&shown.lines().collect::<Vec<_>>(), &real.lines().collect::<Vec<_>>())
}

fn in_line(shown: &str, real: &str) -> bool {
    match shown.split_once(ANY) {
        None => shown == real,
        Some((before, after)) => {
            let Some(rest) = real.strip_prefix(before) else { return false };
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| in_line(after, &rest[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{alike, without_figures};

    #[test]
    fn what_is_shown_may_leave_out_what_it_says_it_does() {
        for (shown, real, same) in [
            ("a\nb\n", "a\nb\n", true),
            ("a\n", "a\nb\n", false),
            ("a\n…\n", "a\nb\nc\n", true),
            ("…\nc\n", "a\nb\nc\n", true),
            ("…\nd\n", "a\nb\nc\n", false),
            ("took … s\n", "took 1.5 s\n", true),
            ("took … s\n", "took 1.5 min\n", false),
            ("", "\n", false),
        ] {
            assert_eq!(alike(shown, real), same, "{shown:?} {real:?}");
        }
        assert_eq!(without_figures("  12,345 of  7 %  a1\n"), without_figures("1 of 1,000.5 % a1\n"));
        assert_ne!(without_figures("12 of\n"), without_figures("12 from\n"));
    }
}
