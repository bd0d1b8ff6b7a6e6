//! The `specs!` macro: a protocol's fields as one table. No decoding.

/// Declares one `pub static` [`Spec`](super::Spec) a line and collects them all as `SPECS`.
///
/// The explanation is also the item's documentation, so it is written once.
macro_rules! specs {
    ($( $name:ident = $key:literal, $label:literal, $show:expr, $rfc:literal, $explain:literal; )*) => {
        $(
            #[doc = concat!("`", $key, "`: ", $explain)]
            pub static $name: $crate::decode::Spec = $crate::decode::Spec {
                key: $key,
                label: $label,
                explain: $explain,
                rfc: $rfc,
                show: $show,
            };
        )*
        /// Every field that this protocol can add.
        pub static SPECS: &[&$crate::decode::Spec] = &[$(&$name),*];
    };
}

pub(super) use specs;
