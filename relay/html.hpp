// Markup for the page: whatever is foreign in it goes through escaped(). What is written is HTML
// and well-formed XML at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace relay::html {

/// Foreign text as text, between tags or in a quoted attribute, on one line: no tag, no end of the
/// attribute, and no control character or turn of the writing direction that would make it read as
/// something else (U+FFFD in their place).
[[nodiscard]] std::string escaped(std::string_view text);

/// The same of several lines: their ends stay.
[[nodiscard]] std::string escaped_lines(std::string_view text);

/// The same as an element of its own, whose direction of writing ends with it.
[[nodiscard]] std::string foreign(std::string_view text);

/// "12,345"
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "1 item", "2 items"
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view noun);
/// "0.25 ms", "1.5 s", "3 min 20 s"; nothing negative.
[[nodiscard]] std::string length(std::chrono::microseconds length);
/// "512 B", "1.5 KiB"
[[nodiscard]] std::string bytes(std::uint64_t size);

/// A figure of /stats: `path` is where it stands there, "items/error/accepted".
[[nodiscard]] std::string figure(std::string_view path, std::uint64_t value);
/// The same, with other words for the value.
[[nodiscard]] std::string figure(std::string_view path, std::uint64_t value, std::string_view text);

/// Bars of one line, one after the other, out of `whole`; the table beside them says the same.
class Bar {
 public:
  explicit Bar(double whole) : whole_(whole) {}

  /// `kind`: a class of the style sheet.
  Bar& add(std::string_view kind, double part);
  Bar& gap(double part);
  [[nodiscard]] std::string html() const;

 private:
  double whole_;
  double end_ = 0;
  std::string parts_;
};

struct Column {
  std::string_view head;
  std::string_view kind;  ///< a class of the style sheet: "n" holds numbers
};

/// A table whose first column names its rows. Cells are markup. One of more than three columns may
/// be wider than the screen; what does not fit is then moved to, with the keys as well.
class Table {
 public:
  Table(std::string_view id, std::string_view caption, std::initializer_list<Column> columns);

  Table& row(std::initializer_list<std::string> cells);

  [[nodiscard]] bool empty() const { return body_.empty(); }

  [[nodiscard]] std::string html() const;

 private:
  std::vector<Column> columns_;
  std::string head_;
  std::string body_;
};

/// Names and what they stand for.
class Facts {
 public:
  /// `kind`: a class of the style sheet.
  explicit Facts(std::string_view kind = "") : kind_(kind) {}

  Facts& add(std::string_view name, std::string_view markup);
  [[nodiscard]] std::string html() const;

 private:
  std::string_view kind_;
  std::string body_;
};

/// A part of the page with its heading. `id` is also what a link may name.
[[nodiscard]] std::string section(std::string_view id, std::string_view heading,
                                  std::string_view markup);
[[nodiscard]] std::string paragraph(std::string_view markup);

}  // namespace relay::html
