#include "peer/orchestra/orch_offer.hpp"

#include <chrono>
#include <utility>

#include "peer/orchestra/orch_words.hpp"

namespace tutti {

namespace {

/// About ten times what it costs to make a list.
constexpr Duration list_keeps_a_part = std::chrono::microseconds(2);
/// Of so few parts a list costs nothing.
constexpr std::uint32_t few_parts = 4096;

}  // namespace

OrchOffer::OrchOffer(std::shared_ptr<const OrchShare> share)
    : share_(std::move(share)),
      pieces_(share_->layout.piece_count()),
      number_(share_->layout.piece_count()) {}

void OrchOffer::serve(Served served, const Bitfield& pieces) {
  served_ = std::move(served);
  pieces_ = pieces;
  list_changed_ = true;
}

void OrchOffer::add(PieceIndex part) {
  pieces_.set(part);
  list_changed_ = true;
}

void OrchOffer::serve_nothing() {
  served_.reset();
  pieces_ = Bitfield(pieces_.size());
  list_changed_ = true;
}

Payload OrchOffer::list(Instant now) {
  const Duration keeps = pieces_.size() <= few_parts ? Duration{} : pieces_.size() * list_keeps_a_part;
  if (list_changed_ && (list_.empty() || now - list_made_ >= keeps)) {
    list_ = orch_payload(number_.text(pieces_));
    list_changed_ = false;
    list_made_ = now;
  }
  return list_;
}

}  // namespace tutti
