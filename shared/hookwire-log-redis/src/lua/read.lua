-- Reads what follows a position. ARGV from 7: its generation and number, most entries, most bytes of records.
-- Answers {tail, the place before the tail's generation, oldest entry, newest entry of the position's generation that is
-- not after it, entries after it}; '' for what is not there. The two entries in the middle are only looked for when the
-- position's own entry is not there: what they mean is decided by the reader.
local state = look()
local from = ARGV[7] .. '-' .. ARGV[8]
local most, bytes_left = tonumber(ARGV[9]), tonumber(ARGV[10])

local function id_of(page)
    return page[1] and page[1][1] or ''
end

local oldest, below = '', ''
local tail = position(state.gen, state.k)
if from ~= tail and #redis.call('XRANGE', LOG, from, from) == 0 then
    oldest = id_of(redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1))
    below = id_of(redis.call('XREVRANGE', LOG, from, ARGV[7] .. '-0', 'COUNT', 1))
end

local entries, after = {}, from
while #entries < most do
    -- Doubled each time: large records then overshoot the limit by little, small ones need few rounds.
    local count = math.min(most - #entries, math.max(#entries, 4))
    local page = redis.call('XRANGE', LOG, '(' .. after, '+', 'COUNT', count)
    for _, entry in ipairs(page) do
        bytes_left = bytes_left - #(field(entry, 'r') or '')
        if bytes_left < 0 and #entries > 0 then
            return { tail, state.prev, oldest, below, entries }
        end
        entries[#entries + 1] = entry
    end
    if #page < count then
        break
    end
    after = page[#page][1]
end
return { tail, state.prev, oldest, below, entries }
