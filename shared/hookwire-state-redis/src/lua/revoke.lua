-- Adds a revocation. KEYS: all of them. ARGV: how long they are kept in ms, what is revoked, its name, and when.
local time = redis.call('TIME')
local oldest = tonumber(time[1]) * 1000 - tonumber(ARGV[1])
redis.call('XADD', KEYS[1], 'MINID', '~', string.format('%.0f', math.max(oldest, 0)), '*',
    'of', ARGV[2], 'name', ARGV[3], 'at', ARGV[4])
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
