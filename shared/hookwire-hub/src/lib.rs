//! One tail per followed topic and process; one session per connection.
