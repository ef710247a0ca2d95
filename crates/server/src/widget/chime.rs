//! `/sounds/chime.wav`: what the widget plays when an agent writes.
//!
//! The widget plays whatever `livechat/config` names, and complains about every message when that
//! is nothing. So there is a sound, two falling notes, computed here: no file to carry, nobody's
//! work to license. Evidence: the tests below; that a browser plays it, `tests/clients`.

use std::f32::consts::TAU;
use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

const SAMPLES_PER_SECOND: u16 = 11_025;

/// Frequency in hertz, and when the note starts, in samples.
const NOTES: [(f32, u16); 2] = [(880.0, 0), (659.3, 1_900)];

const SAMPLES: u16 = 6_600;

/// By what a note is weaker after so many samples: to a third.
const DECAY_SAMPLES: f32 = 1_400.0;

/// Of each note, where one is the most a sample can hold.
const LOUDNESS: f32 = 0.3;

static CHIME: LazyLock<Vec<u8>> = LazyLock::new(chime);

/// `GET /sounds/chime.wav`
pub(super) async fn handler() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("audio/wav")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, CHIME.as_slice()).into_response()
}

/// A RIFF file of one channel of 8-bit samples, which are counted from the middle.
fn chime() -> Vec<u8> {
    let (rate, length) = (u32::from(SAMPLES_PER_SECOND), u32::from(SAMPLES));
    let mut file = Vec::with_capacity(44 + usize::from(SAMPLES));
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // Plain samples, one channel.
    file.extend([1_u16, 1].map(u16::to_le_bytes).as_flattened());
    // Samples a second, and bytes.
    file.extend([rate, rate].map(u32::to_le_bytes).as_flattened());
    // Bytes of all channels together, bits of one.
    file.extend([1_u16, 8].map(u16::to_le_bytes).as_flattened());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend((0..SAMPLES).map(sample));
    file
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the loudness keeps it within a byte")]
fn sample(at: u16) -> u8 {
    let notes = NOTES.iter().filter(|(_, starts_at)| *starts_at <= at).map(|(frequency, starts_at)| {
        let since = f32::from(at - starts_at);
        let phase = TAU * frequency * since / f32::from(SAMPLES_PER_SECOND);
        LOUDNESS * (-since / DECAY_SAMPLES).exp() * phase.sin()
    });
    (128.0 + 127.0 * notes.sum::<f32>()).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lengths_in_the_file_are_those_of_the_file() {
        let file = chime();
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((&file[..4], &file[8..16], &file[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        assert_eq!(usize::try_from(number(4)).unwrap(), file.len() - 8);
        assert_eq!(usize::try_from(number(40)).unwrap(), file.len() - 44);
        assert_eq!(number(24), 11_025);
    }

    #[test]
    fn it_is_heard_and_fades_away() {
        let loudest = |from: u16, to: u16| (from..to).map(|at| sample(at).abs_diff(128)).max().unwrap();
        assert!(loudest(0, 500) > 25);
        assert!(loudest(1_900, 2_400) > loudest(1_500, 1_900));
        assert!(loudest(6_500, SAMPLES) < 4);
    }
}
