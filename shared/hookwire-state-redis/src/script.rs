use hookwire_redis::Script;

/// The scripts, each on one key.
#[derive(Debug)]
pub(crate) struct Scripts {
    /// Counts one try.
    pub(crate) take: Script,
    /// Gives a stream a place.
    pub(crate) open: Script,
    /// Renews the leases of one subject.
    pub(crate) renew: Script,
    /// Puts streams into a mailbox.
    pub(crate) post: Script,
    /// Leaves a client's cursor.
    pub(crate) leave: Script,
    /// Finds a client's cursor.
    pub(crate) left: Script,
    /// Spends a ticket.
    pub(crate) spend: Script,
    /// Adds a revocation.
    pub(crate) revoke: Script,
}

macro_rules! script {
    ($($file:literal),+) => { Script::new(concat!($(include_str!($file)),+)) };
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            take: script!("lua/take.lua"),
            open: script!("lua/leases.lua", "lua/open.lua"),
            renew: script!("lua/leases.lua", "lua/renew.lua"),
            post: script!("lua/post.lua"),
            leave: script!("lua/cursors.lua", "lua/leave.lua"),
            left: script!("lua/cursors.lua", "lua/left.lua"),
            spend: script!("lua/spend.lua"),
            revoke: script!("lua/revoke.lua"),
        }
    }
}
