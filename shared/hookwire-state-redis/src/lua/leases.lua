-- What every script of a subject's leases begins with. KEYS: the leases, a hash of `<opened> <ends>` by stream, both in
-- microseconds by this server's clock. ARGV: 1 most streams, 2 time of a lease in microseconds; the rest belongs to the
-- script.
local LEASES, MOST, LEASE = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local NOW = tonumber(time[1]) * 1000000 + tonumber(time[2])

local function whole(number)
    return string.format('%.0f', number)
end

-- The leases that have not ended, oldest first; those that have, or that nobody can read, are dropped.
local function held()
    local leases, fields = {}, redis.call('HGETALL', LEASES)
    for i = 1, #fields, 2 do
        local since, ends = string.match(fields[i + 1], '^(%d+) (%d+)$')
        if ends and tonumber(ends) > NOW then
            leases[#leases + 1] = { stream = fields[i], since = tonumber(since), ends = tonumber(ends) }
        else
            redis.call('HDEL', LEASES, fields[i])
        end
    end
    table.sort(leases, function(one, other)
        return one.since < other.since
    end)
    return leases
end

-- Gives a stream a lease from now on, and keeps them all until the last one ends.
local function put(stream, since)
    redis.call('HSET', LEASES, stream, whole(since) .. ' ' .. whole(NOW + LEASE))
    local life_ms = math.ceil(LEASE / 1000)
    if redis.call('PTTL', LEASES) < life_ms then
        redis.call('PEXPIRE', LEASES, whole(life_ms))
    end
end
