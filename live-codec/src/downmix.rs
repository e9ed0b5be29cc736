//! Mixing down to stereo or mono (ITU-R BS.775-3, annex 4).

/// Attenuation of a channel that goes into two, or of a surround channel: −3 dB.
const MINUS_3_DB: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// Mixes interleaved sound of `from` channels into `to` (1 or 2) channels and replaces `output` with it.
///
/// Channels are taken to be in the order of WAV files: left, right, centre, low frequencies, then surround channels,
/// left before right; with 3 channels left, right, centre; with 4 these and one in the rear; with 5 these and
/// surround left and right; with 7 left, right, centre, low frequencies, rear, surround left and right. The
/// low-frequency channel is left out, as the recommendation allows. Gains are scaled so that channels at full scale
/// do not clip: a film mixed with headroom becomes quieter, and nothing distorts. Sound that has `to` channels or
/// fewer is passed on: unchanged, or mono in both channels.
///
/// An incomplete sample frame at the end is left out. Nothing is written when `from` is 0.
///
/// ```
/// let mut stereo = Vec::new();
/// live_codec::downmix(&[0.5, 0.5, -0.5], 1, 2, &mut stereo);
/// assert_eq!(stereo, [0.5, 0.5, 0.5, 0.5, -0.5, -0.5]);
/// ```
pub fn downmix(input: &[f32], from: u16, to: u16, output: &mut Vec<f32>) {
    output.clear();
    let channels = usize::from(from);
    if channels == 0 {
        return;
    }
    let frames = input.chunks_exact(channels);
    match (from, to) {
        (1, 2) => output.extend(frames.flat_map(|frame| [frame[0], frame[0]])),
        (from, to) if from <= to => output.extend_from_slice(&input[..frames.len() * channels]),
        (_, 1) => {
            let gains: Vec<f32> =
                stereo_gains(channels).iter().map(|[left, right]| (left + right) / 2.0).collect();
            let gains = normalised(&gains);
            output.extend(frames.map(|frame| dot(frame, &gains)));
        }
        _ => {
            let [left, right] = [0, 1].map(|side| {
                let gains: Vec<f32> = stereo_gains(channels).iter().map(|gain| gain[side]).collect();
                normalised(&gains)
            });
            output.extend(frames.flat_map(|frame| [dot(frame, &left), dot(frame, &right)]));
        }
    }
}

/// What each channel gives to left and right.
fn stereo_gains(channels: usize) -> Vec<[f32; 2]> {
    const LEFT: [f32; 2] = [1.0, 0.0];
    const RIGHT: [f32; 2] = [0.0, 1.0];
    const CENTRE: [f32; 2] = [MINUS_3_DB, MINUS_3_DB];
    const LOW: [f32; 2] = [0.0, 0.0];
    const REAR: [f32; 2] = [0.5, 0.5];
    const SURROUND_LEFT: [f32; 2] = [MINUS_3_DB, 0.0];
    const SURROUND_RIGHT: [f32; 2] = [0.0, MINUS_3_DB];
    let mut gains = vec![LEFT, RIGHT];
    match channels {
        1 => return vec![CENTRE],
        2 => {}
        3 => gains.push(CENTRE),
        4 => gains.extend([CENTRE, REAR]),
        5 => gains.extend([CENTRE, SURROUND_LEFT, SURROUND_RIGHT]),
        7 => gains.extend([CENTRE, LOW, REAR, SURROUND_LEFT, SURROUND_RIGHT]),
        _ => {
            gains.extend([CENTRE, LOW]);
            let surround = |index| if index % 2 == 0 { SURROUND_LEFT } else { SURROUND_RIGHT };
            gains.extend((0..channels - 4).map(surround));
        }
    }
    gains
}

/// The same proportions with a sum of at most 1.
fn normalised(gains: &[f32]) -> Vec<f32> {
    let sum: f32 = gains.iter().sum();
    gains.iter().map(|gain| gain / sum.max(1.0)).collect()
}

fn dot(frame: &[f32], gains: &[f32]) -> f32 {
    frame.iter().zip(gains).map(|(sample, gain)| sample * gain).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mixed(input: &[f32], from: u16, to: u16) -> Vec<f32> {
        let mut output = vec![9.0];
        downmix(input, from, to, &mut output);
        output
    }

    #[test]
    fn the_proportions_of_5_1_are_those_of_the_recommendation() {
        let channel = |index: usize| {
            let mut frame = [0.0; 6];
            frame[index] = 1.0;
            mixed(&frame, 6, 2)
        };
        let front = channel(0)[0];
        for (index, left, right) in
            [(1, 0.0, 1.0), (2, 0.707, 0.707), (3, 0.0, 0.0), (4, 0.707, 0.0), (5, 0.0, 0.707)]
        {
            let out = channel(index);
            assert!(
                (out[0] / front - left).abs() < 1e-3 && (out[1] / front - right).abs() < 1e-3,
                "{index}: {out:?}"
            );
        }
    }

    #[test]
    fn stereo_becomes_mono_by_its_mean() {
        assert_eq!(mixed(&[1.0, 0.0, -0.5, -0.5], 2, 1), [0.5, -0.5]);
    }

    proptest! {
        #[test]
        fn nothing_clips_that_did_not_clip_before(
            samples in proptest::collection::vec(-1.0f32..=1.0, 0..60), from in 0..10u16, to in 1..=2u16,
        ) {
            let out = mixed(&samples, from, to);
            prop_assert!(out.iter().all(|sample| sample.abs() <= 1.0 + 1e-5));
            if from > 0 {
                prop_assert_eq!(out.len(), samples.len() / usize::from(from) * usize::from(if from == 1 && to == 1 { 1 } else { to }));
            }
        }
    }
}
