//! Judges of decoded pictures: pure, on raw samples.

use crate::process::Problem;

/// Raw pictures of equal size, one after the other.
#[derive(Clone, Copy)]
pub struct Pictures<'a> {
    bytes: &'a [u8],
    size: usize,
}

/// How the pictures of a player compare with those that were sent.
#[derive(Debug, PartialEq)]
pub struct Comparison {
    /// Pictures compared.
    pub count: usize,
    /// The first of them has this number among those sent.
    pub first: usize,
    /// The worst PSNR over all planes in dB; infinite when all are identical.
    pub worst: f64,
}

impl<'a> Pictures<'a> {
    /// Pictures of `size` bytes each.
    pub fn new(bytes: &'a [u8], size: usize) -> Self {
        Self { bytes, size }
    }

    /// Their number.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.size
    }

    /// The picture with this number, from 0.
    pub fn get(&self, index: usize) -> &'a [u8] {
        &self.bytes[index * self.size..(index + 1) * self.size]
    }

    fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.bytes.chunks_exact(self.size)
    }

    /// Number and PSNR of the picture that is most like `picture`.
    pub fn closest(&self, picture: &[u8]) -> Option<(usize, f64)> {
        self.iter().map(|candidate| psnr(candidate, picture)).enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// Compares what was played with what was sent: from wherever the viewer came in, no picture missing up to the last.
pub fn compare(played: Pictures<'_>, sent: Pictures<'_>) -> Result<Comparison, Problem> {
    if played.len() == 0 {
        return Err(Problem::Failed("no picture was played".into()));
    }
    let (first, _) =
        sent.closest(played.get(0)).ok_or_else(|| Problem::Failed("no picture was sent".into()))?;
    let expected = sent.len() - first;
    if played.len() != expected {
        return Err(Problem::Failed(format!(
            "{} pictures were played, {expected} were sent from number {first} on",
            played.len()
        )));
    }
    let ratios = played.iter().zip(sent.iter().skip(first)).map(|(played, sent)| psnr(played, sent));
    Ok(Comparison { count: played.len(), first, worst: ratios.fold(f64::INFINITY, f64::min) })
}

/// Peak signal-to-noise ratio over all samples in dB; infinite for equal pictures.
pub fn psnr(a: &[u8], b: &[u8]) -> f64 {
    if a.len() != b.len() {
        return 0.0;
    }
    let error: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / error as f64).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Vec<u8> {
        (0..6_u8).flat_map(|n| [n * 40; 4]).collect()
    }

    #[test]
    fn a_late_viewer_is_compared_from_where_it_came_in() {
        let sent = sent();
        let late = compare(Pictures::new(&sent[8..], 4), Pictures::new(&sent, 4)).unwrap();
        assert_eq!(late, Comparison { count: 4, first: 2, worst: f64::INFINITY });
    }

    #[test]
    fn missing_and_changed_pictures_are_seen() {
        let sent = sent();
        let compare = |played: &[u8]| compare(Pictures::new(played, 4), Pictures::new(&sent, 4));
        assert!(
            compare(&sent[8..20]).unwrap_err().to_string().contains("3 pictures were played, 4 were sent")
        );
        assert!(compare(&[]).is_err());
        let mut changed = sent[8..].to_vec();
        changed[5] += 1;
        assert!((compare(&changed).unwrap().worst - 54.15).abs() < 0.01);
    }
}
