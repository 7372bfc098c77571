//! Events out: EventSource streams, history pages, publish by API.
