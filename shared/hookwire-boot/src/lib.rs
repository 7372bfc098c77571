//! Settings, the log, Sentry and shutdown; used by functions only.
//!
//! The only crate that reads the environment. Of our crates it knows the names of telemetry only: a function names its [`Key`]s, reads them
//! through [`Settings`] and hands plain data on.
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use hookwire_boot::{Key, Mistakes, Origin, Settings};
//!
//! const KEYS: [Key; 1] = [Key {
//!     name: "listen",
//!     default: Some("127.0.0.1:8080"),
//!     secret: false,
//!     example: "0.0.0.0:8080",
//!     about: "Address to listen on.",
//! }];
//!
//! fn listen(origin: Origin) -> Result<SocketAddr, Mistakes> {
//!     let settings = Settings::load(&KEYS, &[], origin);
//!     let listen = settings.value("listen");
//!     settings.finish().map(|_warnings| listen)
//! }
//!
//! let mistakes = listen(Origin::given([], "listen = 8080")).unwrap_err();
//! assert!(mistakes.to_string().contains("listen = 8080 (hookwire.toml line 1): expects"));
//! ```

mod settings;
pub mod shutdown;
pub mod telemetry;

pub use settings::{
    Bytes, FromSetting, Key, Mistake, Mistakes, Origin, Secret, Settings, Table, Warning,
    markdown_table, markdown_table_in_file,
};
