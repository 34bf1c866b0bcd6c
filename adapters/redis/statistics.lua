-- Tell how some lanes stand.
--
-- ARGV[2…]  the lanes.
-- Returns the time (milliseconds), then of each lane the numbers of ready, delayed, in-flight and dead
-- jobs, the record of its oldest ready job, why it is paused, until when ('inf': until it is resumed), and
-- since when it has been on probation.

local reply = { now }
for i = 2, #ARGV do
  local lane = ARGV[i]
  local oldest = call('ZRANGE', RETURNED .. lane, 0, 0)[1] or call('LINDEX', ARRIVED .. lane, 0)
  local row = {
    call('LLEN', ARRIVED .. lane) + call('ZCARD', RETURNED .. lane),
    tonumber(call('HGET', WAITING, lane) or 0),
    tonumber(call('HGET', RUNNING, lane) or 0),
    tonumber(call('HGET', BURIED, lane) or 0),
    oldest and call('HGET', JOBS, oldest) or '',
    call('HGET', PAUSE_REASONS, lane) or '',
    call('ZSCORE', PAUSED, lane) or '',
    call('HGET', PROBATION, lane) or '',
  }
  for _, value in ipairs(row) do
    reply[#reply + 1] = value
  end
end
return reply
