-- Pause a lane, unless it is paused for longer.
--
-- ARGV[2]  the lane.
-- ARGV[3]  for how many milliseconds, or 'inf': until it is resumed.
-- ARGV[4]  why.
-- ARGV[5]  1 if the lane is on probation from now on, unless it is already.
-- Returns 1, or 0 if the lane is paused for longer.

local lane = ARGV[2]
local ends = ARGV[3] == 'inf' and 'inf' or digits(now + ARGV[3])
if ARGV[5] == '1' then
  call('HSETNX', PROBATION, lane, now)
end
local stands = call('ZSCORE', PAUSED, lane)
if stands and tonumber(stands) > tonumber(ends) then
  return 0
end
call('ZADD', PAUSED, ends, lane)
call('HSET', PAUSE_REASONS, lane, ARGV[4])
return 1
