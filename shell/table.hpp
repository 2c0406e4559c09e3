#pragma once

#include <string>
#include <vector>

namespace tutti {

/// Rows of text for a listing. Cells are made printable when they are added.
class Table {
 public:
  explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  /// One cell a header.
  void add(std::vector<std::string> cells);

  /// Columns padded to their widest cell, for people.
  std::string aligned(bool with_headers = true) const;
  /// The first cell of each row on a line, for scripts.
  std::string first_column() const;
  /// The cells of each row with a blank between, empty ones left out, for scripts.
  std::string separated() const;

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tutti
