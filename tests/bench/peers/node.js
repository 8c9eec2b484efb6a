// The same work on Node's `http`: read the body, gunzip it if need be, answer with the header's id.
const http = require("http");
const zlib = require("zlib");

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    let body = Buffer.concat(parts);
    if (request.headers["content-encoding"] === "gzip") body = zlib.gunzipSync(body);
    const header = JSON.parse(body.subarray(0, body.indexOf(10)));
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ id: header.event_id }));
  });
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
