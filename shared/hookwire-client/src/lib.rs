//! Follows a relay from outside: an SSE reader that resumes by itself.
