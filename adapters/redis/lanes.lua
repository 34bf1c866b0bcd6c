-- Name every lane that may hold anything. (One with jobs ready is on offer, or has jobs in flight.)

local seen, lanes = {}, {}
local function add(some)
  for _, lane in ipairs(some) do
    if not seen[lane] then
      seen[lane] = true
      lanes[#lanes + 1] = lane
    end
  end
end

add(call('SMEMBERS', OFFERED))
for _, counts in ipairs({ RUNNING, WAITING, BURIED, PAUSE_REASONS, PROBATION }) do
  add(call('HKEYS', counts))
end
return lanes
