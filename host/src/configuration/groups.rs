//! Groups: several microservices under one name.
//! In come groups with the names that they mention; out go their members, and words for a group that contains itself.
//! It does not decide which routes lead to a group.

use super::Group;
use super::problem::Report;
use super::services::Mention;
use crate::names::ServiceName;

/// The services that a name stands for: itself, or the members of a group and of the groups within it, each once, in the
/// order of config.json.
pub(crate) fn leaves(groups: &[Group], name: &ServiceName) -> Vec<ServiceName> {
    all_names(groups, name).into_iter().filter(|name| find(groups, name).is_none()).collect()
}

/// A name, and all names of services and groups below it.
pub(crate) fn all_names(groups: &[Group], name: &ServiceName) -> Vec<ServiceName> {
    let (mut found, mut left) = (Vec::new(), vec![name]);
    while let Some(next) = left.pop() {
        if !found.contains(next) {
            found.push(next.clone());
            // The last one is taken next, so that a group's members stand where the group stood.
            left.extend(find(groups, next).into_iter().flat_map(|group| group.members.iter().rev()));
        }
    }
    found
}

/// Refuses groups that contain themselves or nobody, and takes the way round out of them. `mentions` are the members as
/// written.
pub(crate) fn check(groups: &mut [Group], mentions: &[(ServiceName, Vec<Mention<'_>>)], report: &mut Report) {
    let mut circular: Vec<(ServiceName, &str)> = Vec::new();
    for (name, members) in mentions {
        for (text, spot) in members {
            let Ok(member) = ServiceName::new(text) else { continue };
            if all_names(groups, &member).contains(name) {
                let way = if member == *name { String::new() } else { format!(", by way of {text:?}") };
                report.error(
                    Some(*spot),
                    format!("the group \"{name}\" contains itself{way}"),
                    "take this member out of the group",
                );
                circular.push((name.clone(), text));
            }
        }
    }
    for group in groups {
        let stays =
            |member: &ServiceName| !circular.iter().any(|(name, text)| *name == group.name && *text == member.as_str());
        group.members.retain(stays);
    }
}

fn find<'g>(groups: &'g [Group], name: &ServiceName) -> Option<&'g Group> {
    groups.iter().find(|group| group.name == *name)
}
