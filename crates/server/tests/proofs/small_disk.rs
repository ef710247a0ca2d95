//! A disk of a few megabytes, which fills up: a file system of its own, that nobody sees but who is
//! told; or, where none may be mounted, a bound on the length of the program's files.
//!
//! The file system belongs to a process that does nothing but keep it; the program is run in its
//! midst, and what the program sees is seen from outside through that process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::process::program;

/// A disk that keeps nothing beyond the proof.
pub(crate) struct SmallDisk {
    keeper: Child,
    place: tempfile::TempDir,
    is_root: bool,
}

/// Mounts, says so, and waits for the end of what it reads.
const KEEPER: &str = r#"mount -t tmpfs -o "size=$1" none "$2" && echo mounted && exec cat"#;

impl SmallDisk {
    /// Of so many bytes; none, where nothing may be mounted.
    pub(crate) fn mount(bytes: u64) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let is_root = Command::new("id").arg("-u").output().ok()?.stdout.trim_ascii() == b"0";
        let mut keeper = Command::new("unshare");
        keeper.arg("--mount").args((!is_root).then_some("--map-root-user"));
        let mut keeper = keeper
            .args(["sh", "-c", KEEPER, "keeper", &bytes.to_string()])
            .arg(place.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(keeper.stdout.take()?).read_line(&mut line).ok()?;
        let disk = Self { keeper, place, is_root };
        (line == "mounted\n").then_some(disk)
    }

    /// The program, run where it sees the disk.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        let namespaces = format!("/proc/{}/ns", self.keeper.id());
        command.arg(format!("--mount={namespaces}/mnt"));
        if !self.is_root {
            command.arg(format!("--user={namespaces}/user")).arg("--preserve-credentials");
        }
        command.arg("--").arg(program());
        command
    }

    /// A file as the program calls it.
    pub(crate) fn inside(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The same file, as it is called out here.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.inside(name).strip_prefix("/").unwrap())
    }

    /// Leaves so many bytes of room, or a little less.
    pub(crate) fn fill(&self, room: u64) {
        let ballast = self.outside("ballast");
        let mut file = File::options().create(true).append(true).open(&ballast).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        let length = fs::metadata(&ballast).unwrap().len();
        file.set_len(length.saturating_sub(room)).unwrap();
    }

    /// Makes room.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.outside("ballast")).unwrap();
    }

    /// The database and its log as they are, for a look.
    pub(crate) fn copy(&self, into: &Path) {
        for name in ["concord.db", "concord.db-wal"] {
            let from = self.outside(name);
            if from.exists() {
                fs::copy(from, into.join(name)).unwrap();
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // With it goes the file system.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

/// The program, which will be told when a file has become too long, and does not end of it.
pub(crate) fn told_of_long_files() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]).arg(program());
    command
}

/// Lets no file of a process grow beyond so many bytes; or any, again.
pub(crate) fn bound_files(process: u32, bytes: Option<u64>) {
    let bound = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    let set = Command::new("prlimit").arg("--pid").arg(process.to_string()).arg(format!("--fsize={bound}:")).status();
    assert!(set.expect("there is such a program").success());
}
