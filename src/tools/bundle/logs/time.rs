//! Times as log lines write them, read byte by byte: this runs for every line of every log.

use jiff::Timestamp;

/// A time at the start of `text`: the instant, where the text says enough (a year is needed), and how many bytes it takes.
pub fn scan(text: &str) -> Option<(Option<Timestamp>, usize)> {
    let mut at = Cursor { bytes: text.as_bytes(), pos: 0 };
    let stamp = match at.peek()? {
        b'0'..=b'9' => numeric(&mut at)?,
        b'A'..=b'Z' => named(&mut at)?,
        _ => return None,
    };
    if at.peek().is_some_and(|b| b.is_ascii_alphanumeric()) { None } else { Some((stamp, at.pos)) }
}

/// An instant that a structured field holds as text or as a number since 1970 in s, ms, µs or ns.
pub fn field(value: &serde_json::Value) -> Option<Timestamp> {
    match value {
        serde_json::Value::Number(n) => epoch(n.as_f64()?),
        serde_json::Value::String(s) => text(s),
        serde_json::Value::Object(map) => map.get("$date").and_then(field),
        _ => None,
    }
}

/// A time as text: a number since 1970, or any way to write one.
pub fn text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // most are written with dashes, and those are read fastest
    if text.as_bytes().get(4) == Some(&b'-')
        && let Some((Some(stamp), length)) = scan(text)
        && length == text.len()
    {
        return Some(stamp);
    }
    match text.parse::<f64>() {
        Ok(n) => epoch(n),
        Err(_) => text.parse().ok().or_else(|| scan(text).and_then(|(stamp, _)| stamp)),
    }
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size; `None` outside 1990…2100.
pub fn epoch(n: f64) -> Option<Timestamp> {
    const FROM: f64 = 631_152_000.0;
    const TO: f64 = 4_102_444_800.0;
    let seconds = [1.0, 1e3, 1e6, 1e9].into_iter().map(|unit| n / unit).find(|s| (FROM..TO).contains(s))?;
    let whole = seconds.floor();
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the range test above")]
    Timestamp::new(whole as i64, ((seconds - whole) * 1e9) as i32).ok()
}

struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn at(&self, offset: usize) -> Option<u8> {
        self.bytes.get(self.pos + offset).copied()
    }

    /// How many digits follow.
    fn digits(&self) -> usize {
        self.bytes.iter().skip(self.pos).take(20).take_while(|b| b.is_ascii_digit()).count()
    }

    fn number(&mut self, width: usize) -> Option<i64> {
        let mut n = 0;
        for _ in 0..width {
            let b = self.peek().filter(u8::is_ascii_digit)?;
            n = n * 10 + i64::from(b - b'0');
            self.pos += 1;
        }
        Some(n)
    }

    fn eat(&mut self, allowed: &[u8]) -> Option<u8> {
        let b = self.peek().filter(|b| allowed.contains(b))?;
        self.pos += 1;
        Some(b)
    }

    fn month(&mut self) -> Option<i64> {
        const NAMES: [&[u8; 3]; 12] = [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
        let name = [self.at(0)?.to_ascii_lowercase(), self.at(1)?.to_ascii_lowercase(), self.at(2)?.to_ascii_lowercase()];
        let index = NAMES.iter().position(|month| **month == name)?;
        self.pos += 3;
        Some(i64::try_from(index).ok()? + 1)
    }

    /// `hh:mm:ss`, also with dots or without separators, and its fraction.
    fn clock(&mut self) -> Option<(i64, i32)> {
        // `9:5:3`: not everybody fills up with zeros
        let width = if self.at(1) == Some(b':') { 1 } else { 2 };
        let hour = self.number(width)?;
        let separated = self.eat(b":.").is_some();
        let minute = self.number(if separated { self.digits().clamp(1, 2) } else { 2 })?;
        if separated && self.eat(b":.").is_none() {
            return in_day(hour, minute, 0).map(|s| (s, 0));
        }
        let second = self.number(if separated { self.digits().clamp(1, 2) } else { 2 })?;
        let mut nanos = 0;
        if matches!(self.peek(), Some(b'.' | b',' | b':')) && self.at(1).is_some_and(|b| b.is_ascii_digit()) {
            self.pos += 1;
            let width = self.digits();
            for i in 0..width {
                let digit = i32::try_from(self.number(1)?).ok()?;
                nanos += if i < 9 { digit * 10_i32.pow(8 - u32::try_from(i).ok()?) } else { 0 };
            }
        }
        in_day(hour, minute, second).map(|s| (s, nanos))
    }

    /// `Z`, `+01:00`, ` +0000`, ` UTC`: seconds east of UTC.
    fn zone(&mut self) -> i64 {
        let start = self.pos;
        if self.peek() == Some(b' ') {
            self.pos += 1;
        }
        if self.eat(b"Z").is_some() {
            return 0;
        }
        if self.bytes.get(self.pos..self.pos + 3).is_some_and(|z| z == b"UTC" || z == b"GMT") {
            self.pos += 3;
            return 0;
        }
        if let Some(sign) = self.eat(b"+-")
            && let Some(hours) = self.number(2)
        {
            self.eat(b":");
            if let Some(minutes) = self.number(2) {
                let seconds = hours * 3600 + minutes * 60;
                return if sign == b'-' { -seconds } else { seconds };
            }
        }
        self.pos = start;
        0
    }
}

fn in_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 61).then_some(hour * 3600 + minute * 60 + second)
}

/// Seconds since 1970 of a day of the Gregorian calendar.
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1970..=2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y / 400;
    let of_era = y - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some((era * 146_097 + days - 719_468) * 86_400)
}

