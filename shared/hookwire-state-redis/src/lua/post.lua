-- Puts streams into the mailbox of the instance that serves them. KEYS: the mailbox. ARGV: its life in ms, the streams.
for i = 2, #ARGV do
    redis.call('RPUSH', KEYS[1], ARGV[i])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
