use hookwire_event::write_cloud_event;
use hookwire_hub::{Codec, Frame};
use hookwire_log::Entry;

/// Writes an entry as one SSE event: `id`, `event`, one line of `data`.
///
/// No field can be forged from a payload: the position is digits, an event type holds no control character, and the
/// CloudEvent is one line.
#[derive(Debug)]
pub(crate) struct SseCodec;

impl Codec for SseCodec {
    fn encode(&self, entry: &Entry) -> Frame {
        let mut whole = Vec::with_capacity(entry.event.data.payload.as_bytes().len() + 512);
        whole.extend_from_slice(format!("id: {}\n", entry.position).as_bytes());
        let id_bytes = whole.len();
        whole.extend_from_slice(b"event: ");
        whole.extend_from_slice(entry.event.event_type.as_str().as_bytes());
        whole.extend_from_slice(b"\ndata: ");
        write_cloud_event(&entry.event, &mut whole);
        whole.extend_from_slice(b"\n\n");
        let Entry { position, accepted, .. } = *entry;
        Frame { position, whole: whole.into(), id_bytes, accepted }
    }
}
