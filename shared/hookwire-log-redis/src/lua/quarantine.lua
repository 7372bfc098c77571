-- Puts one notification into the quarantine. KEYS: its entries, and its counter. ARGV: most entries, most bytes of
-- bodies, life of the keys in ms, bytes of this one's body, and the record. Answers {its number, how many had to go}.
local ENTRIES, COUNT = KEYS[1], KEYS[2]
local last = redis.call('XREVRANGE', ENTRIES, '+', '-', 'COUNT', 1)[1]
local number = tonumber(redis.call('HGET', COUNT, 'last') or 0)
if last then
    number = math.max(number, tonumber(string.match(last[1], '^(%d+)')))
end
number = string.format('%.0f', number + 1)
redis.call('XADD', ENTRIES, number .. '-1', 'n', ARGV[4], 'r', ARGV[5])
redis.call('HSET', COUNT, 'last', number)
local bytes, dropped = redis.call('HINCRBY', COUNT, 'bytes', ARGV[4]), 0
while redis.call('XLEN', ENTRIES) > tonumber(ARGV[1]) or (bytes > tonumber(ARGV[2]) and redis.call('XLEN', ENTRIES) > 1) do
    local oldest = redis.call('XRANGE', ENTRIES, '-', '+', 'COUNT', 1)[1]
    redis.call('XDEL', ENTRIES, oldest[1])
    bytes = redis.call('HINCRBY', COUNT, 'bytes', -tonumber(oldest[2][2]))
    dropped = dropped + 1
end
redis.call('PEXPIRE', ENTRIES, ARGV[3])
redis.call('PEXPIRE', COUNT, ARGV[3])
return { number, dropped }
