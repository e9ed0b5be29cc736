//! The state and error codes of the live-pusher and live-player specifications.
//!
//! Every row of the specifications' tables is a variant: number, name and text belong together and convert into each
//! other. What makes a code happen on a real machine is said at its variant. In JSON a code is its number.

mod player;
mod pusher;

pub use player::PlayerCode;
pub use pusher::{PusherCode, PusherErrorCode};

/// How bad the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The session goes its way.
    Info,
    /// Something failed and the session deals with it by itself.
    Warning,
    /// A part of the session is gone: a device, a codec, a size that cannot be had. The rest goes on where it can.
    Error,
    /// The session is over. No code follows until it is started again.
    Fatal,
}

/// A number or name that stands in none of the rows of a code table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{code}\" is not a {table} code")]
pub struct UnknownCode {
    /// The number or name that was looked up, shortened to 32 characters.
    pub code: String,
    /// The table it was looked up in: `pusher`, `player` or `pusher error`.
    pub table: &'static str,
}

impl UnknownCode {
    fn new(code: &dyn std::fmt::Display, table: &'static str) -> Self {
        Self { code: code.to_string().chars().take(32).collect(), table }
    }
}

/// Makes an enum of a code table: one row for each variant with its number (and the number later versions of the
/// specification give it), severity, English and Chinese text.
macro_rules! code_table {
    (
        $(#[$meta:meta])*
        $name:ident, $table:literal;
        $( $(#[$doc:meta])* $variant:ident = $number:literal $(| $later:literal)?, $severity:ident, $text:literal, $zh:literal; )+
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(into = "i32", try_from = "i32")]
        #[repr(i32)]
        pub enum $name {
            $( $(#[$doc])* $variant = $number, )+
        }

        impl $name {
            /// Every code of the table, in the order of the specification.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The number in the specification's table.
            #[must_use]
            pub const fn number(self) -> i32 {
                self as i32
            }

            /// The code with this number.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number {
                    $( $number $(| $later)? => Some(Self::$variant), )+
                    _ => None,
                }
            }

            /// The name of the variant.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($variant), )+ }
            }

            /// What it says, in English.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// What it says, in the specification's own Chinese.
            #[must_use]
            pub const fn text_zh(self) -> &'static str {
                match self { $( Self::$variant => $zh, )+ }
            }

            /// How bad the news is.
            #[must_use]
            pub const fn severity(self) -> crate::code::Severity {
                match self { $( Self::$variant => crate::code::Severity::$severity, )+ }
            }

            /// Whether something failed that the session deals with by itself.
            #[must_use]
            pub const fn is_warning(self) -> bool {
                matches!(self.severity(), crate::code::Severity::Warning)
            }

            /// Whether the session is over with this code.
            #[must_use]
            pub const fn is_fatal(self) -> bool {
                matches!(self.severity(), crate::code::Severity::Fatal)
            }
        }

        /// `1001 connected to the server`.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} {}", self.number(), self.text())
            }
        }

        impl From<$name> for i32 {
            fn from(code: $name) -> Self {
                code.number()
            }
        }

        impl TryFrom<i32> for $name {
            type Error = crate::code::UnknownCode;

            fn try_from(number: i32) -> Result<Self, Self::Error> {
                Self::from_number(number).ok_or_else(|| crate::code::UnknownCode::new(&number, $table))
            }
        }

        /// Takes the number or the name.
        impl std::str::FromStr for $name {
            type Err = crate::code::UnknownCode;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let numbered = text.parse().ok().and_then(Self::from_number);
                numbered
                    .or_else(|| Self::ALL.iter().copied().find(|code| code.name() == text))
                    .ok_or_else(|| crate::code::UnknownCode::new(&text, $table))
            }
        }
    };
}

use code_table;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The invariants of a state table: lookups invert each other, no text is missing or said twice, and exactly the
    /// negative numbers are errors.
    macro_rules! examine {
        ($table:ty) => {{
            let mut texts = HashSet::new();
            for code in <$table>::ALL.iter().copied() {
                assert_eq!(<$table>::try_from(code.number()), Ok(code));
                assert_eq!(code.name().parse(), Ok(code));
                assert_eq!(code.number().to_string().parse(), Ok(code));
                assert!(!code.text_zh().is_empty());
                assert!(texts.insert(code.text()), "{code} repeats a text");
                let json = serde_json::to_string(&code).unwrap();
                assert_eq!(json, code.number().to_string());
                assert_eq!(serde_json::from_str::<$table>(&json).unwrap(), code);
                assert_eq!(code.number() < 0, code.severity() >= Severity::Error);
            }
            assert!(<$table>::try_from(4242).is_err());
            assert!("nonsense".parse::<$table>().is_err());
        }};
    }

    #[test]
    fn numbers_names_texts_and_json_convert_into_each_other() {
        examine!(PusherCode);
        examine!(PlayerCode);
    }

    #[test]
    fn unknown_codes_name_the_table() {
        assert_eq!(PusherCode::try_from(7).unwrap_err().to_string(), "\"7\" is not a pusher code");
        assert_eq!("?".parse::<PlayerCode>().unwrap_err().to_string(), "\"?\" is not a player code");
    }
}
