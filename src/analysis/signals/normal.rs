//! What is normal for a signal, and how far a value is from it.

/// The middle and the spread of the values of a quiet time.
///
/// Median and interquartile range: the mean and its sigma collapse when the onset is a minute late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    pub middle: f64,
    pub spread: f64,
    /// 95 of 100 values are below it.
    pub high: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Normal {
    /// Of `values`, with at least `share` of the middle and `least` as spread; `None` without values.
    pub fn of(values: &[f64], share: f64, least: f64) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (lowest, highest) = (*sorted.first()?, *sorted.last()?);
        #[expect(clippy::cast_precision_loss, reason = "counts of points")]
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let deviation = (sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let middle = at(&sorted, 0.5);
        // 1.349 interquartile ranges are one sigma of a normal distribution.
        let quartiles = (at(&sorted, 0.75) - at(&sorted, 0.25)) / 1.349;
        let spread = quartiles.max(0.1 * deviation).max(share * middle.abs()).max(least);
        Some(Self { middle, spread, high: at(&sorted, 0.95), lowest, highest })
    }

    /// How many spreads `value` is above the middle.
    pub fn distance(&self, value: f64) -> f64 {
        (value - self.middle) / self.spread
    }

    /// How much of `value` is above everything that was usual.
    pub fn excess(&self, value: f64) -> f64 {
        (value - self.high.max(3.0f64.mul_add(self.spread, self.middle))).max(0.0)
    }
}

/// The middle of `values`; 0 without any.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    at(&sorted, 0.5)
}

/// The value at a share of sorted values.
fn at(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index between 0 and the length"
    )]
    let index = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or(0.0)
}
