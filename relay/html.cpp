#include "relay/html.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "proto/printable.hpp"
#include "relay/decimal.hpp"

namespace relay::html {
namespace {

using std::chrono::microseconds;

// "1.5 KiB": one digit behind the point, and none that is 0.
std::string one_digit(std::uint64_t tenths) {
  std::string text = grouped(tenths / 10);
  if (tenths % 10 > 0) text += "." + std::to_string(tenths % 10);
  return text;
}

// "3 min 20 s"
std::string two_units(std::uint64_t number, std::uint64_t per, std::string_view unit,
                      std::string_view rest_unit) {
  std::string text = grouped(number / per).append(" ").append(unit);
  if (number % per == 0) return text;
  return text.append(" ").append(std::to_string(number % per)).append(" ").append(rest_unit);
}

std::string hundredths(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", number);
  return text.data();
}

}  // namespace

std::string escaped(std::string_view text) {
  const std::string clean = proto::printable(text);
  std::string out;
  out.reserve(clean.size());
  for (std::size_t i = 0; i < clean.size(); ++i) {
    switch (clean[i]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\xEF': {
        // U+FFFE and U+FFFF are UTF-8 and no characters: XML 1.0, 2.2 has no place for them.
        const std::string_view here = std::string_view(clean).substr(i, 3);
        out += here == "\xEF\xBF\xBE" || here == "\xEF\xBF\xBF" ? "\xEF\xBF\xBD" : here;
        i += 2;
        break;
      }
      default:
        out += clean[i];
    }
  }
  return out;
}

std::string escaped_lines(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += escaped(text.substr(0, end));
    if (end == text.size()) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string foreign(std::string_view text) { return "<bdi>" + escaped(text) + "</bdi>"; }

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

std::string counted(std::uint64_t number, std::string_view noun) {
  return grouped(number).append(" ").append(noun).append(number == 1 ? "" : "s");
}

std::string length(microseconds length) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(length.count(), 0));
  const std::uint64_t seconds = micros / 1'000'000;
  if (micros < 10'000) return decimal_ms(microseconds{micros / 10 * 10}) + " ms";
  if (seconds == 0) return std::to_string(micros / 1000) + " ms";
  if (seconds < 60) return one_digit(micros / 100'000) + " s";
  if (seconds < 3600) return two_units(seconds, 60, "min", "s");
  if (seconds < 86'400) return two_units(seconds / 60, 60, "h", "min");
  return two_units(seconds / 3600, 24, "d", "h");
}

std::string bytes(std::uint64_t size) {
  if (size < 1024) return std::to_string(size) + " B";
  constexpr std::array<std::string_view, 4> kUnits{" KiB", " MiB", " GiB", " TiB"};
  constexpr std::uint64_t kMany = 1'048'576;
  std::size_t unit = 0;
  while (size >= kMany && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return one_digit(size / 1024 * 10 + size % 1024 * 10 / 1024).append(kUnits.at(unit));
}

std::string figure(std::string_view path, std::uint64_t value) {
  return figure(path, value, grouped(value));
}

std::string figure(std::string_view path, std::uint64_t value, std::string_view text) {
  std::string out = "<data data-stat=\"";
  out.append(escaped(path)).append("\" value=\"").append(std::to_string(value));
  return out.append("\">").append(text).append("</data>");
}

Bar& Bar::add(std::string_view kind, double part) {
  if (part <= 0 || whole_ <= 0) return *this;
  // One that is there is seen.
  const double width = std::max(100 * part / whole_, 0.6);
  parts_.append("<rect class=\"").append(kind).append("\" x=\"").append(hundredths(end_));
  parts_.append("\" width=\"").append(hundredths(width)).append("\" height=\"10\"/>");
  end_ += width;
  return *this;
}

Bar& Bar::gap(double part) {
  if (whole_ > 0) end_ += 100 * part / whole_;
  return *this;
}

std::string Bar::html() const {
  return "<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">" + parts_ +
         "</svg>";
}

Table::Table(std::string_view id, std::string_view caption, std::initializer_list<Column> columns)
    : columns_(columns) {
  head_.append("<div class=\"wide\" id=\"").append(id).append("-table\"");
  if (columns_.size() > 3) {
    head_.append(" tabindex=\"0\" role=\"group\" aria-label=\"")
        .append(escaped(caption))
        .append("\"");
  }
  head_.append("><table><caption>").append(escaped(caption)).append("</caption><thead><tr>");
  for (const Column& column : columns_) {
    head_.append("<th scope=\"col\" class=\"").append(column.kind).append("\">");
    head_.append(column.head).append("</th>");
  }
  head_ += "</tr></thead><tbody>";
}

Table& Table::row(std::initializer_list<std::string> cells) {
  body_ += "<tr>";
  std::size_t i = 0;
  for (const std::string& cell : cells) {
    const std::string_view tag = i == 0 ? "th" : "td";
    body_.append("<").append(tag).append(i == 0 ? " scope=\"row\"" : "");
    body_.append(" class=\"").append(columns_.at(i).kind).append("\">").append(cell);
    body_.append("</").append(tag).append(">");
    ++i;
  }
  body_ += "</tr>";
  return *this;
}

std::string Table::html() const { return head_ + body_ + "</tbody></table></div>"; }

Facts& Facts::add(std::string_view name, std::string_view markup) {
  body_.append("<div><dt>").append(name).append("</dt><dd>").append(markup);
  body_ += "</dd></div>";
  return *this;
}

std::string Facts::html() const {
  return "<dl class=\"" + std::string(kind_) + "\">" + body_ + "</dl>";
}

std::string section(std::string_view id, std::string_view heading, std::string_view markup) {
  std::string out = "<section id=\"";
  out.append(id).append("\" aria-labelledby=\"").append(id).append("-h\"><h2 id=\"").append(id);
  out.append("-h\">").append(heading).append("</h2>").append(markup);
  return out.append("</section>");
}

std::string paragraph(std::string_view markup) {
  return std::string("<p>").append(markup).append("</p>");
}

}  // namespace relay::html
