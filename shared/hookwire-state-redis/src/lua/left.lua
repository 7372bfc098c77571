-- Answers with the cursor that a client left, or with nothing. The others keep the hash longer than it may be kept.
local _, cursor = read(redis.call('HGET', CURSORS, CLIENT))
return cursor
