//! Which places of a rule's source its cases reach, told by the compiler's own counters in the native build. Needs the tools of the
//! LLVM that the compiler is made with; where they are missing, nothing is guessed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::build::command;

/// A place of the source that was never reached: where a branch begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Uncovered {
    /// The file, below the crate.
    pub file: String,
    /// From one.
    pub line: u64,
    /// From one.
    pub column: u64,
    /// The line itself.
    pub text: String,
}

/// Why places were not counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoverageError {
    /// No tools of the right version.
    #[error(
        "there are no `llvm-profdata` and `llvm-cov` of LLVM {0}; run `rustup component add llvm-tools`, or install that version of LLVM"
    )]
    NoTools(String),
    /// One of them, or cargo, failed.
    #[error("`{program}` failed: {problem}")]
    Failed {
        /// The program.
        program: String,
        /// The last line that it said.
        problem: String,
    },
}

/// Builds the crate's tests with counters, runs them, and lists what no case reaches. The crate's dependencies are not counted.
///
/// # Errors
/// When the tools are missing, or one fails.
pub fn uncovered(dir: &Path) -> Result<Vec<Uncovered>, CoverageError> {
    let about = run(command("rustc", dir, None).arg("-vV"))?;
    let told = |name: &str| about.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    let (host, llvm) = (told("host:"), told("LLVM version:"));
    let sysroot = run(command("rustc", dir, None).args(["--print", "sysroot"]))?;
    let tools = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
    let [profdata, cov] = ["llvm-profdata", "llvm-cov"].map(|name| tool(&tools, name, &llvm));
    let (Some(profdata), Some(cov)) = (profdata, cov) else { return Err(CoverageError::NoTools(llvm)) };
    let scratch = std::env::temp_dir().join(format!("trueup-coverage-{}", std::process::id()));
    // Left by a process of the same number that was killed; that there is none is the usual case.
    let _ = std::fs::remove_dir_all(&scratch);
    let made = std::fs::create_dir_all(&scratch).map_err(|error| failed("mkdir", &error.to_string()));
    let found = made.and_then(|()| measure(dir, &scratch, &profdata, &cov));
    // It lies among the system's temporary files: what stays costs room there alone.
    let _ = std::fs::remove_dir_all(&scratch);
    found
}

fn measure(dir: &Path, scratch: &Path, profdata: &Path, cov: &Path) -> Result<Vec<Uncovered>, CoverageError> {
    let built = run(command("cargo", dir, None).args([
        "rustc",
        "--lib",
        "--profile=test",
        "--message-format=json-render-diagnostics",
        "--",
        "-Cinstrument-coverage",
    ]))?;
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        executable: Option<PathBuf>,
    }
    let tests = built.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable).next_back();
    let tests = tests.ok_or_else(|| failed("cargo", "it reported no test program"))?;
    let raw = scratch.join("cases.profraw");
    run(Command::new(&tests).current_dir(dir).env("LLVM_PROFILE_FILE", &raw))?;
    let merged = scratch.join("cases.profdata");
    run(Command::new(profdata).args(["merge", "-sparse"]).arg(&raw).arg("-o").arg(&merged))?;
    let exported = run(Command::new(cov).args(["export", "--format=text"]).arg(&tests).arg("--instr-profile").arg(&merged))?;
    let inside = std::fs::canonicalize(dir.join("src")).map_err(|error| failed("reading src", &error.to_string()))?;
    let told: Export = serde_json::from_str(&exported).map_err(|error| failed("llvm-cov", &error.to_string()))?;
    Ok(places(&told, dir, &inside))
}

/// What `llvm-cov export` writes, as far as it is read: per file, where counters change.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<Counted>,
}

#[derive(Deserialize)]
struct Counted {
    filename: PathBuf,
    /// Line, column, count, whether it has one, whether a region begins here, whether it is a gap.
    segments: Vec<(u64, u64, u64, bool, bool, bool)>,
}

fn places(told: &Export, dir: &Path, inside: &Path) -> Vec<Uncovered> {
    let files = told.data.iter().flat_map(|data| &data.files);
    let mut found = Vec::new();
    for file in files {
        let path = std::fs::canonicalize(dir.join(&file.filename)).unwrap_or_else(|_| file.filename.clone());
        let Ok(below) = path.strip_prefix(inside) else { continue };
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for &(line, column, count, counted, entry, gap) in &file.segments {
            if count == 0 && counted && entry && !gap {
                let at = usize::try_from(line).unwrap_or_default().saturating_sub(1);
                let text = lines.get(at).map(|line| line.trim().to_owned()).unwrap_or_default();
                // What a derive writes has the derive's place, and is none of the author's.
                if text.starts_with("#[") {
                    continue;
                }
                found.push(Uncovered { file: Path::new("src").join(below).display().to_string(), line, column, text });
            }
        }
    }
    found
}

/// A tool of this version: beside the compiler, or on the path with or without the version in its name.
fn tool(beside: &Path, name: &str, llvm: &str) -> Option<PathBuf> {
    let major = llvm.split('.').next().unwrap_or_default();
    let candidates = [beside.join(name), PathBuf::from(format!("{name}-{major}")), PathBuf::from(name)];
    candidates.into_iter().find(|candidate| {
        let said = Command::new(candidate).arg("--version").stdin(Stdio::null()).output();
        said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(&format!("LLVM version {major}.")))
    })
}

fn run(command: &mut Command) -> Result<String, CoverageError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(&program, &error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(failed(&program, said.trim().lines().last().unwrap_or("it said nothing")))
}

fn failed(program: &str, problem: &str) -> CoverageError {
    CoverageError::Failed { program: program.to_owned(), problem: problem.to_owned() }
}
