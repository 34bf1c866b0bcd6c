-- Hand out jobs that are due, in turn: one of the next lane of the next tenant.
--
-- ARGV[2]  how many at most.
-- ARGV[3]  the lease, in milliseconds.
-- ARGV[4]  the cap: how many jobs of one lane may be in flight.
-- Returns the milliseconds until more is due (-1: never) and, of the jobs claimed, the ids, the lanes,
-- the token before their first (they count on from there), the records, and the marks: of each that has
-- something behind it, or whose lane is on probation, its place among them, the attempt (of all others:
-- 1), whether it was reclaimed, the crashes, those of them alone, the milliseconds since it was first
-- claimed, and those that its lane has been on probation for (-1: it is not).

local most, lease, cap = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local AT_ONCE = 100 -- bounds the work of one call; the rest is done by the next

local function reclaim()
  local members = call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, AT_ONCE)
  call_with_all('ZREM', LEASES, members)
  for _, member in ipairs(members) do
    local token, _, lane, id = parts_of(member)
    local history = recall(id, token)
    history.crashes = (history.crashes or 0) + 1
    history.reclaimed = true
    add_reason(history, 'the lease ran out')
    remember(id, history)
    give_back(id, lane, history)
    end_in({ lane }, { [lane] = 1 })
  end
end

local function promote()
  for _, member in ipairs(call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, AT_ONCE)) do
    local lane, id = string.match(member, '^([^/]*/[^/]*)/(.*)$')
    call('ZREM', DELAYED, member)
    count(WAITING, lane, -1)
    give_back(id, lane, cjson.decode(call('HGET', HISTORY, id)))
  end
end

local function end_pauses()
  for _, lane in ipairs(call('ZRANGEBYSCORE', PAUSED, '-inf', now, 'LIMIT', 0, AT_ONCE)) do
    lift_pause(lane)
  end
end

