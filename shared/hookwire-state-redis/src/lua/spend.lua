-- Spends a ticket. KEYS: whose call spent it. ARGV: what this call is called, and what life the ticket has left in ms.
-- Answers 1 to the call that spent it, also when that is made again because its answer was lost.
local spent_by = redis.call('GET', KEYS[1])
if spent_by then
    return spent_by == ARGV[1] and 1 or 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
