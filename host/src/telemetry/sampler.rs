//! Which traces are kept.
//! In come the two variables for it, and traces; out goes yes or no, on every host the same for one trace.
//! It never looks at anything but a trace's id and what its caller says.

use crate::trace::Trace;

/// Traces have 63 random bits to be compared by.
const BITS: i32 = 63;

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampler {
    /// Whether what the caller says goes before the rest.
    follows: bool,
    /// The part of all others.
    ratio: f64,
}

impl Sampler {
    pub(super) fn read(name: Option<&str>, argument: Option<&str>) -> Result<Self, String> {
        let (follows, ratio) = match name.unwrap_or("parentbased_always_on") {
            "always_on" => (false, 1.0),
            "always_off" => (false, 0.0),
            "traceidratio" => (false, part(argument)?),
            "parentbased_always_on" => (true, 1.0),
            "parentbased_always_off" => (true, 0.0),
            "parentbased_traceidratio" => (true, part(argument)?),
            _ => {
                return Err("OTEL_TRACES_SAMPLER must be one of always_on, always_off, traceidratio, \
                     parentbased_always_on, parentbased_always_off, parentbased_traceidratio; mend it, or take it away"
                    .to_owned());
            }
        };
        Ok(Self { follows, ratio })
    }

    pub(super) fn keeps(self, trace: &Trace) -> bool {
        if self.follows && trace.parent.is_some() {
            return trace.is_sampled;
        }
        #[allow(clippy::cast_precision_loss, reason = "a trace more or less in 2^53 is no matter")]
        let chance = trace.id.chance() as f64;
        chance < self.ratio * 2_f64.powi(BITS)
    }
}

fn part(argument: Option<&str>) -> Result<f64, String> {
    let Some(argument) = argument else { return Ok(1.0) };
    let ratio = argument.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, such as 0.25; mend it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, argument: Option<&str>, traces: &[Trace]) -> usize {
        let sampler = Sampler::read(Some(name), argument).unwrap();
        traces.iter().filter(|trace| sampler.keeps(trace)).count()
    }

    #[test]
    fn each_sampler_keeps_what_its_name_says() {
        let new: Vec<Trace> = (0..1000).map(|_| Trace::begin()).collect();
        let child = |trace: &Trace, is_sampled| {
            let mut child = trace.child();
            child.is_sampled = is_sampled;
            child
        };
        let of = |is_sampled| new.iter().map(|trace| child(trace, is_sampled)).collect::<Vec<_>>();
        let (wanted, unwanted) = (of(true), of(false));
        for (name, argument, of_new, of_wanted, of_unwanted) in [
            ("always_on", None, 1000, 1000, 1000),
            ("always_off", None, 0, 0, 0),
            ("traceidratio", Some("0"), 0, 0, 0),
            ("traceidratio", None, 1000, 1000, 1000),
            ("parentbased_always_on", None, 1000, 1000, 0),
            ("parentbased_always_off", None, 0, 1000, 0),
            ("parentbased_traceidratio", Some("1.0"), 1000, 1000, 0),
        ] {
            let counted = [&new, &wanted, &unwanted].map(|traces| kept(name, argument, traces));
            assert_eq!(counted, [of_new, of_wanted, of_unwanted], "{name}");
        }
        let quarter = kept("traceidratio", Some("0.25"), &new);
        assert!((150..350).contains(&quarter), "{quarter}");
        assert_eq!(quarter, kept("traceidratio", Some("0.25"), &wanted), "all spans of a trace have one fate");
    }

    #[test]
    fn parts_are_between_nothing_and_all() {
        for bad in ["", "2", "-0.1", "NaN", "half"] {
            assert!(Sampler::read(Some("traceidratio"), Some(bad)).is_err(), "{bad}");
        }
        assert!(Sampler::read(Some("xray"), None).is_err());
        assert_eq!(Sampler::read(None, Some("not looked at")), Ok(Sampler { follows: true, ratio: 1.0 }));
    }
}
