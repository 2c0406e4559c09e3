#pragma once

#include <cstdint>

#include "actors/context.hpp"

namespace tutti {

/// What contexts of recordings and replays are, beside contexts.
class ObservingContext {
 public:
  ObservingContext() = default;
  ObservingContext(const ObservingContext&) = delete;
  ObservingContext& operator=(const ObservingContext&) = delete;
  virtual ~ObservingContext() = default;
  virtual std::uint64_t observe(std::uint64_t value) = 0;
};

/// For the few numbers on which an actor decides and which its context does not give, such as what a PayloadGauge says: a
/// recording writes them down, a replay says again what they were.
inline std::uint64_t observed(Context& context, std::uint64_t value) {
  auto* observing = dynamic_cast<ObservingContext*>(&context);
  return observing == nullptr ? value : observing->observe(value);
}

}  // namespace tutti
