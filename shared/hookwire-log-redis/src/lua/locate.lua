-- Finds the position after which a reader begins. ARGV from 7: 'tail', 'earliest', 'last' and how many, or 'since' and
-- a time in ms.
local state = look()
local how, what = ARGV[7], tonumber(ARGV[8])
local tail = position(state.gen, state.k)

local function first_after(id)
    return redis.call('XRANGE', LOG, '(' .. id, '+', 'COUNT', 1)[1]
end

local function last_of(gen)
    return redis.call('XREVRANGE', LOG, whole(gen) .. '-18446744073709551615', whole(gen) .. '-0', 'COUNT', 1)[1]
end

local function time_of(gen, k)
    local entry = redis.call('XRANGE', LOG, position(gen, k), position(gen, k))[1]
    return entry and tonumber(field(entry, 't') or 0) or 0
end

-- The stretches of the log, one for each generation, oldest first.
local function stretches()
    local found, at = {}, '0-0'
    while true do
        local first = first_after(at)
        if not first then
            return found
        end
        local gen, k = parts(first[1])
        local last = last_of(gen)
        local _, last_k = parts(last[1])
        found[#found + 1] = { gen = gen, first = k, last = last_k, time = tonumber(field(last, 't') or 0) }
        at = last[1]
    end
end

local function last_few(count)
    local all = stretches()
    for i = #all, 1, -1 do
        local held = all[i].last - all[i].first + 1
        if held >= count then
            return position(all[i].gen, all[i].last - count)
        end
        count = count - held
    end
    return #all > 0 and position(all[1].gen, all[1].first - 1) or tail
end

local function since(time)
    for _, one in ipairs(stretches()) do
        if one.time >= time then
            local low, high = one.first, one.last
            while low < high do
                local middle = math.floor((low + high) / 2)
                if time_of(one.gen, middle) < time then
                    low = middle + 1
                else
                    high = middle
                end
            end
            return position(one.gen, low - 1)
        end
    end
    return tail
end

if how == 'earliest' then
    local first = first_after('0-0')
    if first then
        local gen, k = parts(first[1])
        return position(gen, math.max(k, 1) - 1)
    end
    return tail
elseif how == 'last' and what > 0 then
    return last_few(what)
elseif how == 'since' then
    return since(what)
end
return tail
