//! Progress: how far a long file was read, on a terminal.

use std::io;
use std::time::Duration;
use std::time::Instant;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use revshare_core::vocab::to_u64;

/// A source that shows how far it was read.
pub struct Progress {
    source: Box<dyn io::Read>,
    bar: ProgressBar,
    started: Instant,
    is_shown: bool,
}

impl Progress {
    /// Shown only once reading has taken half a second.
    pub fn new(source: Box<dyn io::Read>, len: Option<u64>) -> Progress {
        let bar = ProgressBar::with_draw_target(len, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Progress { source, bar, started: Instant::now(), is_shown: false }
    }
}

impl io::Read for Progress {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.source.read(buffer)?;
        if !self.is_shown && self.started.elapsed() >= Duration::from_millis(500) {
            self.is_shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(to_u64(len));
        if len == 0 {
            self.bar.finish_and_clear();
        }
        Ok(len)
    }
}
