//! The work tree: where it is, which files belong to it, and what a check found in them.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The work tree.
#[derive(Debug)]
pub(crate) struct Repo {
    root: PathBuf,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, relative to the root.
    pub(crate) path: String,
    /// The line, from 1; 0 for the whole file.
    pub(crate) line: usize,
    /// Which rule, as exceptions name it.
    pub(crate) rule: &'static str,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {} [{}]", self.message, self.rule)
    }
}

/// Prints findings; whether there were none.
pub(crate) fn print(findings: &[Finding]) -> bool {
    for finding in findings {
        println!("{finding}");
    }
    findings.is_empty()
}

impl Repo {
    /// The work tree that this program was built in.
    pub(crate) fn find() -> Result<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().context("xtask has no directory above it")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// The directory of the work tree.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the work tree.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Whether a file or directory is there.
    pub(crate) fn holds(&self, relative: &str) -> bool {
        self.path(relative).try_exists().unwrap_or(false)
    }

    /// The text of a file.
    pub(crate) fn read(&self, relative: &str) -> Result<String> {
        std::fs::read_to_string(self.path(relative)).with_context(|| format!("reading {relative}"))
    }

    /// The files that are committed or would be, sorted.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others"])
            .args(["--exclude-standard", "--deduplicate"])
            .current_dir(&self.root)
            .output()
            .context("running git (apt-get install git)")?;
        if !output.status.success() {
            bail!("git: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let listed = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
        let mut files: Vec<String> = listed
            .split_terminator('\0')
            .filter(|path| self.holds(path))
            .map(String::from)
            .collect();
        files.sort();
        Ok(files)
    }
}
