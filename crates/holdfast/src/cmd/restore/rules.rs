//! Include and exclude rules, and whether they matched anything.

use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_connect::fs::filter::{Filter, IncludeFilter};
use holdfast_engine::restore::Selection;

use super::Args;
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::patterns;

/// Include and exclude rules.
pub(super) struct Rules {
    include: IncludeFilter,
    exclude: Filter,
    each: Vec<Each>,
    /// True once something was excluded.
    has_left_out: AtomicBool,
}

/// One include pattern.
struct Each {
    pattern: String,
    filter: IncludeFilter,
    is_met: AtomicBool,
}

impl Rules {
    pub fn new(args: &Args, context: &Context) -> CommandResult<Rules> {
        let include = patterns::include(&args.include, &context.environment)?;
        let exclude = patterns::excludes(&args.exclude, &context.environment)?.filter;
        let each = patterns::include_each(&args.include, &context.environment)?;
        let each = each.into_iter().map(|(pattern, filter)| Each {
            pattern,
            filter,
            is_met: AtomicBool::new(false),
        });
        Ok(Rules { include, exclude, each: each.collect(), has_left_out: AtomicBool::new(false) })
    }

    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    pub fn selection(&self, path: &[u8], is_directory: bool) -> Selection {
        for each in self.each.iter().filter(|each| !each.is_met.load(Ordering::Relaxed)) {
            if each.filter.matches(path) {
                each.is_met.store(true, Ordering::Relaxed);
            }
        }
        let selection = self.judge(path, is_directory);
        if selection == Selection::Skip {
            self.has_left_out.store(true, Ordering::Relaxed);
        }
        selection
    }

    fn judge(&self, path: &[u8], is_directory: bool) -> Selection {
        if self.exclude.excludes(path) {
            return Selection::Skip;
        }
        if self.include.is_empty() || self.include.matches(path) {
            return Selection::Take;
        }
        match is_directory && self.include.may_match_below(path) {
            true => Selection::Descend,
            false => Selection::Skip,
        }
    }

    /// Warns of patterns that matched nothing, after a restore of `entries` entries.
    ///
    /// # Errors
    /// If there was nothing left to restore.
    pub fn end(&self, context: &Context, entries: u64) -> CommandResult {
        if entries == 0 && self.has_left_out.load(Ordering::Relaxed) {
            let patterns: Vec<_> = self.each.iter().map(|each| each.pattern.as_str()).collect();
            let message = match patterns.as_slice() {
                [] => "the rules exclude everything, so nothing was restored".to_owned(),
                some => {
                    format!("nothing in the snapshot matches {}", some.join(" or "))
                }
            };
            return Err(CommandError::failed(message).hint("holdfast ls SNAPSHOT"));
        }
        for each in self.each.iter().filter(|each| !each.is_met.load(Ordering::Relaxed)) {
            context.output.caution(&format!("nothing in the snapshot matches {}", each.pattern));
        }
        Ok(())
    }
}
