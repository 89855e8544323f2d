-- Update the windows of every entity named (KEYS) with one event, and return twelve values of each.
-- ARGV: time in ms, amount in minor units, then for each key the counterpart of that entity.
--
-- Per entity: a packed record with a ring of twelve buckets of counts and sums per window, and a
-- sorted set of counterparts by the time they were last seen.
local WINDOW = {60000, 600000, 3600000, 86400000, 604800000, 2592000000}
local SUMMED = {[3] = true, [4] = true, [6] = true}
local DIFFERENT = {3600000, 86400000}
local KEEP_MS = 2592000000
local BUCKETS = 12
local at, amount = tonumber(ARGV[1]), tonumber(ARGV[2])
local out = {}

local function fresh()
  local entity = {clock = 0, last = 0}
  for w = 1, #WINDOW do
    local ring = {at = -1, n = 0, s = 0, counts = {}, sums = {}}
    for i = 1, BUCKETS do ring.counts[i] = 0; ring.sums[i] = 0 end
    entity[w] = ring
  end
  return entity
end

local function advance(ring, bucket)
  if ring.at < 0 or bucket - ring.at >= BUCKETS then
    for i = 1, BUCKETS do ring.counts[i] = 0; ring.sums[i] = 0 end
    ring.n, ring.s, ring.at = 0, 0, bucket
    return
  end
  for b = ring.at + 1, bucket do
    local i = b % BUCKETS + 1
    ring.n, ring.s = ring.n - ring.counts[i], ring.s - ring.sums[i]
    ring.counts[i], ring.sums[i] = 0, 0
  end
  if bucket > ring.at then ring.at = bucket end
end

for k = 1, #KEYS do
  local key, seen = KEYS[k], KEYS[k] .. ":seen"
  local packed = redis.call("GET", key)
  local entity = packed and cmsgpack.unpack(packed) or fresh()
  local known = entity.last
  if at > entity.clock then entity.clock = at end
  local clock = entity.clock
  for w = 1, #WINDOW do
    local width = WINDOW[w] / BUCKETS
    local ring, bucket = entity[w], math.floor(at / width)
    advance(ring, math.floor(clock / width))
    if bucket > ring.at - BUCKETS then
      local i = bucket % BUCKETS + 1
      ring.counts[i], ring.sums[i] = ring.counts[i] + 1, ring.sums[i] + amount
      ring.n, ring.s = ring.n + 1, ring.s + amount
    end
    out[#out + 1] = ring.n
  end
  for w = 1, #WINDOW do
    if SUMMED[w] then out[#out + 1] = entity[w].s end
  end
  redis.call("ZADD", seen, "GT", at, ARGV[k + 2])
  redis.call("ZREMRANGEBYSCORE", seen, "-inf", clock - DIFFERENT[2])
  for d = 1, #DIFFERENT do
    out[#out + 1] = redis.call("ZCOUNT", seen, clock - DIFFERENT[d] + 1, "+inf")
  end
  out[#out + 1] = known > 0 and math.max(at - known, 0) or -1
  if at > entity.last then entity.last = at end
  redis.call("SET", key, cmsgpack.pack(entity), "PX", KEEP_MS)
  redis.call("PEXPIRE", seen, DIFFERENT[2])
end
return out
