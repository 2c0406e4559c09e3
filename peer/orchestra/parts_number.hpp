#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "peer/bitfield.hpp"

namespace tutti {

// Which parts there are, as Orchestra writes it: the decimal number 2^N + the sum of 2^(k-1) over the parts k (from 1), for
// a file of N parts. A million parts make 300,000 digits, which digit by digit would take seconds: so numbers are halved,
// and the halves converted.

/// Writes such numbers of one file. Keeps the reciprocals of the powers of ten that it divides by, which are most of the
/// work: 65,536 parts take 9 ms the first time and 1 ms from then on, a million 1 s and 0.14 s.
class PartsNumber {
 public:
  explicit PartsNumber(std::uint32_t parts);
  ~PartsNumber();
  PartsNumber(const PartsNumber&) = delete;
  PartsNumber& operator=(const PartsNumber&) = delete;

  std::string text(const Bitfield& pieces);

 private:
  class ToDecimal;
  std::unique_ptr<ToDecimal> to_decimal_;
};

/// Digits that such a number of a file of `parts` parts has at the most.
std::size_t parts_digits_max(std::uint32_t parts);
/// Nothing if this is no such number of a file of `parts` parts. A million take 0.1 s.
std::optional<Bitfield> from_parts_number(std::string_view digits, std::uint32_t parts);

}  // namespace tutti
