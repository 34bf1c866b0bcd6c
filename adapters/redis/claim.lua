-- Hand out jobs that are due, in turn: one of the next lane of the next tenant.
--
-- ARGV[2]  how many at most.
-- ARGV[3]  the lease, in milliseconds.
-- ARGV[4]  the cap: how many jobs of one lane may be in flight.
-- Returns the milliseconds until more is due (-1: never), then id, lane, token, attempt, whether it was
-- reclaimed, and record of each job claimed.

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

-- The lane whose turn it is; it goes to the end of its ring, and its tenant to the end of theirs.
local function next_lane()
  local tenant = call('LMOVE', TENANTS, TENANTS, 'LEFT', 'RIGHT')
  if tenant then
    return call('LMOVE', LANES .. tenant, LANES .. tenant, 'LEFT', 'RIGHT'), tenant
  end
end

-- Take the lane that has just had its turn (so it stands at the end) off the ring.
local function withdraw(lane, tenant)
  call('SREM', OFFERED, lane)
  call('RPOP', LANES .. tenant)
  if call('EXISTS', LANES .. tenant) == 0 then
    call('RPOP', TENANTS)
  end
end

local function head(lane)
  return call('ZPOPMIN', RETURNED .. lane)[1] or call('LPOP', ARRIVED .. lane)
end

local function take()
  local ids, lanes, turns = {}, {}, 0
  local running, seen = {}, {}
  local some_are_paused = call('EXISTS', PAUSED) == 1
  while #ids < most and turns < most + AT_ONCE do
    local lane, tenant = next_lane()
    if not lane then
      break
    end
    turns = turns + 1
    if not running[lane] then
      running[lane] = tonumber(call('HGET', RUNNING, lane) or 0)
      seen[#seen + 1] = lane
    end
    local is_paused = some_are_paused and call('ZSCORE', PAUSED, lane)
    local id = not is_paused and running[lane] < cap and head(lane)
    if id then
      ids[#ids + 1], lanes[#lanes + 1] = id, lane
      running[lane] = running[lane] + 1
    end
    if not id or running[lane] >= cap then
      withdraw(lane, tenant)
    end
  end
  set_counts(RUNNING, running, seen)
  return ids, lanes
end

-- Tokens rise, and are above any that were given out before: even after a fail-over that forgot some,
-- since none is given out sooner than its microsecond.
local function new_tokens(number)
  local last = math.max(tonumber(call('GET', TOKEN) or 0), microseconds)
  call('SET', TOKEN, digits(last + number))
  return last
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
local reply = { 0 }
if #ids > 0 then
  local last = new_tokens(#ids)
  local records, histories = call('HMGET', JOBS, unpack(ids)), call('HMGET', HISTORY, unpack(ids))
  local leases = {}
  for i, id in ipairs(ids) do
    local history = histories[i] and cjson.decode(histories[i]) or {}
    local token, attempt = digits(last + i), (history.attempts or 0) + 1
    leases[#leases + 1] = now + lease
    leases[#leases + 1] = table.concat({ token, attempt, lanes[i], id }, '/')
    local claim = { id, lanes[i], token, attempt, history.reclaimed and 1 or 0, records[i] or '' }
    for _, value in ipairs(claim) do
      reply[#reply + 1] = value
    end
  end
  call_with_all('ZADD', LEASES, leases)
end
reply[1] = due_in()
wake()
return reply
