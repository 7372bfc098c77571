-- Takes one notification out of the quarantine. KEYS as for putting one in. ARGV: its number.
local id = ARGV[1] .. '-1'
local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
if entry then
    redis.call('XDEL', KEYS[1], id)
    redis.call('HINCRBY', KEYS[2], 'bytes', -tonumber(entry[2][2]))
end
return entry and 1 or 0
