-- Queue jobs in order: all of them, or none if the server is full (its first write is refused then).
--
-- ARGV[2…]  id, lane and record of each job.
-- Returns 1 for each job that is new, and 0 for each that waits or is in flight already.

local arrived, lanes, is_new = {}, {}, {}
for i = 2, #ARGV, 3 do
  local id, lane, record = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local added = call('HSETNX', JOBS, id, record)
  if added == 1 then
    if not arrived[lane] then
      arrived[lane] = {}
      lanes[#lanes + 1] = lane
    end
    table.insert(arrived[lane], id)
  end
  is_new[#is_new + 1] = added
end
for _, lane in ipairs(lanes) do
  call_with_all('RPUSH', ARRIVED .. lane, arrived[lane])
  offer(lane)
end
wake()
return is_new
