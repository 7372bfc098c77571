-- Gives a stream a place. ARGV: 3 the stream, 4 `evict` or `refuse`, what happens to one too many.
-- Answers {1, when it was opened, the streams that lost their place, oldest first}, or {0, microseconds until the first
-- lease ends, {}}.
local STREAM, OVER = ARGV[3], ARGV[4]
-- A call whose answer was lost is made again, and must not cost a second place.
redis.call('HDEL', LEASES, STREAM)
local leases = held()
local too_many = #leases + 1 - MOST
if too_many > 0 and OVER == 'refuse' then
    local first = NOW + LEASE
    for _, lease in ipairs(leases) do
        first = math.min(first, lease.ends)
    end
    return { 0, first - NOW, {} }
end
local evicted, since = {}, NOW
for i, lease in ipairs(leases) do
    -- Later than all others, also where a server's clock is behind that of the one before it.
    since = math.max(since, lease.since + 1)
    if i <= too_many then
        redis.call('HDEL', LEASES, lease.stream)
        evicted[i] = lease.stream
    end
end
put(STREAM, since)
return { 1, since, evicted }
