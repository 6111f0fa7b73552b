//! A body as it was meant: unpacked where the sender packed it, within bounds that no legitimate one reaches.

use std::{borrow::Cow, io::Read};

use axum::http::{HeaderMap, header::CONTENT_ENCODING};
use flate2::read::MultiGzDecoder;

use super::super::{
    reply::{BODY_MAX, Refusal},
    router::one_header,
};

/// How many times its packed size a body may have. Source: alert payloads as JSON pack to a tenth at best.
const RATIO_MAX: usize = 20;
/// Below this the ratio does not matter: a small body of repeated labels packs very well and costs nothing.
const RATIO_FREE: usize = 64 * 1024;

/// The body, and why it could not be unpacked where that is so: then the bytes are as they came.
///
/// # Errors
/// When it is larger than allowed once unpacked, or packed in a way that nobody asked for.
pub fn unpacked<'b>(headers: &HeaderMap, raw: &'b [u8]) -> Result<(Cow<'b, [u8]>, Option<String>), Refusal> {
    match one_header(headers, CONTENT_ENCODING.as_str()).map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => Ok((Cow::Borrowed(raw), None)),
        Some("gzip" | "x-gzip") => {
            let most = BODY_MAX.min(RATIO_FREE.max(raw.len().saturating_mul(RATIO_MAX)));
            let mut out = Vec::new();
            match MultiGzDecoder::new(raw).take(most as u64 + 1).read_to_end(&mut out) {
                Ok(_) if out.len() > most => Err(Refusal::TooLarge),
                Ok(_) => Ok((Cow::Owned(out), None)),
                Err(error) => Ok((Cow::Borrowed(raw), Some(format!("it is not the gzip that its header says: {error}")))),
            }
        }
        Some(_) => Err(Refusal::Malformed("only `Content-Encoding: gzip` or none is understood".to_owned())),
    }
}
