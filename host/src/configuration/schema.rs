//! The JSON Schemas of config.json and routes.json (draft 2020-12), for editors and other programs that check such files.
//! In come the tables by which the readers read; out goes what the files may hold, as far as a schema can say it.
//! It never looks at a file: what goes beyond one value, such as a name that nothing has, `qewd check` says.

use super::application::TOP_KEYS;
use super::keys::{Form, Key, Keys, Kind, Usual};
use super::routes::{ELSE_ENTRY_KEYS, ROUTE_KEYS};
use super::services::MEMBERS;
use serde_json::{Map, Value, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The name of what may stand in place of any value of config.json.
const REFERENCE: &str = "reference";
/// Keys of a route for messages, of which one for requests has none, and the other way round.
const OF_MESSAGES: [&str; 2] = ["application", "type"];
const OF_REQUESTS: [&str; 3] = ["uri", "method", "example"];

/// A file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Described {
    /// config.json.
    Config,
    /// routes.json.
    Routes,
}

/// The schema of a file.
#[must_use]
pub fn schema(of: Described) -> Value {
    let mut writer = Writer { definitions: Map::new(), has_references: of == Described::Config };
    let (title, what) = match of {
        Described::Config => ("config.json of a qewd application", writer.kind(&Kind::Object(&TOP_KEYS))),
        Described::Routes => ("routes.json of a qewd application", writer.routes()),
    };
    let mut schema = json!({"$schema": DRAFT, "title": title});
    merge(&mut schema, what);
    if writer.has_references {
        writer.definitions.insert(REFERENCE.to_owned(), reference());
    }
    writer.definitions.sort_keys();
    merge(&mut schema, json!({"$defs": writer.definitions}));
    schema
}

fn reference() -> Value {
    json!({
        "type": "string",
        "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*$|file:[\\s\\S])",
        "description": "The value stands elsewhere: env:NAME is an environment variable, file:PATH a file, absolute or from the \
                        application folder.",
    })
}

/// Adds the members of one object to another.
fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

struct Writer {
    /// What is written once and named elsewhere.
    definitions: Map<String, Value>,
    /// Whether each value may also stand elsewhere.
    has_references: bool,
}

impl Writer {
    /// What may stand at a place, and that it may stand elsewhere.
    fn kind(&mut self, kind: &Kind) -> Value {
        let here = self.here(kind);
        if !self.has_references || matches!(kind, Kind::Any) || is_any_text(kind) {
            return here;
        }
        let mut ways = vec![here, json!({"$ref": format!("#/$defs/{REFERENCE}")})];
        if matches!(kind, Kind::Text(_) | Kind::Choice(_)) {
            ways.push(json!({"type": "string", "pattern": "^text:(env|file|text):"}));
        }
        json!({"anyOf": ways})
    }

    fn here(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Text(form) => text(form),
            Kind::Choice(texts) => json!({"enum": texts}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::Yes => json!({"const": true}),
            Kind::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Kind::WholeInQuotes(least, most) => json!({"anyOf": [
                {"type": "integer", "minimum": least, "maximum": most}, {"type": "string", "pattern": "^\\s*\\+?[0-9]+\\s*$"}
            ]}),
            Kind::Texts(item, least) => {
                let mut list = json!({"type": "array", "items": self.kind(item)});
                if *least > 0 {
                    merge(&mut list, json!({"minItems": least}));
                }
                list
            }
            Kind::List(_, item, most) => {
                let mut list = json!({"type": "array", "items": self.kind(item)});
                if *most < usize::MAX {
                    merge(&mut list, json!({"minItems": 1, "maxItems": most}));
                }
                list
            }
            Kind::Object(keys) => self.object(keys),
            Kind::Map(entry) => json!({"type": "object", "additionalProperties": self.kind(entry)}),
            Kind::Either(_, [Kind::Object(process), Kind::Object(group)]) => {
                let (process, group) = (self.object(process), self.object(group));
                json!({"if": {"type": "object", "required": [MEMBERS]}, "then": group, "else": process})
            }
            Kind::Either(_, kinds) => json!({"anyOf": kinds.iter().map(|kind| self.here(kind)).collect::<Vec<_>>()}),
            Kind::AnyObject => json!({"type": "object"}),
            Kind::Any => json!(true),
        }
    }

