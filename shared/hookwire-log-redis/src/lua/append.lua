-- Appends events to one topic: deduplicates, stores, marks and publishes each, all in one step.
-- ARGV from 7: publish command, channel, most bytes of a record that a publish carries, then for each event a mark, a
-- record and when its append was asked for. Answers for each event {1 new or 0 duplicate, position}, up to the first that the server refuses.
local state = load()
local now = state.now
local COMMAND, CHANNEL, CARRIED = ARGV[7], ARGV[8], tonumber(ARGV[9])
local turn = math.floor(now / WINDOW)
local answers, published = {}, {}
local appended = 0

local function marked(mark)
    for _, marks in ipairs(MARKS) do
        local value = redis.call('HGET', marks, mark)
        if value then
            local id, at = string.match(value, '^(%S+) (%d+)$')
            if id and tonumber(at) >= now - WINDOW then
                return id
            end
        end
    end
end

-- Marks live in one of two hashes, by turns as long as the window: nothing in the older one is still needed when its
-- turn comes again. Only after the first entry was taken, because a script that has written is no longer refused for
-- want of memory.
local function turn_marks()
    local before = math.floor(state.at / WINDOW)
    if turn > before then
        redis.call('UNLINK', MARKS[turn % 2 + 1])
    end
    if turn > before + 1 then
        redis.call('UNLINK', MARKS[(turn + 1) % 2 + 1])
    end
end

for i = 10, #ARGV, 3 do
    local mark, record, accepted = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local id = marked(mark)
    if id then
        answers[#answers + 1] = { 0, id }
    else
        if appended == 0 then
            -- Another server, or this one started anew, may lack the tail of what was here before.
            local run = server()
            if state.run ~= run then
                state.prev = position(state.gen, state.k)
                begin(state, run, now)
            end
        end
        id = position(state.gen, state.k + 1)
        local first = state.k == 0 and state.prev ~= NOTHING
        local previous = first and state.prev or position(state.gen, state.k)
        local fields = { 't', whole(now), 'b', whole(state.bytes), 'r', record }
        if first then
            fields[#fields + 1] = 'p'
            fields[#fields + 1] = previous
        end
        -- The entry before its mark: nothing is rolled back, and an id that is marked without its event loses it.
        local added = redis.pcall('XADD', LOG, 'MAXLEN', '=', MOST_EVENTS, id, unpack(fields))
        if type(added) == 'table' and added.err then
            if #answers == 0 then
                return added
            end
            break
        end
        if appended == 0 then
            turn_marks()
        end
        appended = appended + 1
        local marks = MARKS[turn % 2 + 1]
        redis.call('HSET', marks, mark, id .. ' ' .. whole(now))
        if redis.call('HLEN', marks) == 1 then
            redis.call('PEXPIRE', marks, 3 * WINDOW)
        end
        if state.head_at == NEVER then
            state.head_at, state.head_bytes = now, state.bytes
        end
        state.k = state.k + 1
        state.bytes = state.bytes + #record
        answers[#answers + 1] = { 1, id }
        local size = #record <= CARRIED and tostring(#record) or NOTHING
        published[#published + 1] = id .. ' ' .. previous .. ' ' .. size .. ' ' .. accepted .. '\n'
        published[#published + 1] = size ~= NOTHING and record or ''
    end
end

if appended > 0 then
    state.at = now
    trim(state)
    redis.call('SET', STATE, encoded(state), 'PX', STATE_LIFE)
    redis.call('PEXPIRE', LOG, AGE)
    -- Protected, so that a publish that is refused cannot make the append look failed.
    redis.pcall(COMMAND, CHANNEL, table.concat(published))
end
return answers
