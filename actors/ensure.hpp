#pragma once

namespace tutti {

/// Prints what did not hold and ends the process. A bug must not go on: it would end as a wrong byte or a lost fact.
[[noreturn]] void ensure_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace tutti

/// States what the code relies on; checked in every build. For bugs only: bad input from outside is refused, and an
/// expected refusal is a message.
#define ENSURE(condition)                              \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::tutti::ensure_failed(#condition, __FILE__, __LINE__))
