// The same work on Node's `http`: read the body, gunzip it if need be, look for the key, read the envelope's headers,
// keep it, answer with its id.
const http = require("http");
const zlib = require("zlib");

const MOST_BYTES = 16 * 1024 * 1024; // kept; above it the oldest go
const kept = [];
let keptBytes = 0;

function keep(body) {
  kept.push(body);
  keptBytes += body.length;
  while (keptBytes > MOST_BYTES) keptBytes -= kept.shift().length;
}

function lineEnd(body, at) {
  const end = body.indexOf(10, at);
  return end < 0 ? body.length : end;
}

/** The envelope's id; throws for what is no envelope. */
function read(body) {
  let at = lineEnd(body, 0);
  const { event_id: id } = JSON.parse(body.subarray(0, at));
  while (++at < body.length) {
    const end = lineEnd(body, at);
    const item = JSON.parse(body.subarray(at, end));
    at = item.length === undefined ? lineEnd(body, end + 1) : end + 1 + item.length;
    if (typeof item.type !== "string" || at > body.length) throw new Error("no item");
  }
  return id;
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    if (!/sentry_key=\w{32}\b/.test(request.headers["x-sentry-auth"])) return response.writeHead(403).end();
    let body = Buffer.concat(parts);
    if (request.headers["content-encoding"] === "gzip") body = zlib.gunzipSync(body);
    const id = read(body);
    keep(body);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ id }));
  });
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
