-- Counts one call against every rule, or against none when one is used up.
-- KEYS: a hash for each rule, from step to count. ARGV: how many steps are
-- counted together (1: a fixed window), then limit and window in microseconds
-- of each rule. Returns the place of the rule that refuses, or 0, and for each
-- rule what is used and in how many microseconds some of it comes back.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local steps = tonumber(ARGV[1])
local refused = 0
local used, oldest, current, length = {}, {}, {}, {}
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  length[i] = window
  if steps > 1 then length[i] = math.max(math.floor(window / (steps - 1)), 1) end
  current[i] = math.floor(now / length[i])
  used[i] = 0
  local counts = redis.call('HGETALL', key)
  for j = 1, #counts, 2 do
    local step = tonumber(counts[j])
    if step > current[i] - steps then
      used[i] = used[i] + tonumber(counts[j + 1])
      if not oldest[i] or step < oldest[i] then oldest[i] = step end
    else
      redis.call('HDEL', key, counts[j])
    end
  end
  if used[i] >= limit and refused == 0 then refused = i end
end
local out = {refused}
for i, key in ipairs(KEYS) do
  if refused == 0 then
    redis.call('HINCRBY', key, string.format('%.0f', current[i]), 1)
    redis.call('PEXPIRE', key, math.ceil(length[i] * (steps + 1) / 1000))
    used[i] = used[i] + 1
    if not oldest[i] then oldest[i] = current[i] end
  end
  out[#out + 1] = used[i]
  local reset = 0
  if oldest[i] then reset = math.max((oldest[i] + steps) * length[i] - now, 1) end
  out[#out + 1] = math.floor(reset)
end
return out
