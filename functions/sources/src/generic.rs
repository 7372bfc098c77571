use std::time::Duration;

use hookwire_boot::Table;
use hookwire_ingress::SharedSecret;
use hookwire_ingress::sources::{Hmac, IdFrom, SignedTimestamp};
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};

use crate::value::{Hash, Header, Pointer, Written};

/// Reads what a sender signs and where it puts the signature.
pub(crate) fn hmac(table: &Table<'_>, secrets: Vec<SharedSecret>) -> Option<Hmac> {
    let header: Option<Header> = table.required("header");
    let timestamp_header: Option<Header> = table.optional("timestamp_header");
    let tolerance =
        table.value_in("timestamp_tolerance", Duration::from_secs(1)..=Duration::from_hours(24));
    let prefix: Option<String> = table.optional("prefix");
    let (encoding, algorithm) =
        (table.value::<Written>("encoding").0, table.value::<Hash>("algorithm").0);
    let id = id_from(table);
    let Header(header) = header?;
    if matches!(&id, IdFrom::Header(id) if *id == header) {
        table.mistake("id_header", "must not be that of the signature, which a retry may change");
    }
    Some(Hmac {
        secrets,
        header,
        prefix: prefix.unwrap_or_default(),
        encoding,
        algorithm,
        timestamp: timestamp_header.map(|Header(header)| SignedTimestamp { header, tolerance }),
        id,
    })
}

/// Reads where a sender puts its ids.
pub(crate) fn id_from(table: &Table<'_>) -> IdFrom {
    let Header(header) = table.value("id_header");
    let secret: [HeaderName; 3] =
        [AUTHORIZATION, COOKIE, HeaderName::from_static("x-hookwire-bypass")];
    if secret.contains(&header) {
        table.mistake("id_header", "must be a header that everybody may see");
    }
    let Some(Pointer(pointer)) = table.optional("id_pointer") else {
        return IdFrom::Header(header);
    };
    if table.is_set("id_header") {
        table.mistake("id_pointer", "must stand alone: the id is in a header or in the body");
    }
    IdFrom::Pointer(pointer)
}
