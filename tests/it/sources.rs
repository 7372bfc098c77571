//! Webhooks of any sender are let in when the sender's own library signed them, and never otherwise.

mod cloudevents;
mod generic;
mod retry;
mod sender;
mod slack;
mod vendors;
