-- What every script of a topic begins with. KEYS: the log, the state, and the two marks.
-- ARGV: 1 time in ms or '' for the server's own, 2 age in ms, 3 most events, 4 most bytes, 5 window of deduplication in
-- ms, 6 life of the state in ms; the rest belongs to the script.
local LOG, STATE, MARKS = KEYS[1], KEYS[2], { KEYS[3], KEYS[4] }
local AGE, MOST_EVENTS, MOST_BYTES = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local WINDOW, STATE_LIFE = tonumber(ARGV[5]), ARGV[6]
local NOTHING = '-'
local NEVER = 9e15

local function whole(number)
    return string.format('%.0f', number)
end

local function clock()
    if ARGV[1] ~= '' then
        return tonumber(ARGV[1])
    end
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Whose history the data is. Not the identity of the process: one that is replaced, follows its successor and takes over
-- again has lost a tail and is the same process. This changes with every start and every promotion.
local function server()
    return string.sub(string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)'), 1, 16)
end

local function position(gen, k)
    return whole(gen) .. '-' .. whole(k)
end

local function parts(id)
    local gen, k = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(gen), tonumber(k)
end

-- The value of a field in an entry's flat list.
local function field(entry, name)
    for i = 1, #entry[2], 2 do
        if entry[2][i] == name then
            return entry[2][i + 1]
        end
    end
end

-- The number in a field of an entry; 0 where somebody else wrote the entry.
local function number(entry, name)
    return tonumber(field(entry, name) or '') or 0
end

-- The newest position that the log ever had, also when its entry is gone.
local function last_position()
    local info = redis.pcall('XINFO', 'STREAM', LOG)
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' and info[i + 1] ~= '0-0' then
            return info[i + 1]
        end
    end
end

-- Begins a generation. Milliseconds keep generations of one topic apart and in order; the part of the server's identity
-- keeps apart two servers that begin one at the same moment, each believing to be the master, or after the same
-- generation, when the second never heard of what the first one began.
local function begin(state, run, now)
    local after = state.gen or 0
    state.gen = math.max(now, after + 1) + tonumber(string.sub(run, 1, 3), 16)
    state.k = 0
    state.run = run
end

-- The state of the topic; a new one, not yet stored, when there is none. `at` is when it was last appended to.
local function load()
    local text = redis.call('GET', STATE)
    local now = clock()
    if not text then
        local state = { at = now, now = now, bytes = 0, head_at = NEVER, head_bytes = 0, prev = NOTHING, new = true }
        -- Without its state a log that is still there, if only with its last position, would refuse lower ones for ever.
        local last = redis.call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
        local newest = last_position()
        if newest then
            state.gen = parts(newest)
            state.prev = newest
        end
        if last then
            state.bytes = number(last, 'b') + #(field(last, 'r') or '')
            state.head_at, state.head_bytes = 0, 0
            state.at = math.max(now, number(last, 't'))
            state.now = state.at
        end
        begin(state, server(), now)
        return state
    end
    local gen, k, run, at, bytes, head_at, head_bytes, prev =
        string.match(text, '^(%d+) (%d+) (%x+) (%d+) (%d+) (%d+) (%d+) (%S+)$')
    if not gen then
        error('ERR the state of a topic cannot be read')
    end
    return {
        gen = tonumber(gen), k = tonumber(k), run = run, bytes = tonumber(bytes), prev = prev,
        head_at = tonumber(head_at), head_bytes = tonumber(head_bytes), at = tonumber(at),
        -- A clock that goes back must not make a younger entry look older.
        now = math.max(now, tonumber(at)),
    }
end

local function encoded(state)
    return table.concat({
        whole(state.gen), whole(state.k), state.run, whole(state.at), whole(state.bytes), whole(state.head_at),
        whole(state.head_bytes), state.prev,
    }, ' ')
end

-- Drops the oldest entries while they are too old, or too many bytes are kept. Answers whether anything changed.
-- A few entries at a time, since each is brought into the script with its payload: at first the one that goes and the one
-- that is the oldest then, since in a full topic one goes for each that comes. And not without end, since nothing else
-- runs meanwhile: the next call goes on.
local function trim(state)
    local oldest, rounds, count = state.now - AGE, 0, 2
    while (state.head_at < oldest or state.bytes - state.head_bytes > MOST_BYTES) and rounds < 250 do
        rounds = rounds + 1
        local page = redis.call('XRANGE', LOG, '-', '+', 'COUNT', count)
        count = math.min(count * 2, 16)
        state.head_at, state.head_bytes = NEVER, state.bytes
        local last
        for _, entry in ipairs(page) do
            local at, before = number(entry, 't'), number(entry, 'b')
            if at >= oldest and state.bytes - before <= MOST_BYTES then
                state.head_at, state.head_bytes = at, before
                break
            end
            last = entry[1]
        end
        if last then
            local gen, k = parts(last)
            redis.call('XTRIM', LOG, 'MINID', position(gen, k + 1))
            if state.head_at == NEVER then
                -- The page was not enough: whatever comes next is looked at in another round.
                state.head_at = 0
            end
        end
    end
    return rounds > 0
end

-- Brings the state of a topic up to date for a reader: what is too old goes, and a topic that was never appended to
-- gets a generation, so that a position in it means something later.
local function look()
    local state = load()
    if state.new then
        redis.call('SET', STATE, encoded(state), 'PX', STATE_LIFE)
        return state
    end
    -- Neither may fail a read: a server that cannot write can still show what it has.
    local tidied, changed = pcall(trim, state)
    if tidied and changed then
        redis.pcall('SET', STATE, encoded(state), 'PX', STATE_LIFE)
    elseif redis.call('PTTL', STATE) < tonumber(STATE_LIFE) / 2 then
        redis.pcall('PEXPIRE', STATE, STATE_LIFE)
    end
    return state
end
