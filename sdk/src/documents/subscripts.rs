//! What can name a node below another one.
//! In come texts, numbers and truth values, alone or several of them; out go the texts by which the store knows them.
//! It never judges them: the host says if one cannot be.

/// One subscript: a text, a number, `true` or `false`. Types of yours may be some, too.
///
/// ```
/// use qewd_sdk::documents::{self, Subscript};
///
/// struct PatientId(u32);
///
/// impl Subscript for PatientId {
///     fn subscript(&self) -> String {
///         self.0.subscript()
///     }
/// }
///
/// assert_eq!(documents::open("patients").at(PatientId(7)).name(), "7");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no subscript",
    label = "no subscript",
    note = "a subscript is a text, a number or a bool"
)]
pub trait Subscript {
    /// Its text. A number is in its shortest form: `7`, `-1`, `1.5`.
    fn subscript(&self) -> String;
}

/// One subscript, or several from the top down: an array, a slice or a vector of one type, or a tuple of several types.
///
/// ```
/// use qewd_sdk::documents;
///
/// let patients = documents::open("patients");
/// let city = patients.at((7, "address", "city"));
/// assert_eq!(city, patients.at(7).at(["address", "city"]));
/// assert_eq!(city.to_string(), r#"patients(7, "address", "city")"#);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no node",
    label = "no subscripts",
    note = "give a text, a number or a bool; an array, slice or vector of them; or a tuple of up to eight"
)]
pub trait Subscripts {
    /// Adds the texts to a path.
    fn add_to(self, path: &mut Vec<String>);
}

impl Subscript for str {
    fn subscript(&self) -> String {
        self.to_owned()
    }
}

impl Subscript for String {
    fn subscript(&self) -> String {
        self.clone()
    }
}

impl<S: Subscript + ?Sized> Subscript for &S {
    fn subscript(&self) -> String {
        (*self).subscript()
    }
}

macro_rules! as_displayed {
    ($($type:ty),*) => {
        $(impl Subscript for $type {
            fn subscript(&self) -> String {
                self.to_string()
            }
        })*
    };
}

as_displayed!(bool, char, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

macro_rules! as_fraction {
    ($($type:ty),*) => {
        $(impl Subscript for $type {
            fn subscript(&self) -> String {
                // There is one zero, and its shortest form has no sign.
                if *self == 0.0 { "0".to_owned() } else { self.to_string() }
            }
        })*
    };
}

as_fraction!(f32, f64);

impl<S: Subscript> Subscripts for S {
    fn add_to(self, path: &mut Vec<String>) {
        path.push(self.subscript());
    }
}

impl<S: Subscript> Subscripts for &[S] {
    fn add_to(self, path: &mut Vec<String>) {
        path.extend(self.iter().map(S::subscript));
    }
}

impl<S: Subscript> Subscripts for Vec<S> {
    fn add_to(self, path: &mut Vec<String>) {
        self.as_slice().add_to(path);
    }
}

impl<S: Subscript> Subscripts for &Vec<S> {
    fn add_to(self, path: &mut Vec<String>) {
        self.as_slice().add_to(path);
    }
}

impl<S: Subscript, const N: usize> Subscripts for [S; N] {
    fn add_to(self, path: &mut Vec<String>) {
        self.as_slice().add_to(path);
    }
}

impl<S: Subscript, const N: usize> Subscripts for &[S; N] {
    fn add_to(self, path: &mut Vec<String>) {
        self.as_slice().add_to(path);
    }
}

macro_rules! as_tuple {
    ($($type:ident)*) => {
        impl<$($type: Subscript),*> Subscripts for ($($type,)*) {
            #[allow(non_snake_case, reason = "each part is named after its type")]
            fn add_to(self, path: &mut Vec<String>) {
                let ($($type,)*) = self;
                path.extend([$($type.subscript()),*]);
            }
        }
    };
}

as_tuple!(A);
as_tuple!(A B);
as_tuple!(A B C);
as_tuple!(A B C D);
as_tuple!(A B C D E);
as_tuple!(A B C D E F);
as_tuple!(A B C D E F G);
as_tuple!(A B C D E F G H);

#[cfg(test)]
mod tests {
    use super::*;

    fn path(subscripts: impl Subscripts) -> Vec<String> {
        let mut path = Vec::new();
        subscripts.add_to(&mut path);
        path
    }

    #[test]
    fn one_or_several_of_one_type_or_of_many() {
        let name = "name".to_owned();
        assert_eq!(path("a"), ["a"]);
        assert_eq!(path(&name), ["name"]);
        assert_eq!(path(name.clone()), ["name"]);
        assert_eq!(path(7), ["7"]);
        assert_eq!(path(['x', 'y']), ["x", "y"]);
        assert_eq!(path(["a", "b"]), ["a", "b"]);
        assert_eq!(path([&name, &name]), ["name", "name"]);
        let numbers = &[1, 2];
        assert_eq!((path(numbers), path(&numbers[..])), (path(*numbers), path(("1", "2"))));
        let names = &vec![name.clone()];
        assert_eq!((path(names), path(names.clone())), (vec![name.clone()], vec![name.clone()]));
        assert_eq!(path((7, "a", &name, true, -1.5)), ["7", "a", "name", "true", "-1.5"]);
        assert_eq!(path([""; 0]), [""; 0]);
    }

    #[test]
    fn numbers_are_written_in_their_shortest_form() {
        assert_eq!(path((1.0, -0.0, 0.1, 1e21)), ["1", "0", "0.1", "1000000000000000000000"]);
        assert_eq!(path((1e-7, 2.5_f32, i64::MIN)), ["0.0000001", "2.5", "-9223372036854775808"]);
    }
}
