//! What was found: rows of a table with their goals, and every number for a file.
//! In come figures as they are measured; out go a table on standard output, and JSON.
//! A goal that was missed is named as missed.

use super::Plan;
use super::load::Turn;
use serde_json::{Value, json};
use std::path::Path;

/// All that was found.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Vec<String>>,
    raw: Vec<Value>,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// It is only told.
    None,
}

/// What a figure says.
pub(crate) struct Figure<'f> {
    pub(crate) row: u8,
    pub(crate) what: &'f str,
    pub(crate) beside: &'f str,
    /// Of the figure and of its goal; none: it is a ratio.
    pub(crate) unit: &'f str,
    pub(crate) goal: Goal,
}

impl Report {
    /// A figure as it came out in each round.
    pub(crate) fn figure(&mut self, figure: &Figure<'_>, figures: &[f64]) {
        let Figure { row, what, beside, unit, goal } = *figure;
        let median = median(figures);
        let number = |figure: f64| if figure.abs() < 10.0 { format!("{figure:.2}") } else { format!("{figure:.0}") };
        let spread = match (figures.iter().copied().reduce(f64::min), figures.iter().copied().reduce(f64::max)) {
            (Some(least), Some(most)) if figures.len() > 1 => format!("{} to {}", number(least), number(most)),
            _ => String::new(),
        };
        let (wanted, is_met) = match goal {
            Goal::AtLeast(least) => (format!("≥ {}", number(least)), Some(median >= least)),
            Goal::AtMost(most) => (format!("≤ {}", number(most)), Some(median <= most)),
            Goal::None => (String::new(), None),
        };
        let verdict = is_met.map_or("", |is_met| if is_met { "met" } else { "**missed**" });
        let shown = format!("{} {unit}", number(median)).trim_end().to_owned();
        println!("{row}  {what} / {beside}: {shown}  {wanted} {verdict}");
        self.rows.push(bench::row!(row, what, beside, shown, spread, wanted, verdict));
        self.raw.push(json!({
            "row": row, "what": what, "beside": beside, "unit": unit, "figures": figures, "median": median, "met": is_met,
        }));
    }

    /// The turns of one server, for the file.
    pub(crate) fn turns(&mut self, server: &str, connections: usize, turns: &[Turn]) {
        let turn = |turn: &Turn| json!({ "rate": turn.rate, "median_us": turn.median, "p99_us": turn.p99 });
        let turns: Vec<Value> = turns.iter().map(turn).collect();
        self.raw.push(json!({ "server": server, "connections": connections, "turns": turns }));
    }

    pub(crate) fn print(&self) {
        bench::table::print(&["#", "Ours", "Beside", "Median", "Spread", "Goal", ""], &self.rows);
    }

    pub(crate) fn save(&self, file: &Path, plan: &Plan) {
        let all = json!({ "rounds": plan.rounds, "seconds": plan.turn.as_secs(), "figures": self.raw });
        std::fs::write(file, all.to_string()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        println!("Every number is in {}.", file.display());
    }
}

/// The one in the middle.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
