//! What the environment says about traces.
//! In come the variables that OpenTelemetry has for it; out go settings, nothing where there is no collector, or what to mend.
//! No value of a variable is in any word: an address or a header may hold a secret.

use super::pairs;
use super::sampler::Sampler;
use std::path::PathBuf;
use std::time::Duration;

/// How long a batch may take to be delivered, if the environment does not say it: the standard's 10 s.
const TIMEOUT_MILLISECONDS: u64 = 10_000;
/// Spans that may wait, and those that go at once: the standard's numbers.
const QUEUE: u64 = 2048;
const BATCH: u64 = 512;
/// Spans that may wait at most, some hundred megabytes.
const MOST_QUEUE: u64 = 1 << 18;
/// How often a batch goes: the standard's 5 s, and not more often than each 10 ms.
const DELAY_MILLISECONDS: u64 = 5000;
const LEAST_DELAY_MILLISECONDS: u64 = 10;
/// An hour, for every length of time.
const MOST_MILLISECONDS: u64 = 3_600_000;

/// How traces are kept and sent.
#[derive(Debug, PartialEq)]
pub(super) struct Settings {
    /// A whole URL.
    pub(super) endpoint: String,
    /// The variable that names it.
    pub(super) named_by: &'static str,
    pub(super) timeout: Duration,
    /// The authorities that the collector's certificate may have; none: those of the system.
    pub(super) authorities: Option<PathBuf>,
    /// What the host is called, in place of its own name.
    pub(super) service: Option<String>,
    /// What the collector is told of the host beside that.
    pub(super) attributes: Vec<(String, String)>,
    pub(super) sampler: Sampler,
    pub(super) queue: usize,
    pub(super) batch: usize,
    pub(super) delay: Duration,
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

const DISABLED: &str = "OTEL_SDK_DISABLED";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// A variable that is no text would be taken for one that is not there.
pub(super) fn check_texts() -> Result<(), String> {
    let is_ours = |name: &str| name.starts_with("OTEL_");
    for (name, value) in std::env::vars_os() {
        if let Some(name) = name.to_str().filter(|name| is_ours(name) && value.to_str().is_none()) {
            return Err(format!("{name} is not UTF-8; mend it, or take it away"));
        }
    }
    Ok(())
}

fn is_off(value: Option<String>) -> Result<bool, String> {
    match value.map(|value| value.to_ascii_lowercase()).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(format!("{DISABLED} must be true or false; mend it, or take it away")),
    }
}

/// Reads the environment.
pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Settings>, String> {
    // An empty variable is like none, says the standard.
    let get = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let of_traces = |name: &'static str| {
        let own = format!("OTEL_EXPORTER_OTLP_TRACES_{name}");
        let common = format!("OTEL_EXPORTER_OTLP_{name}");
        get(&own).map(|value| (own, value)).or_else(|| get(&common).map(|value| (common, value)))
    };
    let given = get(TRACES_ENDPOINT).map(|endpoint| (endpoint, TRACES_ENDPOINT));
    let base = || get(ENDPOINT).map(|base| (format!("{}/v1/traces", base.trim_end_matches('/')), ENDPOINT));
    let Some((endpoint, named_by)) = given.or_else(base) else { return Ok(None) };
    let exporter = get("OTEL_TRACES_EXPORTER").unwrap_or_else(|| "otlp".to_owned());
    if is_off(get(DISABLED))? || exporter == "none" {
        return Ok(None);
    }
    if exporter != "otlp" {
        return Err("OTEL_TRACES_EXPORTER must be otlp or none: this program sends traces by OTLP only".to_owned());
    }
    if let Some((name, _)) = of_traces("PROTOCOL").filter(|(_, value)| value != "http/protobuf") {
        return Err(format!(
            "{name} must be http/protobuf: traces are sent in no other way; set it, and the collector's port for OTLP over HTTP, usually 4318, in {named_by}"
        ));
    }
    if let Some((name, _)) = of_traces("COMPRESSION").filter(|(_, value)| value != "none") {
        return Err(format!("{name} must be none: batches are not compressed; set it to none, or take it away"));
    }
    if let Some((name, headers)) = of_traces("HEADERS") {
        pairs::check_headers(&name, &headers)?;
    }
    let milliseconds = |name: &str, value: Option<String>, usual: u64, least: u64| {
        whole(name, value, usual, least, MOST_MILLISECONDS).map(Duration::from_millis)
    };
    let (timeout_name, timeout) = of_traces("TIMEOUT").unzip();
    let queue = whole("OTEL_BSP_MAX_QUEUE_SIZE", get("OTEL_BSP_MAX_QUEUE_SIZE"), QUEUE, 1, MOST_QUEUE)?;
    let batch = whole("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), BATCH, 1, MOST_QUEUE)?;
    Ok(Some(Settings {
        endpoint,
        named_by,
        timeout: milliseconds(&timeout_name.unwrap_or_default(), timeout, TIMEOUT_MILLISECONDS, 1)?,
        authorities: of_traces("CERTIFICATE").map(|(_, file)| file.into()),
        service: get("OTEL_SERVICE_NAME"),
        attributes: get(ATTRIBUTES).map_or(Ok(Vec::new()), |text| pairs::attributes(ATTRIBUTES, &text))?,
        sampler: Sampler::read(get("OTEL_TRACES_SAMPLER").as_deref(), get("OTEL_TRACES_SAMPLER_ARG").as_deref())?,
        queue: usize::try_from(queue).unwrap_or(usize::MAX),
        batch: usize::try_from(batch.min(queue)).unwrap_or(usize::MAX),
        delay: milliseconds("OTEL_BSP_SCHEDULE_DELAY", get("OTEL_BSP_SCHEDULE_DELAY"), DELAY_MILLISECONDS, 0)?
            .max(Duration::from_millis(LEAST_DELAY_MILLISECONDS)),
    }))
}

