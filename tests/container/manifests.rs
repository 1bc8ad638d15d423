//! The files of `deploy` for Compose and Kubernetes.
//! In come the files; out goes where one names what another, or the image, does not have.
//! It starts nothing.

use crate::harness::workspace;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const MAPPED: &str = "/opt/qewd/mapped";
const DATA: &str = "/opt/qewd/data";
/// What the host answers to probes.
const PROBES: [&str; 2] = ["/qewd/health/live", "/qewd/health/ready"];

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The documents of a YAML file.
fn yaml(file: &str) -> Vec<Value> {
    let documents = Yaml::load_from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    documents.iter().map(plain).collect()
}

/// The same value, with what `<<` takes over.
fn plain(yaml: &Yaml) -> Value {
    if let Some(list) = yaml.as_vec() {
        return list.iter().map(plain).collect();
    }
    if let Some(mapping) = yaml.as_mapping() {
        let mut object = serde_json::Map::new();
        for (key, value) in mapping {
            match (key.as_str().unwrap(), plain(value)) {
                ("<<", Value::Object(taken)) => object.extend(taken),
                (key, value) => drop(object.insert(key.to_owned(), value)),
            }
        }
        return object.into();
    }
    let number = yaml.as_integer().map(Value::from).or_else(|| yaml.as_bool().map(Value::from));
    number.or_else(|| yaml.as_str().map(Value::from)).unwrap_or_default()
}

/// The microservices of an application.
fn services(config: &str) -> Vec<Value> {
    let config: Value = serde_json::from_str(&read(config)).unwrap();
    config["microservices"].as_array().unwrap().clone()
}

fn names(config: &str) -> BTreeSet<String> {
    services(config).iter().map(|service| service["name"].as_str().unwrap().to_owned()).collect()
}

/// What the services of a Compose file have in common with the image and with config.json.
fn check_compose(file: &str) -> Value {
    let compose = yaml(file).remove(0);
    let example = names("configuration/config.json");
    let mut started = BTreeSet::new();
    for (name, service) in compose["services"].as_object().unwrap() {
        if !service["image"].as_str().unwrap().ends_with("qewd}") {
            continue;
        }
        assert_eq!(service["read_only"], true, "{file}: {name}");
        let volumes: Vec<&str> =
            service["volumes"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert!(volumes.iter().any(|volume| volume.ends_with(&format!(":{MAPPED}"))), "{file}: {name}");
        for volume in volumes.iter().filter_map(|volume| volume.strip_suffix(&format!(":{DATA}"))) {
            assert!(compose["volumes"].as_object().unwrap().contains_key(volume), "{file}: {volume}");
        }
        if let Some(microservice) = service["environment"]["microservice"].as_str() {
            started.insert(microservice.to_owned());
            let aliases = service["networks"]["default"]["aliases"].as_array();
            let found = aliases.is_some_and(|aliases| aliases.iter().any(|alias| alias == microservice));
            assert!(found || name == microservice, "{file}: nobody finds {name} as {microservice}");
        }
    }
    assert_eq!(started, example, "{file}");
    compose
}

#[test]
fn compose_starts_every_host_of_the_example() {
    let compose = check_compose("deploy/compose.yaml");
    assert!(compose["services"]["orchestrator"]["ports"][0].as_str().unwrap().ends_with(":8080"));
    // Whoever keeps documents has a volume of its own.
    let volumes = compose["volumes"].as_object().unwrap();
    assert_eq!(volumes.len(), compose["services"].as_object().unwrap().len());
}

#[test]
fn compose_with_nginx_has_every_orchestrator_that_nginx_asks() {
    let compose = check_compose("deploy/compose.nginx.yaml");
    let services = compose["services"].as_object().unwrap();
    let nginx = read("deploy/nginx.conf");
    let asked: Vec<&str> = nginx
        .lines()
        .filter_map(|line| line.trim().strip_prefix("server ")?.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    assert!(asked.len() > 1, "{asked:?}");
    for name in asked {
        assert!(services.contains_key(name), "NGINX asks {name}");
    }
    assert!(services["nginx"]["volumes"][0].as_str().unwrap().starts_with("./nginx.conf:"));
    let port = nginx.lines().find_map(|line| line.trim().strip_prefix("listen ")?.strip_suffix(';')).unwrap();
    assert!(services["nginx"]["ports"][0].as_str().unwrap().ends_with(&format!(":{port}")));
}

const KUBERNETES: &str = "deploy/kubernetes";

/// Everything that `kubectl apply -k` makes.
fn resources() -> Vec<Value> {
    let kustomization = yaml(&format!("{KUBERNETES}/kustomization.yaml")).remove(0);
    let files = kustomization["resources"].as_array().unwrap();
    files.iter().flat_map(|file| yaml(&format!("{KUBERNETES}/{}", file.as_str().unwrap()))).collect()
}

/// The workloads: each with its pod.
fn workloads() -> Vec<(Value, Value)> {
    let all = resources().into_iter().filter(|one| one["kind"] == "Deployment" || one["kind"] == "StatefulSet");
    all.map(|one| (one.clone(), one["spec"]["template"]["spec"].clone())).collect()
}

fn environment<'a>(container: &'a Value, name: &str) -> Option<&'a str> {
    let all = container["env"].as_array()?;
    all.iter().find(|variable| variable["name"] == name)?["value"].as_str()
}

