-- What wrk sends, and how it reports. Arguments: the method, a file, the longest pause of a connection
-- before its next call in milliseconds (0: none), and the first number.
--
-- POST: the file is a request body. Ten digits of its txnid and of its customer are replaced by a
-- number that grows with each call, so that every consent has a customer of its own.
-- GET: the file has one path in each line; the calls go through them in turn.

local method, number
local pieces, gets = {}, {}

local function read(name)
  local file = assert(io.open(name))
  local text = file:read("*a")
  file:close()
  return text
end

local function prepare_post(body)
  local rest = "POST /consent HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer mockaa-dev-fiu-1-api-key\r\n"
    .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
  for _, digits in ipairs({ "0289437bf3", "1999999999" }) do
    local from, to = rest:find(digits, 1, true)
    pieces[#pieces + 1] = rest:sub(1, from - 1)
    rest = rest:sub(to + 1)
  end
  pieces[#pieces + 1] = rest
end

local function prepare_gets(lines)
  for path in lines:gmatch("[^\n]+") do
    gets[#gets + 1] = "GET " .. path .. " HTTP/1.1\r\nHost: localhost\r\n"
      .. "Authorization: Bearer mockaa-dev-fiu-1-api-key\r\n\r\n"
  end
end

function init(args)
  method, number = args[1], tonumber(args[4])
  if method == "POST" then
    prepare_post(read(args[2]))
  else
    prepare_gets(read(args[2]))
  end
  local longest_pause = tonumber(args[3])
  if longest_pause > 0 then
    function delay()
      return math.random(0, longest_pause)
    end
  end
end

function request()
  number = number + 1
  if method == "POST" then
    local digits = string.format("%010d", number)
    return pieces[1] .. digits .. pieces[2] .. digits .. pieces[3]
  end
  return gets[number % #gets + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("result %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
