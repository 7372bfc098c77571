-- Leaves a cursor. ARGV: 3 the cursor, 4 most clients. Drops what is too old, and what is over the most, oldest first.
local CURSOR, MOST = ARGV[3], tonumber(ARGV[4])
redis.call('HDEL', CURSORS, CLIENT)
local clients, at, fields = {}, NOW, redis.call('HGETALL', CURSORS)
for i = 1, #fields, 2 do
    local left = read(fields[i + 1])
    if left then
        clients[#clients + 1] = { client = fields[i], left = left }
        -- Later than all others, also where a server's clock is behind that of the one before it.
        at = math.max(at, left + 1)
    else
        redis.call('HDEL', CURSORS, fields[i])
    end
end
table.sort(clients, function(one, other)
    return one.left < other.left
end)
for i = 1, #clients + 1 - MOST do
    redis.call('HDEL', CURSORS, clients[i].client)
end
redis.call('HSET', CURSORS, CLIENT, string.format('%.0f', at) .. ' ' .. CURSOR)
return redis.call('PEXPIRE', CURSORS, ARGV[2])
