//! Human-readable numbers and times: `1.234 MiB`, `3:07`, `2026-09-01 14:00:00`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use holdfast_connect::words::count;

const UNITS: [(&str, u64); 4] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A number of bytes in binary units with three decimals, as restic writes it.
pub fn size(bytes: u64) -> String {
    for (unit, factor) in UNITS {
        if bytes >= factor {
            return format!("{:.3} {unit}", bytes as f64 / factor as f64);
        }
    }
    format!("{bytes} B")
}

/// A rate in bytes per second, short enough for a progress line; `-` if no time has passed.
pub fn rate(bytes: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds <= 0.0 {
        return "-".to_owned();
    }
    let per_second = bytes as f64 / seconds;
    for (unit, factor) in UNITS {
        if per_second >= factor as f64 {
            return format!("{:.1} {unit}/s", per_second / factor as f64);
        }
    }
    format!("{per_second:.0} B/s")
}

/// `done` of `total` in percent with two decimals, never above 100; 100 if there is nothing to do.
pub fn percent(done: u64, total: u64) -> String {
    format!("{:.2}%", fraction(done, total) * 100.0)
}

/// `done` of `total` between 0 and 1; 1 if there is nothing to do.
pub fn fraction(done: u64, total: u64) -> f64 {
    if total == 0 { 1.0 } else { (done as f64 / total as f64).min(1.0) }
}

/// A duration as `m:ss` or `h:mm:ss`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A number of seconds in the form of [`duration`].
pub fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A moment in the given zone, to the second.
pub fn time(moment: Timestamp, zone: &TimeZone) -> String {
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.000 KiB"),
            (1_293_943, "1.234 MiB"),
            (1 << 30, "1.000 GiB"),
            (5 << 40, "5.000 TiB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate(100, Duration::ZERO), "-");
        assert_eq!(rate(10, Duration::from_secs(2)), "5 B/s");
        assert_eq!(rate(300 << 20, Duration::from_secs(2)), "150.0 MiB/s");
    }

    #[test]
    fn durations() {
        for (seconds, expected) in [(0, "0:00"), (59, "0:59"), (187, "3:07"), (3661, "1:01:01")] {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn percents() {
        assert_eq!(percent(1, 3), "33.33%");
        assert_eq!(percent(0, 0), "100.00%");
        assert_eq!(percent(9, 3), "100.00%");
    }

    #[test]
    fn times_are_local() {
        let moment: Timestamp = "2026-09-01T12:00:00.9Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(time(moment, &zone), "2026-09-01 14:00:00");
    }

    #[test]
    fn counts() {
        assert_eq!(count(1, "file", "files"), "1 file");
        assert_eq!(count(0, "directory", "directories"), "0 directories");
    }
}
