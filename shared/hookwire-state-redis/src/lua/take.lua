-- Counts one try unless it is over the quota (generic cell rate algorithm). KEYS: when the whole burst is there again, in
-- microseconds. ARGV: the time after which one more is let through, in microseconds, and the burst.
-- Answers {microseconds until the same try is let through, 0 if it was; how many more would be; microseconds until the
-- whole burst is there again}.
local INTERVAL, BURST = tonumber(ARGV[1]), tonumber(ARGV[2])
local WINDOW = INTERVAL * BURST
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local whole_at = tonumber(redis.call('GET', KEYS[1]) or '') or 0
-- Never later than a window ahead: a server with another clock may have written it, or the quota was another one.
whole_at = math.min(math.max(whole_at, now), now + WINDOW)
local next = whole_at + INTERVAL
local wait = next - now - WINDOW
if wait > 0 then
    return { wait, 0, whole_at - now }
end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', string.format('%.0f', math.ceil((next - now) / 1000)))
return { 0, math.floor((WINDOW - (next - now)) / INTERVAL), next - now }