#[test]
fn kubernetes_runs_every_host_and_each_is_found_by_its_name() {
    let config = format!("{KUBERNETES}/config.json");
    let resources = resources();
    assert_eq!(names(&config), names("configuration/config.json"));
    let started: BTreeSet<String> = workloads()
        .iter()
        .filter_map(|(_, pod)| environment(&pod["containers"][0], "microservice").map(str::to_owned))
        .collect();
    assert_eq!(started, names(&config));
    for service in services(&config) {
        let host = service["host"].as_str().unwrap();
        let found = resources.iter().find(|one| one["kind"] == "Service" && one["metadata"]["name"] == *host);
        let found = found.unwrap_or_else(|| panic!("nothing is called {host}"));
        assert_eq!(found["spec"]["clusterIP"], "None", "{host} has to name each pod");
        let (workload, pod) = workloads().into_iter().find(|(one, _)| one["metadata"]["name"] == *host).unwrap();
        assert_eq!(found["spec"]["selector"], workload["spec"]["template"]["metadata"]["labels"]);
        assert_eq!(workload["spec"]["selector"]["matchLabels"], workload["spec"]["template"]["metadata"]["labels"]);
        assert_eq!(environment(&pod["containers"][0], "microservice"), service["name"].as_str());
    }
}

#[test]
fn kubernetes_routes_are_those_of_the_example() {
    assert_eq!(read(&format!("{KUBERNETES}/routes.json")), read("configuration/routes.json"));
}

#[test]
fn kubernetes_asks_ports_and_paths_that_are_there_and_takes_every_right_away() {
    for (workload, pod) in workloads() {
        let name = &workload["metadata"]["name"];
        let container = &pod["containers"][0];
        let port = |name: &str| {
            container["ports"].as_array().unwrap().iter().find(|port| port["name"] == name).unwrap()["containerPort"]
                .clone()
        };
        assert_eq!(port("http"), 8080, "{name}");
        assert_eq!(environment(container, "QEWD_MANAGEMENT_PORT").unwrap(), port("management").to_string(), "{name}");
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let asked = &container[probe]["httpGet"];
            assert_eq!(asked["port"], "management", "{name}: {probe}");
            assert!(PROBES.iter().any(|path| asked["path"] == *path), "{name}: {probe}");
        }
        let limits = &container["securityContext"];
        assert_eq!(limits["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(limits["capabilities"]["drop"][0], "ALL", "{name}");
        assert_eq!(pod["securityContext"]["runAsUser"], 65532, "{name}");
        // A Service called `qewd` would else set a variable of the program's.
        assert_eq!(pod["enableServiceLinks"], false, "{name}");
        let mounts: Vec<&str> = container["volumeMounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["mountPath"].as_str().unwrap())
            .collect();
        assert!(mounts.contains(&DATA) && mounts.contains(&"/opt/qewd/mapped/configuration"), "{name}: {mounts:?}");
    }
}

#[test]
fn kubernetes_waits_longer_than_a_host_that_stops() {
    let config: Value = serde_json::from_str(&read(&format!("{KUBERNETES}/config.json"))).unwrap();
    let blocks = std::iter::once(&config["orchestrator"]).chain(config["microservices"].as_array().unwrap());
    let longest = blocks.map(|block| block["qewd"]["limits"]["stopMilliseconds"].as_u64().unwrap()).max().unwrap();
    for (workload, pod) in workloads() {
        let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!(grace * 1000 > longest, "{}: {grace} s", workload["metadata"]["name"]);
    }
}

#[test]
fn kubernetes_secrets_are_where_config_json_looks() {
    let config = read(&format!("{KUBERNETES}/config.json"));
    for (_, pod) in workloads() {
        let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap().clone();
        let secrets = mounts.iter().find(|mount| mount["name"] == "secrets").unwrap()["mountPath"].as_str().unwrap();
        for key in ["jwt", "management"] {
            assert!(config.contains(&format!("\"file:{secrets}/{key}\"")), "{key}");
        }
    }
}
