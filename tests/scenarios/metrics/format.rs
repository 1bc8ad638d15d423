//! Reads the text format of Prometheus, version 0.0.4, more strictly than Prometheus does.
//! In comes the text; out go its samples, or the breach of the first rule that is broken.
//! It knows no name of ours.

use std::collections::{BTreeMap, BTreeSet};

/// What a text says.
pub(super) struct Numbers {
    /// By name and labels, as written.
    pub(super) samples: BTreeMap<String, f64>,
    /// The type of each family.
    types: BTreeMap<String, String>,
}

impl Numbers {
    #[track_caller]
    pub(super) fn of(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("there is no {sample}: {:#?}", self.samples.keys()))
    }

    /// No counter may be smaller than before, or gone.
    pub(super) fn follow(&self, before: &Self) {
        for (sample, value) in before.samples.iter().filter(|(sample, _)| before.only_grows(sample)) {
            assert!(self.of(sample) >= *value, "{sample} went back from {value} to {}", self.of(sample));
        }
    }

    fn only_grows(&self, sample: &str) -> bool {
        let name = sample.split('{').next().unwrap();
        let family = family_of(name, &self.types);
        self.types[family] != "gauge"
    }
}

/// Reads a text.
pub(super) fn read(text: &str) -> Numbers {
    assert!(text.ends_with('\n'), "the last line has no end");
    let (mut samples, mut types) = (BTreeMap::new(), BTreeMap::<String, String>::new());
    let (mut helps, mut ended, mut current) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("a help without words: {line}"));
            assert!(!help.trim().is_empty() && helps.insert(name.to_owned()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(helps.contains(name), "{name} has no help before its type");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} has two types");
        } else {
            assert!(!line.starts_with('#') && !line.is_empty(), "{line:?}");
            let (sample, value) = sample(line);
            let name = sample.split('{').next().unwrap();
            let family = family_of(name, &types);
            if family != current {
                assert!(ended.insert(current.clone()), "the lines of {current} do not stand together");
                assert!(!ended.contains(family), "the lines of {family} do not stand together");
                family.clone_into(&mut current);
            }
            assert!(types[family] == "gauge" || value >= 0.0, "{line}");
            assert!(samples.insert(sample, value).is_none(), "{line} stands twice");
        }
    }
    let numbers = Numbers { samples, types };
    check_histograms(&numbers, text);
    numbers
}

fn family_of<'n>(name: &'n str, types: &BTreeMap<String, String>) -> &'n str {
    if types.contains_key(name) {
        return name;
    }
    let part = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end));
    part.filter(|family| types.get(*family).is_some_and(|kind| kind == "histogram"))
        .unwrap_or_else(|| panic!("{name} has no type"))
}

/// Name with labels, and value.
fn sample(line: &str) -> (String, f64) {
    let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("a sample without a value: {line}"));
    let value = value.parse().unwrap_or_else(|_| panic!("{line}: {value} is no number"));
    let (name, labels) = match sample.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"))),
        None => (sample, ""),
    };
    let is_name = |name: &str| {
        let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    assert!(is_name(name), "{line}");
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        assert!(is_name(label), "{line}");
        let mut escaped = false;
        let end = after.find(|c: char| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        let end = end.unwrap_or_else(|| panic!("a label without an end: {line}"));
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (sample.to_owned(), value)
}

/// Buckets grow, the last one is +Inf, and it is the count.
fn check_histograms(numbers: &Numbers, text: &str) {
    let mut series: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains("_bucket{")) {
        let (sample, value) = sample(line);
        let (before, bound) = sample.rsplit_once("le=\"").unwrap();
        let bound = bound.strip_suffix("\"}").unwrap().parse().unwrap();
        series.entry(before.trim_end_matches(',').to_owned()).or_default().push((bound, value));
    }
    assert!(!series.is_empty(), "there is no histogram");
    for (name, buckets) in series {
        assert!(buckets.is_sorted(), "{name}: {buckets:?}");
        assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{name}: {buckets:?}");
        let (bound, count) = *buckets.last().unwrap();
        assert!(bound.is_infinite(), "{name} has no +Inf");
        let whole = name.replace("_bucket{", "_count{") + "}";
        assert_eq!(numbers.of(&whole.replace("{}", "")), count, "{name}");
        assert!(numbers.samples.contains_key(&whole.replace("_count{", "_sum{").replace("{}", "")), "{name}");
    }
}
