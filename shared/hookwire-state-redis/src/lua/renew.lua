-- Renews leases. ARGV: from 3 on each stream and when it was opened. Answers with the streams that have no place any more.
local leases, by_stream = held(), {}
for _, lease in ipairs(leases) do
    by_stream[lease.stream] = lease
end
local count, gone = #leases, {}
for i = 3, #ARGV, 2 do
    local stream, lease = ARGV[i], by_stream[ARGV[i]]
    if lease then
        put(stream, lease.since)
    elseif count < MOST then
        count = count + 1
        put(stream, tonumber(ARGV[i + 1]))
    else
        gone[#gone + 1] = stream
    end
end
return gone
