//! The scripts of the log.

use hookwire_redis::Script;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident($($file:literal),+);)*) => { $(
        $(#[$doc])*
        pub(crate) fn $name() -> Script {
            Script::new(concat!($(include_str!($file)),+))
        }
    )* };
}

scripts! {
    /// Appends events to one topic.
    append("lua/topic.lua", "lua/append.lua");
    /// Reads what follows a position.
    read("lua/topic.lua", "lua/read.lua");
    /// Finds a position.
    locate("lua/topic.lua", "lua/locate.lua");
    /// Puts a notification into the quarantine.
    quarantine("lua/quarantine.lua");
    /// Takes a notification out of the quarantine.
    remove("lua/remove.lua");
}
