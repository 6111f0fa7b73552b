//! Lists in pages: bounded, with a mark for where the next one begins.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// How many things one answer holds at most, and how many when nobody says.
const LIMIT_MAX: usize = 200;
const LIMIT: usize = 50;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    pub limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,18}-[0-9]{1,18}$")]
    pub cursor: Option<String>,
}

/// How many were asked for.
///
/// # Errors
/// 400 for none, and for too many.
pub fn limit(wanted: Option<usize>) -> Result<usize, Problem> {
    match wanted {
        None => Ok(LIMIT),
        Some(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::parameter("limit", format!("must be 1 to {LIMIT_MAX}"))),
    }
}

/// A mark that callers hand back as it is: two numbers, whose meaning is the list's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub u64, pub u64);

impl Mark {
    pub fn written(self) -> String {
        format!("{}-{}", self.0, self.1)
    }

    /// # Errors
    /// 400 for what is no mark of ours.
    pub fn read(cursor: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(cursor) = cursor else { return Ok(None) };
        // As many digits as the store can count with.
        let number = |digits: &str| {
            let fits = (1..=18).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
            digits.parse().ok().filter(|_| fits)
        };
        let read = cursor.split_once('-').and_then(|(first, second)| Some(Self(number(first)?, number(second)?)));
        read.map(Some).ok_or_else(|| Problem::parameter("cursor", "is not one of ours: take `next_cursor` of the page before"))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of a list that is there as a whole, by position.
    ///
    /// # Errors
    /// See [`limit`] and [`Mark::read`].
    pub fn cut<A>(all: Vec<A>, paging: &Paging, show: impl Fn(A) -> T) -> Result<Self, Problem> {
        let limit = limit(paging.limit)?;
        let from = Mark::read(paging.cursor.as_deref())?.map_or(0, |mark| usize::try_from(mark.0).unwrap_or(usize::MAX));
        let end = from.saturating_add(limit);
        let next_cursor = (all.len() > end).then(|| Mark(end as u64, 0).written());
        Ok(Self { items: all.into_iter().skip(from).take(limit).map(show).collect(), next_cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page::cut((0..23).collect(), &Paging { limit: Some(10), cursor }, |number: u32| number).unwrap();
            seen.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, (0..23).collect::<Vec<_>>());
        assert!(Mark::read(Some("nonsense")).is_err() && limit(Some(0)).is_err() && limit(Some(201)).is_err());
    }
}
