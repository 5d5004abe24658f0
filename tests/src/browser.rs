//! A browser without a window, asked over its own debugging protocol: what a page shows, what it complains of, what it asks others
//! for. Knows nothing of the pages.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};

/// Names that distributions give the program.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// How long one answer may take, in seconds: starting on a busy machine takes longest.
const ANSWER_SECONDS: u64 = 120;

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width of the screen, in CSS pixels.
    pub width: u32,
    /// The reader's system is set to dark.
    pub dark: bool,
    /// As it goes to paper.
    pub print: bool,
}

/// A browser, and one page of it.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    events: VecDeque<Value>,
    session: String,
    last: u64,
    // Its profile lies there as long as it runs.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts a browser; none: there is no such program here.
    ///
    /// # Errors
    /// When it is there and does not answer.
    pub fn start() -> Result<Option<Self>> {
        let works = |program: &&&str| Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success());
        let Some(&program) = PROGRAMS.iter().find(works) else { return Ok(None) };
        let profile = tempfile::tempdir()?;
        // The protocol is spoken on descriptors three and four.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1", "sh", program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox"])
            .args(["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().context("its input")?;
        let mut output = child.stdout.take().context("its output")?;
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let (mut held, mut chunk) = (Vec::new(), [0; 1 << 16]);
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                held.extend_from_slice(&chunk[..read]);
                while let Some(end) = held.iter().position(|byte| *byte == 0) {
                    let message: Vec<u8> = held.drain(..=end).take(end).collect();
                    // Nobody waits any more: the browser ends too.
                    if sender.send(serde_json::from_slice(&message).unwrap_or_default()).is_err() {
                        return;
                    }
                }
            }
        });
        let (events, session) = (VecDeque::new(), String::new());
        let mut browser = Browser { child, input, messages, events, session, last: 0, _profile: profile };
        let made = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let attached = browser.ask("Target.attachToTarget", &json!({ "targetId": made["targetId"], "flatten": true }))?;
        browser.session = attached["sessionId"].as_str().context("a session")?.to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), &json!({}))?;
        }
        Ok(Some(browser))
    }

    /// Opens a page from a file, and returns what it complained of and what it asked for besides itself.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn open(&mut self, page: &Path, look: Look) -> Result<Vec<String>> {
        self.look(look)?;
        self.events.clear();
        let address = format!("file://{}", page.display());
        self.ask("Page.navigate", &json!({ "url": address }))?;
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.receive()?;
            self.events.push_back(event);
        }
        // What a page does right after it has loaded is asked for behind this.
        self.evaluate("new Promise(done => setTimeout(done, 100))")?;
        let told = self.events.iter().filter_map(|event| told(event, &address)).collect();
        Ok(told)
    }

    /// The value of an expression in the page.
    ///
    /// # Errors
    /// When the browser does not answer, or the expression fails.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", &asked)?;
        match answer.get("exceptionDetails") {
            Some(problem) => bail!("{expression}: {problem}"),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// The page on paper, as many bytes of PDF as `base64` takes.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub fn print(&mut self) -> Result<usize> {
        let printed = self.ask("Page.printToPDF", &json!({ "printBackground": true }))?;
        Ok(printed["data"].as_str().unwrap_or_default().len())
    }

    fn look(&mut self, look: Look) -> Result<()> {
        let Look { width, dark, print } = look;
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": true });
        self.ask("Emulation.setDeviceMetricsOverride", &size)?;
        let scheme = json!([{ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } }]);
        let media = if print { "print" } else { "screen" };
        self.ask("Emulation.setEmulatedMedia", &json!({ "media": media, "features": scheme }))?;
        Ok(())
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.input.write_all(message.to_string().as_bytes())?;
        self.input.write_all(&[0])?;
        loop {
            let message = self.receive()?;
            if message["id"] != self.last {
                self.events.push_back(message);
                continue;
            }
            return match message.get("error") {
                Some(error) => Err(anyhow!("{method}: {error}")),
                None => Ok(message["result"].clone()),
            };
        }
    }

    fn receive(&mut self) -> Result<Value> {
        self.messages.recv_timeout(Duration::from_secs(ANSWER_SECONDS)).map_err(|error| match error {
            RecvTimeoutError::Timeout => anyhow!("the browser said nothing for {ANSWER_SECONDS} s"),
            RecvTimeoutError::Disconnected => anyhow!("the browser ended"),
        })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked first, so that its helpers end with it and leave its profile.
        self.session.clear();
        drop(self.ask("Browser.close", &json!({})));
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What an event says against a page at this address: a complaint, an error, a request for something else.
fn told(event: &Value, address: &str) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.consoleAPICalled" => Some(format!("console: {}", params["args"])),
        "Runtime.exceptionThrown" => Some(format!("exception: {}", params["exceptionDetails"]["text"])),
        "Log.entryAdded" => Some(format!("{}: {}", params["entry"]["level"], params["entry"]["text"])),
        "Network.requestWillBeSent" => {
            let asked = params["request"]["url"].as_str().unwrap_or_default();
            (asked != address).then(|| format!("asks for {asked}"))
        }
        _ => None,
    }
}
