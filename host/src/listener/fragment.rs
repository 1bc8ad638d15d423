//! Parts of pages that clients ask for by message: files below `www/<application>/`.
//! In comes a file's name; out goes its text.
//! It never leaves the application's folder, whatever the name says.

use super::envelope::Answer;
use super::files::WWW;
use crate::edition::Edition;
use serde::Deserialize;
use serde_json::json;
use std::path::{Component, Path};

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
    let folder = edition.configuration.folder.join(WWW).join(application);
    let Some(content) = read(&folder, &file, edition.configuration.settings.limits.response).await else {
        return missing();
    };
    Answer::plain(&json!({ "fragmentName": file, "content": content }))
}

async fn read(folder: &Path, file: &str, most: usize) -> Option<String> {
    let is_plain = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain || file.is_empty() {
        return None;
    }
    // A link in the folder may lead out of it.
    let folder = tokio::fs::canonicalize(folder).await.ok()?;
    let path = tokio::fs::canonicalize(folder.join(file)).await.ok()?;
    let size = tokio::fs::metadata(&path).await.ok().filter(std::fs::Metadata::is_file)?.len();
    if !path.starts_with(&folder) || usize::try_from(size).map_or(true, |size| size > most) {
        return None;
    }
    tokio::fs::read_to_string(&path).await.ok()
}
