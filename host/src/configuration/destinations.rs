//! Where a route leads, as routes.json has it.
//! In come the keys of one route that name microservices and groups; out go the names, each known to config.json.
//! Which of them this host can reach, the router decides.

use super::application::{Application, ORCHESTRATOR};
use super::block::{Block, advice};
use super::problem::Spot;
use super::routes::DESTINATION;
use super::uri::{self, Part};
use crate::names::ServiceName;

/// A name that is wrong, and was said to be.
pub(super) struct Wrong;

/// The one destination; nothing if there is none.
pub(super) fn on_microservice(
    block: &mut Block<'_, '_>,
    application: &Application,
) -> Result<Option<ServiceName>, Wrong> {
    if block.get("on_microservice").is_none() {
        return Ok(None);
    }
    let spot = block.spot("on_microservice");
    let text = block.text("on_microservice").ok_or(Wrong)?;
    known(block, application, text, spot).map(Some)
}

/// The destinations among which the path chooses.
pub(super) fn on_microservices(
    block: &mut Block<'_, '_>,
    application: &Application,
) -> Result<Vec<ServiceName>, Wrong> {
    if block.get("on_microservices").is_none() {
        return Ok(Vec::new());
    }
    let texts = block.texts("on_microservices").ok_or(Wrong)?;
    if texts.is_empty() {
        block.error("on_microservices", "\"on_microservices\" is empty", "name at least one microservice or group");
    }
    let names: Vec<_> = texts.into_iter().map(|(text, spot)| known(block, application, text, spot)).collect();
    names.into_iter().collect()
}

/// A choice needs both: a variable in the path, and something to choose from.
pub(super) fn check_choice(block: &mut Block<'_, '_>, parts: &[Part]) -> Result<(), Wrong> {
    let chooses = uri::has_variable(parts, DESTINATION);
    let has_list = block.get("on_microservices").is_some();
    let variable = format!(":{DESTINATION}");
    if !chooses && uri::names(parts).contains(&DESTINATION) {
        let what = format!("{variable} in the uri chooses where the request goes, so it must be one whole :name");
        block.error("uri", what, "write it outside of ( ) and with a colon, or give the variable another name");
    } else if has_list && !chooses {
        let what = format!("\"on_microservices\" needs the variable {variable} in the \"uri\"");
        let mend = format!("write the uri as \"/api/{variable}/…\", or name one in \"on_microservice\"");
        block.error("on_microservices", what, mend);
    } else if chooses && !has_list && block.get("on_microservice").is_none() {
        let what = format!("{variable} in the uri has nothing to choose from");
        block.error("uri", what, "add \"on_microservices\": [\"…\"], or give the variable another name");
    } else {
        return Ok(());
    }
    Err(Wrong)
}

/// The microservice from whose folder the handler comes.
pub(super) fn handler_source(block: &mut Block<'_, '_>, application: &Application) -> Option<ServiceName> {
    let text = block.text("handler_source")?;
    if block.get("handler").is_none() {
        let what = "\"handler_source\" says whose handler is meant, and this route has none";
        block.error("handler_source", what, "add \"handler\": \"…\"");
        return None;
    }
    if let Some(service) = application.service(text) {
        return Some(service.name.clone());
    }
    let mend = if application.is_group(text) {
        "a group has no folder: name the microservice whose folder has the handler".to_owned()
    } else {
        advice(text, application.names())
    };
    block.error("handler_source", format!("unknown microservice {text:?}"), mend);
    None
}

/// The hosts that may send requests along the route.
pub(super) fn from_microservices(block: &mut Block<'_, '_>, application: &Application) -> Option<Vec<ServiceName>> {
    let mut callers = Vec::new();
    for (text, spot) in block.texts("from_microservices")? {
        if text == ORCHESTRATOR || application.service(text).is_some() {
            callers.extend(ServiceName::new(text));
        } else if application.is_group(text) {
            let what = format!("the group {text:?} sends no requests");
            block.report.error(Some(spot), what, "name those of its members that do");
        } else {
            let known = std::iter::once(ORCHESTRATOR).chain(application.names());
            block.report.error(Some(spot), format!("unknown microservice {text:?}"), advice(text, known));
        }
    }
    Some(callers)
}

fn known(block: &mut Block<'_, '_>, application: &Application, text: &str, spot: Spot) -> Result<ServiceName, Wrong> {
    if application.service(text).is_some() || application.is_group(text) {
        return ServiceName::new(text).map_err(|_| Wrong);
    }
    if text == ORCHESTRATOR {
        let mend = "remove it: a route without a microservice is answered by the orchestrator";
        block.report.error(Some(spot), "the orchestrator is no microservice", mend);
    } else {
        let mend = advice(text, application.destinations());
        block.report.error(Some(spot), format!("unknown microservice {text:?}"), mend);
    }
    Err(Wrong)
}
