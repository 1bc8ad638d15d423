//! Load, by tools that others know: wrk for as much as goes, oha for a fixed rate.
//! In come a URL, connections and a time; out go requests in a second and how long they took.
//! An answer that is no success, or a connection that broke, makes a measurement worthless: then the run ends.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What one turn brought.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turn {
    /// Requests in a second.
    pub(crate) rate: f64,
    /// Microseconds that half of them took at most.
    pub(crate) median: f64,
    /// Microseconds that 99 of 100 took at most.
    pub(crate) p99: f64,
}

/// As many requests as go through these connections, by one thread of wrk.
pub(crate) fn most(url: &str, connections: usize, time: Duration, headers: &[String], script: Option<&Path>) -> Turn {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "--latency", "--timeout", "10s"]);
    wrk.arg(format!("-c{connections}")).arg(format!("-d{}", time.as_secs()));
    for header in headers {
        wrk.args(["-H", header]);
    }
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let output = wrk.arg(url).output().expect("wrk can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    read_wrk(&text).unwrap_or_else(|| panic!("{url}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// So many requests in a second over these connections. A late one counts from when it should have been sent.
pub(crate) fn steady(oha: &Path, url: &str, connections: usize, rate: f64, time: Duration) -> Turn {
    let mut command = Command::new(oha);
    command.args(["--no-tui", "--output-format", "json", "--latency-correction", "-c", &connections.to_string()]);
    command.args(["-q", &format!("{rate:.0}"), "-z", &format!("{}s", time.as_secs()), url]);
    let output = command.output().expect("oha can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    read_oha(&text).unwrap_or_else(|| panic!("{url}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Nothing, if it tells of anything but successes.
fn read_wrk(text: &str) -> Option<Turn> {
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return None;
    }
    let after = |words: &str| text.lines().find_map(|line| line.trim().strip_prefix(words)).map(str::trim);
    let rate = after("Requests/sec:")?.parse().ok()?;
    Some(Turn { rate, median: microseconds(after("50%")?)?, p99: microseconds(after("99%")?)? })
}

/// A time as wrk writes it.
fn microseconds(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    let (unit, times) = units.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * times)
}

/// Nothing, if it tells of anything but successes. Requests that the end of the time cut off are none.
fn read_oha(text: &str) -> Option<Turn> {
    let report: Value = serde_json::from_str(text).ok()?;
    let all = report.get("statusCodeDistribution")?.as_object()?;
    let errors = report.get("errorDistribution")?.as_object()?;
    if all.keys().any(|status| status != "200") || errors.keys().any(|error| !error.contains("deadline")) {
        return None;
    }
    let micros = |part: &str| Some(report.get("latencyPercentiles")?.get(part)?.as_f64()? * 1e6);
    let rate = report.get("summary")?.get("requestsPerSec")?.as_f64()?;
    Some(Turn { rate, median: micros("p50")?, p99: micros("p99")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: &str = "  Latency Distribution\n     50%  598.00us\n     75%    0.93ms\n     90%    1.53ms\n     99%    1.01s\n  \
        336000 requests in 3.01s, 50.00MB read\nRequests/sec: 111492.01\nTransfer/sec:     20.00MB\n";

    #[test]
    fn wrk_is_read() {
        let turn = read_wrk(WRK).unwrap();
        assert_eq!((turn.rate, turn.median, turn.p99), (111_492.01, 598.0, 1_010_000.0));
        for bad in ["Non-2xx or 3xx responses: 3\n", "Socket errors: connect 0, read 1, write 0, timeout 0\n"] {
            assert!(read_wrk(&format!("{WRK}{bad}")).is_none());
        }
        assert!(read_wrk("unable to connect").is_none());
    }

    #[test]
    fn oha_is_read() {
        let text = |status: &str, error: &str| {
            format!(
                r#"{{"summary":{{"requestsPerSec":100.5}},"latencyPercentiles":{{"p50":0.001,"p99":0.0025}},
                "statusCodeDistribution":{{"{status}":10}},"errorDistribution":{{{error}}}}}"#
            )
        };
        let turn = read_oha(&text("200", r#""aborted due to deadline":3"#)).unwrap();
        assert_eq!((turn.rate, turn.median, turn.p99), (100.5, 1000.0, 2500.0));
        assert!(read_oha(&text("503", "")).is_none() && read_oha(&text("200", r#""refused":1"#)).is_none());
    }
}
