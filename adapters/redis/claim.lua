-- Hand out jobs that are due, in turn: one of the next lane of the next tenant.
--
-- ARGV[2]  how many at most.
-- ARGV[3]  the lease, in milliseconds.
-- ARGV[4]  the cap: how many jobs of one lane may be in flight.
-- Returns the milliseconds until more is due (-1: never) and, of the jobs claimed, the ids, the lanes,
-- the token before their first (they count on from there), the attempts, whether each was reclaimed, and
-- the records.

local most, lease, cap = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local AT_ONCE = 100 -- bounds the work of one call; the rest is done by the next

local function reclaim()
  local members = call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, AT_ONCE)
  call_with_all('ZREM', LEASES, members)
  for _, member in ipairs(members) do
    local token, attempt, lane, id = parts_of(member)
    local history = recall(id, token)
    history.attempts = tonumber(attempt)
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

-- A ring is read as far as it turns, turned here, and written back once.
local function open_ring(key, at_once)
  local ring = { to_come = {}, had = {}, next = 1, beyond = at_once }

  local function read_on()
    if ring.beyond > 0 then
      ring.to_come, ring.next = call('LPOP', key, at_once) or {}, 1
      ring.beyond = #ring.to_come == at_once and call('LLEN', key) or 0
    end
    if not ring.to_come[ring.next] then
      ring.to_come, ring.had, ring.next = ring.had, {}, 1
    end
  end

  -- What has its turn now, if any: it has left the ring.
  function ring.turn()
    if not ring.to_come[ring.next] then
      read_on()
    end
    ring.next = ring.next + 1
    return ring.to_come[ring.next - 1]
  end

  function ring.append(member)
    ring.had[#ring.had + 1] = member
  end

  function ring.is_empty()
    return #ring.had == 0 and ring.next > #ring.to_come and ring.beyond == 0
  end

  function ring.close()
    local to_come = {}
    for i = #ring.to_come, ring.next, -1 do
      to_come[#to_come + 1] = ring.to_come[i]
    end
    call_with_all('LPUSH', key, to_come)
    call_with_all('RPUSH', key, ring.had)
  end

  return ring
end

local some_came_back -- if none has a history, RETURNED need not be looked at

-- As much of a lane as this claim may have need of: its next jobs, one more than there is room for.
local function look_into(name)
  local running = tonumber(call('HGET', RUNNING, name) or 0)
  local room = math.max(cap - running, 0)
  local ids = some_came_back and call('ZRANGE', RETURNED .. name, 0, room) or {}
  local lane = { name = name, running = running, room = room, ids = ids, returned = #ids, taken = 0 }
  for _, id in ipairs(call('LRANGE', ARRIVED .. name, 0, room - lane.returned)) do
    ids[#ids + 1] = id
  end
  return lane
end

local function write_back(lane)
  local returned = math.min(lane.taken, lane.returned)
  if returned > 0 then
    call('ZPOPMIN', RETURNED .. lane.name, returned)
  end
  if lane.taken > returned then
    call('LPOP', ARRIVED .. lane.name, lane.taken - returned)
  end
end

-- One job of the next lane of the next tenant, and so on. A lane that has no (more) job to hand out
-- leaves the ring, and so does a tenant without lanes.
local function take()
  local ids, of = {}, {}
  local lanes, names, running, withdrawn, capped = {}, {}, {}, {}, {}
  local some_are_paused = call('EXISTS', PAUSED) == 1
  some_came_back = call('EXISTS', HISTORY) == 1
  local tenants, rings = open_ring(TENANTS, most), {}
  local at_once = math.ceil(most / math.max(call('LLEN', TENANTS), 1))

  local function lane_of(name)
    if not lanes[name] then
      lanes[name], names[#names + 1] = look_into(name), name
      running[name] = lanes[name].running
    end
    return lanes[name]
  end

  -- Returns whether the lane stays in the ring.
  local function take_one(name)
    if some_are_paused and call('ZSCORE', PAUSED, name) then
      return false
    end
    local lane = lane_of(name)
    if lane.taken < math.min(lane.room, #lane.ids) then
      lane.taken, running[name] = lane.taken + 1, running[name] + 1
      ids[#ids + 1], of[#of + 1] = lane.ids[lane.taken], name
    end
    local has_more = lane.taken < #lane.ids
    if has_more and lane.taken == lane.room then
      capped[#capped + 1] = name
    end
    return has_more and lane.taken < lane.room
  end

  for _ = 1, most + AT_ONCE do
    local tenant = #ids < most and tenants.turn()
    if not tenant then
      break
    end
    rings[tenant] = rings[tenant] or open_ring(LANES .. tenant, at_once)
    local ring = rings[tenant]
    local name = ring.turn()
    if take_one(name) then
      ring.append(name)
    else
      withdrawn[#withdrawn + 1] = name
    end
    if not ring.is_empty() then
      tenants.append(tenant)
    end
  end

  for _, name in ipairs(names) do
    write_back(lanes[name])
  end
  tenants.close()
  for _, ring in pairs(rings) do
    ring.close()
  end
  set_counts(RUNNING, running, names)
  call_with_all('SREM', OFFERED, withdrawn)
  call_with_all('SADD', CAPPED, capped)
  return ids, of
end

local function due_in()
  if call('EXISTS', TENANTS) == 1 then
    return 0
  end
  local due = math.huge
  for _, waiting in ipairs({ LEASES, DELAYED, PAUSED }) do
    due = math.min(due, tonumber(call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2] or due))
  end
  return due == math.huge and -1 or math.max(due - now, 0)
end

go_on_when_full()
reclaim()
promote()
end_pauses()
local ids, lanes = take()
if #ids == 0 then
  wake()
  return { due_in() }
end
local last, ends = new_tokens(#ids), digits(now + lease)
local histories = call('HMGET', HISTORY, unpack(ids))
local leases, attempts, reclaimed = {}, {}, {}
for i, id in ipairs(ids) do
  local history = histories[i] and cjson.decode(histories[i]) or {}
  attempts[i], reclaimed[i] = (history.attempts or 0) + 1, history.reclaimed and 1 or 0
  leases[2 * i - 1] = ends
  leases[2 * i] = digits(last + i) .. '/' .. attempts[i] .. '/' .. lanes[i] .. '/' .. id
end
call_with_all('ZADD', LEASES, leases)
wake()
return { due_in(), ids, lanes, digits(last), attempts, reclaimed, call('HMGET', JOBS, unpack(ids)) }
