-- Queue a dead letter again, as if it had just arrived. If its job is queued already, that will do.
--
-- ARGV[2]  the id.
-- Returns 1, or 0 if there is no such dead letter.

local id = ARGV[2]
local record = call('HGET', DEAD_JOBS, id)
if not record then
  return 0
end
local lane = cjson.decode(call('HGET', DEAD_HISTORY, id)).lane
if call('HSETNX', JOBS, id, record) == 1 then
  call('RPUSH', ARRIVED .. lane, id)
  offer({ lane })
end
call('ZREM', DEAD, id)
call('HDEL', DEAD_JOBS, id)
call('HDEL', DEAD_HISTORY, id)
count(BURIED, lane, -1)
wake()
return 1
