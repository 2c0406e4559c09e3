// What a member hears of another one, in runs of any length. However it is cut it means the same; no data outside of a part.

#include <string>
#include <utility>

#include "peer/orchestra/orch_words.hpp"
#include "peer/orchestra/parts_number.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

namespace {

/// Everything that was understood, data joined, as text.
class Heard {
 public:
  explicit Heard(const PieceLayout& layout) : layout_(layout), parser_(layout) {}

  void take(ByteView bytes) {
    parser_.feed(bytes);
    while (parser_.fault().empty()) {
      auto next = parser_.next();
      if (const auto* message = std::get_if<OrchMessage>(&next)) {
        text_ += '\n' + message->name + ' ' + message->sha1 + ' ' + message->number + ' ' +
                 std::to_string(message->part);
        static_cast<void>(from_parts_number(message->number, layout_.piece_count()));
      } else if (const auto* data = std::get_if<OrchData>(&next)) {
        ENSURE(data->piece.value < layout_.piece_count());
        ENSURE((data->offset + ByteCount{data->bytes.size()}) <= layout_.piece_size(data->piece));
        text_ += fuzz::text_of(data->bytes);
      } else {
        break;
      }
    }
  }
  std::string end() const { return text_ + parser_.fault(); }

 private:
  PieceLayout layout_;
  OrchParser parser_;
  std::string text_;
};

}  // namespace

FUZZ_TARGET(orch_stream) {
  fuzz::Choices choices(input);
  const PieceLayout layout({1 + choices.below(2000)}, {1 + choices.below(64)});
  Heard whole(layout);
  whole.take(input);
  Heard in_runs(layout);
  fuzz::in_runs(input, choices, [&](ByteView run) { in_runs.take(run); });
  ENSURE(whole.end() == in_runs.end());
}
