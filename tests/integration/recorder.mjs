// Notes what the clients of aimock do, from inside its process: aimock's own journal holds requests translated into chat
// completions, without the ids and signatures of their wires. Nothing of aimock is changed.
//
//   first line of stdout      the port that was bound, as {"port": N}
//   GET /-/asked?since=N      the requests from number N on: path, headers, body, and how their answers ended:
//                             "open", "whole", or "broken" (by either side)
//   the end of stdin          ends the process, even when the tests were killed
import http from "node:http";

const asked = [];
const emit = http.Server.prototype.emit;

http.Server.prototype.emit = function (event, request, response, ...rest) {
  if (event === "listening") console.log(JSON.stringify({ port: this.address().port }));
  if (event !== "request") return emit.call(this, event, request, response, ...rest);
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === "/-/asked") {
    response.end(JSON.stringify(asked.slice(Number(url.searchParams.get("since")))));
    return true;
  }
  if (request.method === "POST") note(request, response);
  return emit.call(this, event, request, response, ...rest);
};

function note(request, response) {
  const noted = { path: request.url, headers: request.headers, body: "", answer: "open" };
  const chunks = [];
  asked.push(noted);
  const push = request.push;
  request.push = function (chunk, ...rest) {
    if (chunk !== null) chunks.push(chunk);
    else noted.body = Buffer.concat(chunks).toString("utf8");
    return push.call(this, chunk, ...rest);
  };
  response.on("close", () => (noted.answer = response.writableFinished ? "whole" : "broken"));
}

process.stdin.on("end", () => process.exit());
process.stdin.resume();
