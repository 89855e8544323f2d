-- wrk's script: every request is one that was never sent before.
-- Arguments: file of event bodies without their id, prefix of the ids, events per request, token,
-- how many lines of the file to skip first, and when the first event happened (ms). The events of a
-- run happen 50 ms apart, whatever the file says, so that the people in it come back hours later.
local starts, ends, head, prefix, group, sent, place, first = {}, {}, "", "", 1, 0, 0, 0

function init(args)
  prefix, group = args[2], tonumber(args[3])
  for line in io.lines(args[1]) do
    starts[#starts + 1], ends[#ends + 1] = line:match('^(.-"at_ms":)%d+(.*)$')
  end
  place, first = tonumber(args[5]) % #starts, tonumber(args[6])
  local kind = group > 1 and "application/x-ndjson" or "application/json"
  local key = args[4] ~= "" and "Authorization: Bearer " .. args[4] .. "\r\n" or ""
  head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\n" .. key
    .. "Content-Type: " .. kind .. "\r\nContent-Length: "
end

local function one()
  sent, place = sent + 1, place % #starts + 1
  local at_ms = string.format("%d", first + 50 * sent)
  return '{"id":"' .. prefix .. sent .. '",' .. starts[place] .. at_ms .. ends[place]
end

function request()
  local body
  if group == 1 then
    body = one()
  else
    local lines = {}
    for i = 1, group do lines[i] = one() end
    body = table.concat(lines, "\n")
  end
  return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "max_ms": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
