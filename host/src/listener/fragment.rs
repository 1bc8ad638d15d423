//! Parts of pages that clients ask for by message: files below `www/<application>/`.
//! In comes a file's name; out goes its text.
//! It never leaves the application's folder, whatever the name says.

use super::envelope::Answer;
use super::files;
use crate::edition::Edition;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Wanted {
    file: String,
}

/// Answers `ewd-fragment`.
pub(super) async fn answer(edition: &Edition, application: &str, params: Option<&str>) -> Answer {
    let wanted = params.and_then(|params| serde_json::from_str::<Wanted>(params).ok());
    let Some(Wanted { file }) = wanted else {
        return Answer::refusal(400, "A fragment needs \"params\" with the name of its \"file\"", false);
    };
    let missing = || {
        let words = format!("Fragment file {file} does not exist");
        Answer::error(404, &json!({ "error": words, "file": file }))
    };
    let most = edition.configuration.settings.limits.response;
    match files::text(&edition.configuration, application, &file, most).await {
        Some(content) => Answer::plain(&json!({ "fragmentName": file, "content": content })),
        None => missing(),
    }
}