fn whole(name: &str, value: Option<String>, usual: u64, least: u64, most: u64) -> Result<u64, String> {
    let Some(value) = value else { return Ok(usual) };
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("{name} must be a whole number from {least} to {most}; mend it, or take it away"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const ON: (&str, &str) = (ENDPOINT, "http://c:4318/");

    #[test]
    fn without_a_collector_there_are_no_traces() {
        let off: [&[(&str, &str)]; 5] = [
            &[],
            &[(ENDPOINT, " ")],
            &[ON, ("OTEL_SDK_DISABLED", "TRUE")],
            &[ON, ("OTEL_TRACES_EXPORTER", "none")],
            &[("OTEL_TRACES_EXPORTER", "console"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        ];
        for variables in off {
            assert_eq!(given(variables), Ok(None), "{variables:?}");
        }
    }

    #[test]
    fn the_variables_of_traces_go_before_the_common_ones() {
        let common =
            given(&[ON, ("OTEL_SDK_DISABLED", "false"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "7")]).unwrap().unwrap();
        assert_eq!((common.endpoint.as_str(), common.timeout), ("http://c:4318/v1/traces", Duration::from_millis(7)));
        assert_eq!((common.queue, common.batch, common.delay), (2048, 512, Duration::from_secs(5)));
        let own = [
            ON,
            (TRACES_ENDPOINT, "http://t:1/other"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "8"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "9"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"),
        ];
        let own = given(&own).unwrap().unwrap();
        assert_eq!((own.endpoint.as_str(), own.timeout), ("http://t:1/other", Duration::from_millis(8)));
        assert_eq!((own.queue, own.batch, own.delay), (10, 10, Duration::from_millis(10)));
        assert_eq!(own.authorities, Some("ca.pem".into()));
    }

    #[test]
    fn what_is_not_served_is_refused_and_never_shown() {
        for (name, value, words) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL must be"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "must be none"),
            ("OTEL_TRACES_EXPORTER", "zipkin", "must be otlp or none"),
            ("OTEL_SDK_DISABLED", "maybe", "OTEL_SDK_DISABLED must be true or false"),
            ("OTEL_RESOURCE_ATTRIBUTES", "cellar", "OTEL_RESOURCE_ATTRIBUTES must be pairs such as"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hush", "OTEL_EXPORTER_OTLP_HEADERS must be headers such as"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "hush", "OTEL_EXPORTER_OTLP_TRACES_HEADERS must be headers"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote", "OTEL_TRACES_SAMPLER must be one of"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "OTEL_EXPORTER_OTLP_TIMEOUT must be a whole number from 1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "must be a whole number from 1"),
            ("OTEL_BSP_SCHEDULE_DELAY", "-1", "must be a whole number from 0"),
        ] {
            let refused = given(&[ON, (name, value)]).unwrap_err();
            assert!(refused.contains(words) && !refused.contains(&format!("{value:?}")), "{refused}");
        }
    }
}
