//! Families of numbers as Prometheus has them: one name, one help, one type, and a sample for each set of labels.
//! In come names and numbers; out goes text.
//! A family without a sample is left out, as the format wants it.

use crate::counters::Latencies;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder as _, TextEncoder};

/// The labels of one sample.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

/// Families, in the order in which they are added.
#[derive(Default)]
pub(super) struct Families {
    all: Vec<MetricFamily>,
}

/// A family that is being made.
pub(super) struct Family<'f> {
    families: &'f mut Families,
    family: MetricFamily,
}

impl Families {
    /// Begins a family of numbers that only grow; its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str) -> Family<'_> {
        self.begin(name, help, MetricType::COUNTER)
    }

    /// Begins a family of numbers that go up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Family<'_> {
        self.begin(name, help, MetricType::GAUGE)
    }

    /// Begins a family of lengths of time; its name ends in `_seconds`.
    pub(super) fn histogram(&mut self, name: &str, help: &str) -> Family<'_> {
        self.begin(name, help, MetricType::HISTOGRAM)
    }

    fn begin(&mut self, name: &str, help: &str, kind: MetricType) -> Family<'_> {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        Family { families: self, family }
    }

    /// As Prometheus reads it.
    ///
    /// # Errors
    /// What the library says.
    pub(super) fn to_text(&self) -> Result<String, String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.all, &mut text).map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|error| error.to_string())
    }
}

impl Family<'_> {
    /// One more counter.
    pub(super) fn count(mut self, labels: Labels<'_>, number: f64) -> Self {
        let mut counter = Counter::default();
        counter.set_value(number);
        let mut metric = Metric::from_label(pairs(labels));
        metric.set_counter(counter);
        self.family.mut_metric().push(metric);
        self
    }

    /// One more gauge.
    pub(super) fn set(mut self, labels: Labels<'_>, number: f64) -> Self {
        let mut gauge = Gauge::default();
        gauge.set_value(number);
        let mut metric = Metric::from_label(pairs(labels));
        metric.set_gauge(gauge);
        self.family.mut_metric().push(metric);
        self
    }

    /// One more histogram.
    pub(super) fn lengths(mut self, labels: Labels<'_>, latencies: &Latencies) -> Self {
        let buckets = latencies.buckets();
        let below = buckets.below.iter().map(|(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(seconds(*bound));
            bucket.set_cumulative_count(*count);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(below.collect());
        histogram.set_sample_count(buckets.count);
        histogram.set_sample_sum(seconds(buckets.sum));
        let mut metric = Metric::from_label(pairs(labels));
        metric.set_histogram(histogram);
        self.family.mut_metric().push(metric);
        self
    }

    /// The family is whole.
    pub(super) fn end(self) {
        if !self.family.get_metric().is_empty() {
            self.families.all.push(self.family);
        }
    }
}

fn pairs(labels: Labels<'_>) -> Vec<LabelPair> {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    labels.iter().map(pair).collect()
}

fn seconds(microseconds: u64) -> f64 {
    float(microseconds) / 1e6
}

/// A number as Prometheus has all of them.
#[expect(
    clippy::cast_precision_loss,
    reason = "the format has no other numbers; a counter beyond 2^53 loses its last digits"
)]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

/// A count of things as Prometheus has it.
pub(super) fn size(number: usize) -> f64 {
    float(u64::try_from(number).unwrap_or(u64::MAX))
}

/// Yes and no.
pub(super) fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_empty_families_left_out() {
        let mut families = Families::default();
        families.gauge("none", "Nothing.").end();
        families.counter("some_total", "Some\nthing.").count(&[("a", "x\"y\\z\n")], float(1 << 40)).end();
        let text = "# HELP some_total Some\\nthing.\n# TYPE some_total counter\nsome_total{a=\"x\\\"y\\\\z\\n\"} 1099511627776\n";
        assert_eq!(families.to_text().unwrap(), text);
    }
}
