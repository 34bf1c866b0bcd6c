-- Queue jobs in order: all of them, or none if the server is full (its first write is refused then).
--
-- ARGV[2…]  id, lane and record of each job.
-- Returns 1 for each job that is new, and 0 for each that waits or is in flight already.

local jobs, arrived, lanes, is_new = {}, {}, {}, {}
local ids = {}
for i = 2, #ARGV, 3 do
  ids[#ids + 1] = ARGV[i]
end
local known, seen = ask_for_all('HMGET', JOBS, ids), {}
for i, id in ipairs(ids) do
  local lane, record = ARGV[3 * i], ARGV[3 * i + 1]
  is_new[i] = (known[i] or seen[id]) and 0 or 1
  seen[id] = true
  if is_new[i] == 1 then
    jobs[#jobs + 1], jobs[#jobs + 2] = id, record
    if not arrived[lane] then
      arrived[lane] = {}
      lanes[#lanes + 1] = lane
    end
    table.insert(arrived[lane], id)
  end
end
call_with_all('HSET', JOBS, jobs)
for _, lane in ipairs(lanes) do
  call_with_all('RPUSH', ARRIVED .. lane, arrived[lane])
end
offer(lanes)
wake()
return is_new
