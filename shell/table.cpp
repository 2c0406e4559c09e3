#include "shell/table.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "shell/printable.hpp"

namespace tutti {

void Table::add(std::vector<std::string> cells) {
  ENSURE(cells.size() == headers_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::aligned(bool with_headers) const {
  std::vector<const std::vector<std::string>*> lines;
  if (with_headers) lines.push_back(&headers_);
  for (const auto& row : rows_) lines.push_back(&row);
  std::vector<std::size_t> widths(headers_.size());
  for (const auto* cells : lines)
    for (std::size_t i = 0; i < cells->size(); ++i)
      widths[i] = std::max(widths[i], display_width((*cells)[i]));

  std::string text;
  for (const auto* cells : lines) {
    std::string line;
    for (std::size_t i = 0; i < cells->size(); ++i) {
      line += (*cells)[i];
      if (widths[i] > 0) line.append(widths[i] - display_width((*cells)[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string Table::first_column() const {
  std::string text;
  for (const auto& row : rows_) text += row.front() + '\n';
  return text;
}

std::string Table::separated() const {
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (const std::string& cell : row)
      if (!cell.empty()) line += (line.empty() ? "" : " ") + cell;
    text += line + '\n';
  }
  return text;
}

}  // namespace tutti
