-- What every script of a subject's cursors begins with. KEYS: the cursors, a hash of `<left> <cursor>` by client, in
-- microseconds by this server's clock. ARGV: 1 the client, 2 how long a cursor is kept in milliseconds; the rest belongs
-- to the script.
local CURSORS, CLIENT, KEPT_MS = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local NOW = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- When a cursor was left, and the cursor; nothing if that is too long ago, or if nobody can read it.
local function read(value)
    local left, cursor = string.match(value or '', '^(%d+) (.*)$')
    left = tonumber(left)
    if left and left > NOW - KEPT_MS * 1000 then
        return left, cursor
    end
end
