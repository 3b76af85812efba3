//! Retention rules and schedules in words.

use holdfast_app::config::Every;
use holdfast_engine::retention::{Count, Policy, Span};

/// What rules keep: `24 hourly, 7 daily`.
pub fn rules(policy: &Policy) -> String {
    let counts = [
        (policy.last, "last"),
        (policy.hourly, "hourly"),
        (policy.daily, "daily"),
        (policy.weekly, "weekly"),
        (policy.monthly, "monthly"),
        (policy.yearly, "yearly"),
    ];
    let spans = [
        (policy.within, "all"),
        (policy.within_hourly, "hourly"),
        (policy.within_daily, "daily"),
        (policy.within_weekly, "weekly"),
        (policy.within_monthly, "monthly"),
        (policy.within_yearly, "yearly"),
    ];
    let of_count =
        |(count, adjective): (Option<Count>, &str)| Some(format!("{} {adjective}", count?));
    let of_span = |(span, what): (Option<Span>, &str)| Some(format!("{what} within {}", span?));
    let tags = policy.tags.iter().map(|list| format!("tagged {list}"));
    let counts = counts.into_iter().filter_map(of_count);
    counts.chain(spans.into_iter().filter_map(of_span)).chain(tags).collect::<Vec<_>>().join(", ")
}

/// When runs start: `hourly at :17`.
pub fn rhythm(every: Every) -> String {
    match every {
        Every::Hour { minute } => format!("hourly at :{minute:02}"),
        Every::Day { at } => format!("daily at {:02}:{:02}", at.hour(), at.minute()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(rules(&Policy::default_keep()), "24 hourly, 7 daily, 4 weekly, 12 monthly");
        let policy = Policy {
            yearly: Some(Count::Unlimited),
            within: "2d".parse().ok(),
            within_monthly: "1y".parse().ok(),
            tags: vec!["a,b".parse().unwrap_or_default()],
            ..Policy::default()
        };
        let expected = "unlimited yearly, all within 2d, monthly within 1y, tagged [a, b]";
        assert_eq!(rules(&policy), expected);
        assert_eq!(rhythm(Every::Hour { minute: 5 }), "hourly at :05");
        let at = jiff::civil::time(2, 30, 0, 0);
        assert_eq!(rhythm(Every::Day { at }), "daily at 02:30");
    }
}
