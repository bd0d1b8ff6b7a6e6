//! A picture or page that a command writes: into a file of the user's, or to standard output.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::capture::create_file;
use crate::error::Error;
use crate::view::escape::escape;

/// Where the output goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// `None`: standard output.
    path: Option<PathBuf>,
    force: bool,
}

impl Target {
    /// The first path that was given; `-` and none are standard output.
    pub fn choose(paths: &[&Option<PathBuf>], force: bool) -> Self {
        let given = paths.iter().find_map(|path| path.as_deref());
        Self {
            path: given
                .filter(|path| *path != Path::new("-"))
                .map(Path::to_owned),
            force,
        }
    }

    /// A file is made.
    pub fn is_file(&self) -> bool {
        self.path.is_some()
    }

    /// Makes the file; it must not exist, or `--force` and be a regular file of this user.
    pub fn open(&self) -> Result<Written, Error> {
        let Some(path) = &self.path else {
            return Ok(Written::standard_output());
        };
        Ok(Written {
            file: Some(create_file(path, self.force)?),
            name: escape(path.as_os_str().as_encoded_bytes()).into_owned(),
        })
    }
}

/// An open output.
#[derive(Debug)]
pub struct Written {
    file: Option<File>,
    name: String,
}

impl Written {
    /// Standard output.
    pub fn standard_output() -> Self {
        Self {
            file: None,
            name: String::new(),
        }
    }

    /// Writes everything.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.file {
            None => super::print(bytes),
            Some(file) => file.write_all(bytes).map_err(|source| Error::Output {
                object: self.name.clone(),
                source,
            }),
        }
    }
}

/// A line on stderr. Nothing can be done if that is gone.
pub fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
