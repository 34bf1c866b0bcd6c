-- Tell when the oldest jobs of lanes were queued: of those that are ready, or of one step through those
-- that are delayed, or in flight.
--
-- ARGV[2]   which: 'ready', 'delayed' or 'in flight'.
-- ARGV[3…]  the lanes, of those that are ready; else the cursor: 0 at first, then as it was returned.
-- Returns the time (microseconds), the cursor (0 at the end), the number of dead letters, then lanes and
-- moments (microseconds; '?' if the record does not say).
--
-- Jobs that came back lie by their first claim, and those that never were claimed by their arrival, so
-- the oldest of either is the first, but for one that was redriven.

local oldest, lanes = {}, {}

local function add(lane, id)
  local record = call('HGET', JOBS, id) or ''
  local queued_at = string.match(record, '^%[%d+,"[^"]*",(%d+)[,%]]') or '?'
  local known = oldest[lane]
  if not known then
    oldest[lane], lanes[#lanes + 1] = queued_at, lane
  elseif queued_at == '?' or (known ~= '?' and tonumber(queued_at) < tonumber(known)) then
    oldest[lane] = queued_at
  end
end

local cursor = '0'
if ARGV[2] == 'ready' then
  for i = 3, #ARGV do
    local returned = call('ZRANGE', RETURNED .. ARGV[i], 0, 0)[1]
    local arrived = call('LINDEX', ARRIVED .. ARGV[i], 0)
    if returned then
      add(ARGV[i], returned)
    end
    if arrived then
      add(ARGV[i], arrived)
    end
  end
else
  local is_delayed, members = ARGV[2] == 'delayed'
  cursor, members = unpack(call('ZSCAN', is_delayed and DELAYED or LEASES, ARGV[3], 'COUNT', 500))
  for i = 1, #members, 2 do
    local lane, id = string.match(members[i], '^([^/]*/[^/]*)/(.*)$')
    if not is_delayed then
      lane, id = select(3, parts_of(members[i]))
    end
    add(lane, id)
  end
end

local reply = { digits(microseconds), cursor, call('ZCARD', DEAD) }
for _, lane in ipairs(lanes) do
  reply[#reply + 1], reply[#reply + 2] = lane, oldest[lane]
end
return reply
