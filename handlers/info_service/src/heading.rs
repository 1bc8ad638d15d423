//! Shows path variables, and a failure with its own status.
//! In come a patient and a heading, out goes what the table holds.
//! The table is the same for every patient: this is an example.

use qewd_sdk::{Failure, Json, Request};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Heading {
    patient_id: u32,
    heading: String,
    data: &'static [&'static str],
}

/// GET /api/patient/:patientId/heading/:heading
pub(crate) fn heading(request: &mut Request) -> Result<Json<Heading>, Failure> {
    let patient_id = request.parse_variable("patientId")?;
    let heading = request.variable("heading")?.to_owned();
    let data = table(&heading).ok_or_else(|| Failure::new(format!("No heading `{heading}`")).status(404))?;
    Ok(Json(Heading { patient_id, heading, data }))
}

fn table(heading: &str) -> Option<&'static [&'static str]> {
    match heading {
        "allergies" => Some(&["pollen", "penicillin"]),
        "medications" => Some(&["ibuprofen"]),
        "procedures" => Some(&[]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qewd_sdk::{Response, testing};

    fn ask(patient: &str, name: &str) -> Result<Response, Failure> {
        let path = format!("/api/patient/{patient}/heading/{name}");
        let mut request = testing::get(&path).variable("patientId", patient).variable("heading", name).request();
        testing::call(heading, &mut request)
    }

    #[test]
    fn answers_from_the_table() {
        assert_eq!(
            ask("1", "allergies").unwrap().body_text(),
            r#"{"patientId":1,"heading":"allergies","data":["pollen","penicillin"]}"#
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert_eq!(ask("1", "hobbies").unwrap_err().to_string(), "404 No heading `hobbies`");
        assert_eq!(
            ask("one", "allergies").unwrap_err().to_string(),
            "400 `one` is not a good value for `patientId`: invalid digit found in string"
        );
    }
}
