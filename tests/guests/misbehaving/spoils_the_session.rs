//! Leaves a session whose lifetime no token can carry.

use qewd_sdk::Request;

qewd_sdk::handlers!(spoils_the_session);

fn spoils_the_session(request: &mut Request) -> &'static str {
    request.session.set_timeout(0);
    "never seen"
}
