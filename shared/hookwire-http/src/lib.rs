//! What every HTTP edge shares: problem details, the listener, the client's address.
