//! Redis as every adapter needs it: addresses, connections, calls through a breaker, scripts.