    /// An object of these keys, written once.
    fn object(&mut self, keys: &'static Keys) -> Value {
        if !self.definitions.contains_key(keys.name) {
            let written = self.keys(keys, &[]);
            self.definitions.insert(keys.name.to_owned(), written);
        }
        json!({"$ref": format!("#/$defs/{}", keys.name)})
    }

    /// An object of these keys, but for some.
    fn keys(&mut self, keys: &'static Keys, without: &[&str]) -> Value {
        let is_in = |name: &str| !without.contains(&name);
        let known = keys.known.iter().filter(|key| is_in(key.name));
        let mut properties: Map<String, Value> =
            known.clone().map(|key| (key.name.to_owned(), self.key(key))).collect();
        properties.extend(keys.idle.iter().map(|(name, instead)| {
            let idle = json!({"deprecated": true, "description": format!("Has no effect: {instead}.")});
            ((*name).to_owned(), idle)
        }));
        let mut object = json!({"type": "object", "properties": properties, "additionalProperties": false});
        let must: Vec<&str> = known.filter(|key| matches!(key.usual, Usual::Must)).map(|key| key.name).collect();
        if !must.is_empty() {
            merge(&mut object, json!({"required": must}));
        }
        let pairs: Map<String, Value> = keys
            .pairs
            .iter()
            .filter(|(key, _)| is_in(key))
            .map(|(key, needs)| ((*key).to_owned(), json!([needs])))
            .collect();
        if !pairs.is_empty() {
            merge(&mut object, json!({"dependentRequired": pairs}));
        }
        let apart: Vec<Value> =
            keys.apart.iter().map(|(one, other)| json!({"not": {"required": [one, other]}})).collect();
        if !apart.is_empty() {
            merge(&mut object, json!({"allOf": apart}));
        }
        object
    }

    fn key(&mut self, key: &Key) -> Value {
        let mut words = format!("{} {}.", key.about, capitalised(&key.kind.words()));
        let default = match key.usual {
            Usual::Nothing | Usual::Must => None,
            Usual::Number(number) => Some(json!(number)),
            Usual::Flag(flag) => Some(json!(flag)),
            Usual::Text(text) => Some(json!(text)),
            Usual::Words(usual) => {
                words.push_str(&format!(" Default: {usual}."));
                None
            }
        };
        let mut written = json!({"description": words});
        if let Some(default) = default {
            merge(&mut written, json!({"default": default}));
        }
        // Where anything may stand, there is no more to say.
        merge(&mut written, self.kind(&key.kind));
        written
    }

    /// A list of routes for requests, routes for messages, and the answer to unknown paths.
    fn routes(&mut self) -> Value {
        let answers: Vec<Value> =
            ["handler", "on_microservice", "on_microservices"].iter().map(|key| json!({"required": [key]})).collect();
        let mut request = self.keys(&ROUTE_KEYS, &OF_MESSAGES);
        merge(&mut request, json!({"title": "A route for requests", "required": ["uri"], "anyOf": answers}));
        let mut message = self.keys(&ROUTE_KEYS, &OF_REQUESTS);
        merge(&mut message, json!({"title": "A route for messages", "required": OF_MESSAGES, "anyOf": answers}));
        let otherwise = self.keys(&ELSE_ENTRY_KEYS, &[]);
        json!({"type": "array", "items": {"oneOf": [request, message, otherwise]}})
    }
}

fn text(form: &Form) -> Value {
    let mut text = json!({"type": "string"});
    if !form.pattern.is_empty() {
        merge(&mut text, json!({"pattern": form.pattern}));
    }
    if !form.never.is_empty() {
        merge(&mut text, json!({"not": {"pattern": form.never}}));
    }
    text
}

/// References are texts themselves.
fn is_any_text(kind: &Kind) -> bool {
    matches!(kind, Kind::Text(Form { pattern: "", .. }))
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
