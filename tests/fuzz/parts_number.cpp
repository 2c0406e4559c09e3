// Which parts a member has: a decimal number of any length. It is said as the number that was read.

#include "peer/orchestra/parts_number.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(parts_number) {
  fuzz::Choices choices(input);
  const auto parts = static_cast<std::uint32_t>(1 + choices.below(3000));
  const std::string_view digits = fuzz::text_of(input);
  const std::optional<Bitfield> pieces = from_parts_number(digits, parts);
  if (!pieces) return;
  ENSURE(digits.size() <= parts_digits_max(parts));
  PartsNumber number(parts);
  ENSURE(from_parts_number(number.text(*pieces), parts) == pieces);
}