fn instant(day: Option<i64>, clock: (i64, i32), zone: i64) -> Option<Timestamp> {
    Timestamp::new(day? + clock.0 - zone, clock.1).ok()
}

/// Formats that start with a digit.
fn numeric(at: &mut Cursor<'_>) -> Option<Option<Timestamp>> {
    let width = at.digits();
    match (width, at.at(width)) {
        // 2024-01-02T03:04:05Z · 2024/01/02 03:04:05 · 2005-06-03-15.42.50.363779 · 2005.06.03 alone
        (4, Some(separator @ (b'-' | b'/' | b'.'))) => {
            let year = at.number(4)?;
            at.eat(&[separator])?;
            let month = at.number(2.min(at.digits()))?;
            at.eat(&[separator])?;
            let date = day(year, month, at.number(2.min(at.digits()))?)?;
            let mark = at.pos;
            if at.eat(b"T t-_:").is_some()
                && at.digits() == 2
                && let Some(clock) = at.clock()
            {
                let zone = at.zone();
                return Some(instant(Some(date), clock, zone));
            }
            at.pos = mark;
            Some(None)
        }
        // 17/06/09 20:10:40 · 01/02/2024 03:04:05
        (2, Some(b'/')) if at.at(3).is_some_and(|b| b.is_ascii_digit()) => {
            let first = at.number(2)?;
            at.eat(b"/")?;
            let second = at.number(2)?;
            at.eat(b"/")?;
            let date = match at.digits() {
                4 => {
                    let year = at.number(4)?;
                    if first > 12 { day(year, second, first) } else { day(year, first, second) }
                }
                2 => day(2000 + first, second, at.number(2)?),
                _ => return None,
            };
            at.eat(b" T:")?;
            let clock = at.clock()?;
            Some(instant(date, clock, at.zone()))
        }
        // 02/Jan/2024:03:04:05 +0000 · 02-Jan-2024 03:04:05 · 02 Jan 2024 03:04:05
        (1 | 2, Some(b'/' | b'-' | b' ')) if at.at(width + 1).is_some_and(|b| b.is_ascii_alphabetic()) => {
            let date = at.number(width)?;
            at.pos += 1;
            let month = at.month()?;
            at.eat(b"/- ")?;
            let year = at.number(4)?;
            at.eat(b": ")?;
            let clock = at.clock()?;
            Some(instant(day(year, month, date), clock, at.zone()))
        }
        // 03-17 16:13:38.811 · 10.30 16:49:06
        (2, Some(b'-' | b'.')) => {
            at.number(2)?;
            at.pos += 1;
            let is_year_last = at.number(2)? <= 31 && at.peek() == Some(b'.');
            if is_year_last {
                at.pos += 1;
                at.number(4)?;
            }
            at.eat(b" ")?;
            at.clock()?;
            Some(None)
        }
        // 03:04:05.678
        (2, Some(b':')) if at.at(5) == Some(b':') => {
            at.clock()?;
            Some(None)
        }
        // 081109 203615
        (6, Some(b' ')) => {
            let (year, month, date) = (at.number(2)?, at.number(2)?, at.number(2)?);
            at.pos += 1;
            if at.digits() != 6 {
                return None;
            }
            let clock = at.clock()?;
            Some(Some(instant(day(2000 + year, month, date), clock, 0)?))
        }
        // 20171223-22:15:29:606 · 20240102T030405Z
        (8, Some(b'-' | b'T' | b' ')) => {
            let (year, month, date) = (at.number(4)?, at.number(2)?, at.number(2)?);
            at.pos += 1;
            let clock = at.clock()?;
            Some(Some(instant(day(year, month, date), clock, at.zone())?))
        }
        // since 1970
        (10 | 13 | 16 | 19, _) => {
            let start = at.pos;
            at.pos += width;
            if width == 10 && at.peek() == Some(b'.') && at.at(1).is_some_and(|b| b.is_ascii_digit()) {
                at.pos += 1;
                at.pos += at.digits();
            }
            let text = std::str::from_utf8(at.bytes.get(start..at.pos)?).ok()?;
            Some(Some(epoch(text.parse().ok()?)?))
        }
        _ => None,
    }
}

/// Formats that start with a name: `Jan  2 03:04:05`, `Tue Feb  3 21:08:10.221 2026`, `Mon, 02 Jan 2024 03:04:05 GMT`.
fn named(at: &mut Cursor<'_>) -> Option<Option<Timestamp>> {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    if at.bytes.get(at.pos..at.pos + 3).is_some_and(|name| WEEKDAYS.contains(&name)) {
        at.pos += 3;
        at.eat(b",");
        at.eat(b" ")?;
        if at.peek()?.is_ascii_digit() {
            return numeric(at);
        }
    }
    let month = at.month()?;
    at.eat(b" ")?;
    at.eat(b" ");
    let width = at.digits();
    if !(1..=2).contains(&width) {
        return None;
    }
    let date = at.number(width)?;
    at.eat(b",");
    at.eat(b" ")?;
    if at.digits() == 4 {
        let year = at.number(4)?;
        at.eat(b" ")?;
        let clock = at.clock()?;
        return Some(instant(day(year, month, date), clock, at.zone()));
    }
    let clock = at.clock()?;
    let mark = at.pos;
    if at.eat(b" ").is_some() && at.digits() == 4 && !at.at(4).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b':') {
        let year = at.number(4)?;
        if (1990..2100).contains(&year) {
            return Some(instant(day(year, month, date), clock, at.zone()));
        }
    }
    at.pos = mark;
    Some(None)
}

#[cfg(test)]
mod tests;
