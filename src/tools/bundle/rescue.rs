//! What can be saved of a file that is cut or oddly encoded.

use serde_json::{Deserializer, Value};

/// The most items that are saved of one list.
const MOST_ITEMS: usize = 200_000;

/// The text of UTF-16 with its mark, as Windows tools write it; `None` for anything else.
pub fn utf16(bytes: &[u8]) -> Option<String> {
    let (mark, rest) = bytes.split_at_checked(2)?;
    let unit: fn([u8; 2]) -> u16 = match mark {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units = rest.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(unit);
    Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// The items of a list that were written whole before the text was cut.
pub fn items(text: &str) -> Vec<Value> {
    let start = match text.find("\"items\"") {
        Some(at) => text.get(at..).and_then(|rest| rest.find('[')).map(|bracket| at + bracket + 1),
        None => text.starts_with('[').then_some(1),
    };
    let Some(mut rest) = start.and_then(|start| text.get(start..)) else { return Vec::new() };
    let mut out = Vec::new();
    while out.len() < MOST_ITEMS {
        rest = rest.trim_start_matches([',', ' ', '\n', '\r', '\t']);
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else { break };
        let Some(after) = rest.get(values.byte_offset()..) else { break };
        rest = after;
        // The last number or word of a cut text may be cut itself; objects are whole.
        if value.is_object() {
            out.push(value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{items, utf16};

    #[test]
    fn whole_items_of_a_cut_list_are_kept() {
        let cut =
            r#"{"apiVersion":"v1","items":[{"kind":"Pod","metadata":{"name":"a"}}, {"kind":"Pod","metadata":{"name":"b"}},{"kind":"Po"#;
        let names: Vec<_> = items(cut).iter().map(|item| item["metadata"]["name"].clone()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(items("{\"items\":").is_empty() && items("[1, 2, 3").is_empty() && items("").is_empty());
        assert_eq!(items("[{\"a\":1},{\"b\"").len(), 1);
    }

    #[test]
    fn text_of_windows_is_read() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend("ERROR: größe".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(utf16(&bytes).as_deref(), Some("ERROR: größe"));
        assert_eq!(utf16(b"plain"), None);
        assert_eq!(utf16(&[0xfe, 0xff, 0x00]).as_deref(), Some(""));
    }
}