-- A ring is read as far as it turns, turned here, and written back at the end: all that could fail has
-- been done by then.
local function open_ring(key, at_once)
  local line, again, next, read, is_read = {}, {}, 1, 0, false
  local ring = {}

  local function read_on()
    local some = call('LRANGE', key, read, read + at_once - 1)
    for _, member in ipairs(some) do
      line[#line + 1] = member
    end
    read, is_read = read + #some, #some < at_once
  end

  -- What has its turn now, if any: it has left the ring.
  function ring.turn()
    while next > #line and not is_read do
      read_on()
    end
    if next > #line then
      for _, member in ipairs(again) do
        line[#line + 1] = member
      end
      again = {}
    end
    next = next + 1
    return line[next - 1]
  end

  function ring.append(member)
    again[#again + 1] = member
  end

  function ring.is_empty()
    if next > #line and not is_read then
      read_on()
    end
    return next > #line and #again == 0
  end

  function ring.write_back()
    local gone, left = math.min(next - 1, read), {}
    for i = math.max(next, read + 1), #line do
      left[#left + 1] = line[i]
    end
    if gone > 0 then
      call('LPOP', key, gone)
    end
    call_with_all('RPUSH', key, left)
    call_with_all('RPUSH', key, again)
  end

  return ring
end

local some_are_held_back = call('EXISTS', PAUSED, PROBATION) > 0

-- As much of a lane as this claim may have need of: its next jobs, one more than there is room for.
local function open_lane(name, some_came_back)
  local running = tonumber(call('HGET', RUNNING, name) or 0)
  local since = some_are_held_back and call('HGET', PROBATION, name)
  local room = math.max((since and 1 or cap) - running, 0)
  local ids = some_came_back and call('ZRANGE', RETURNED .. name, 0, room) or {}
  local lane = { name = name, running = running, room = room, ids = ids, returned = #ids, taken = 0 }
  lane.probation = since and math.max(now - since, 0)
  if lane.returned <= room then -- or the range would have no end
    for _, id in ipairs(call('LRANGE', ARRIVED .. name, 0, room - lane.returned)) do
      ids[#ids + 1] = id
    end
  end
  return lane
end

local function write_back_lane(lane)
  local returned = math.min(lane.taken, lane.returned)
  if returned > 0 then
    call('ZPOPMIN', RETURNED .. lane.name, returned)
  end
  if lane.taken > returned then
    call('LPOP', ARRIVED .. lane.name, lane.taken - returned)
  end
end

local rings, lanes, names = {}, {}, {} -- by tenant, by name, and in the order in which they were opened
local withdrawn, capped = {}, {}
local ids, of = {}, {} -- of the jobs claimed: the ids and the lanes

-- Returns whether the lane stays in the ring.
local function claim_one(name, some_came_back)
  if some_are_held_back and call('ZSCORE', PAUSED, name) then
    return false
  end
  if not lanes[name] then
    lanes[name], names[#names + 1] = open_lane(name, some_came_back), name
  end
  local lane = lanes[name]
  if lane.taken < math.min(lane.room, #lane.ids) then
    lane.taken = lane.taken + 1
    ids[#ids + 1], of[#of + 1] = lane.ids[lane.taken], name
  end
  local has_more = lane.taken < #lane.ids
  if has_more and lane.taken == lane.room then
    capped[#capped + 1] = name
  end
  return has_more and lane.taken < lane.room
end

local function write_back(tenants)
  local running = {}
  for _, name in ipairs(names) do
    write_back_lane(lanes[name])
    running[name] = lanes[name].running + lanes[name].taken
  end
  set_counts(RUNNING, running, names)
  call_with_all('SREM', OFFERED, withdrawn)
  call_with_all('SADD', CAPPED, capped)
  tenants.write_back()
  for _, ring in pairs(rings) do
    ring.write_back()
  end
end

-- One job of the next lane of the next tenant, and so on. A lane that has no (more) job to hand out
-- leaves the ring, and so does a tenant without lanes.
local function take()
  local tenants, some_came_back = open_ring(TENANTS, most), call('EXISTS', HISTORY) == 1
  local at_once = math.ceil(most / math.max(call('LLEN', TENANTS), 1))
  for _ = 1, most + AT_ONCE do
    local tenant = #ids < most and tenants.turn()
    if not tenant then
      break
    end
    rings[tenant] = rings[tenant] or open_ring(LANES .. tenant, at_once)
    local name = rings[tenant].turn()
    if claim_one(name, some_came_back) then
      rings[tenant].append(name)
    else
      withdrawn[#withdrawn + 1] = name
    end
    if not rings[tenant].is_empty() then
      tenants.append(tenant)
    end
  end
  write_back(tenants)
end

local function due_in()
  if call('EXISTS', TENANTS) == 1 then
    return 0
  end
  local due = math.huge
  for _, waiting in ipairs({ LEASES, DELAYED, PAUSED }) do
    due = math.min(due, tonumber(call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2] or due))
  end
  return due == math.huge and -1 or math.ceil(math.max(due - now, 0))
end

go_on_when_full()
outlast_outage(lease)
reclaim()
promote()
end_pauses()
take()
if #ids == 0 then
  wake()
  return { due_in() }
end
local last, ends = new_tokens(#ids), digits(now + lease)
local histories = call('HMGET', HISTORY, unpack(ids))
local leases, marks = {}, {}

-- Returns the attempt.
local function mark(i, history, probation)
  local attempt, reclaimed = (history.attempts or 0) + 1, history.reclaimed and 1 or 0
  local crashes, alone = history.crashes or 0, history.solo_crashes or 0
  local token = last + i -- tokens are microseconds, or later
  local since_first = math.floor((token - (history.order or token)) / 1000)
  for _, value in ipairs({ i, attempt, reclaimed, crashes, alone, since_first, probation or -1 }) do
    marks[#marks + 1] = value
  end
  return attempt
end

for i, id in ipairs(ids) do
  local history, probation, attempt = histories[i], lanes[of[i]].probation, 1
  if history or probation then
    attempt = mark(i, history and cjson.decode(history) or {}, probation)
  end
  leases[2 * i - 1] = ends
  leases[2 * i] = digits(last + i) .. '/' .. attempt .. '/' .. of[i] .. '/' .. id
end
call_with_all('ZADD', LEASES, leases)
wake()
return { due_in(), ids, of, digits(last), call('HMGET', JOBS, unpack(ids)), marks }
