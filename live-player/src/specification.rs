#![doc = include_str!("specification.md")]
