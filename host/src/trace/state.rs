//! The header `tracestate`: a list of what tracing systems send along for themselves.
//! In come its lines; out goes one list that may travel on.
//! It changes no member of the list, and carries none that is not valid.

/// Members of a list, and bytes of it that travel on, as the specification has them.
const MEMBERS: usize = 32;
const BYTES: usize = 512;
/// Members that are longer than this are left out first where a list is too long.
const LONG_MEMBER: usize = 128;
/// Bytes of a key, and of a value.
const PART_BYTES: usize = 256;

/// One list of all lines; none: there is none, or it is not valid.
pub(super) fn read<'h>(lines: impl Iterator<Item = &'h str>) -> Option<std::sync::Arc<str>> {
    let mut members: Vec<&str> = Vec::new();
    let blank = [' ', '\t'];
    for member in lines.flat_map(|line| line.split(',')).map(|member| member.trim_matches(blank)) {
        if member.is_empty() {
            continue;
        }
        if members.len() == MEMBERS || !is_member(member) {
            return None;
        }
        members.push(member);
    }
    // With a comma after each but the last.
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>();
    if length(&members) > BYTES + 1 {
        members.retain(|member| member.len() <= LONG_MEMBER);
    }
    while length(&members) > BYTES + 1 {
        members.pop();
    }
    (!members.is_empty()).then(|| members.join(",").into())
}

fn is_member(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value))
}

fn is_key(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    begins && text.len() <= PART_BYTES && text.bytes().all(is_good)
}

/// Printable ASCII, whose last character is no blank: those were taken off.
fn is_value(text: &str) -> bool {
    let is_good = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b',' && byte != b'=';
    (1..=PART_BYTES).contains(&text.len()) && text.bytes().all(is_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Option<String> {
        read([line].into_iter()).map(|list| list.to_string())
    }

    #[test]
    fn lists_travel_on_in_their_order() {
        assert_eq!(one("a=1, b@c=x y\t,,z0_-*/=~!").as_deref(), Some("a=1,b@c=x y,z0_-*/=~!"));
        assert_eq!(read(["a=1", "b=2"].into_iter()).as_deref(), Some("a=1,b=2"));
        assert_eq!((one(""), one(" , ")), (None, None));
    }

    #[test]
    fn what_is_no_list_is_dropped_whole() {
        let too_many = vec!["a=1"; MEMBERS + 1].join(",");
        let long = format!("{}=1", "k".repeat(PART_BYTES + 1));
        for bad in ["a", "A=1", "a=", "=1", "a=1=2", "a=\u{e9}", "_a=1", "a b=1", "a=1,b", &too_many, &long] {
            assert_eq!(one(bad), None, "{bad}");
        }
        assert!(one(&vec!["a=1"; MEMBERS].join(",")).is_some());
    }

    #[test]
    fn of_a_long_list_the_long_members_go_first() {
        let long = format!("long={}", "x".repeat(200));
        let short = format!("s={}", "y".repeat(100));
        let list = [short.as_str(), &long, &short, &long, &short].join(",");
        assert_eq!(one(&list).unwrap(), [short.as_str(), &short, &short].join(","));
        let list = [short.as_str(); 10].join(",");
        assert_eq!(one(&list).unwrap(), [short.as_str(); 4].join(","));
    }
}
