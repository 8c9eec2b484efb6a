#include "relay/http_text.hpp"

#include "proto/json.hpp"

namespace relay {

Answer error_answer(unsigned status, std::string_view detail, std::string_view cause) {
  Answer answer{status, "{\"detail\":" + proto::json_quote(detail)};
  if (!cause.empty()) answer.body += ",\"causes\":[" + proto::json_quote(cause) + "]";
  answer.body += "}";
  return answer;
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

void to_wire(const Answer& answer, bool close, std::string& wire) {
  constexpr std::size_t kOwnLines = 128;
  wire.clear();
  wire.reserve(kOwnLines + answer.content_type.size() + answer.headers.size() + answer.body.size());
  wire += "HTTP/1.1 ";
  wire += std::to_string(answer.status);
  wire += ' ';
  wire += reason_phrase(answer.status);
  wire += "\r\n";
  if (!answer.body.empty()) {
    wire += "Content-Type: ";
    wire += answer.content_type;
    wire += "\r\n";
  }
  wire += "Content-Length: ";
  wire += std::to_string(answer.body.size());
  wire += "\r\n";
  wire += answer.headers;
  if (close) wire += "Connection: close\r\n";
  wire += "\r\n";
  wire += answer.body;
}

}  // namespace relay
