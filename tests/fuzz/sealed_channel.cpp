// The first words on a sealed link, and frames that come changed, twice, too early or not at all. What is not as it was sealed, in
// its place, does not open, and nothing after it.

#include "actors/sealed_channel.hpp"

#include <algorithm>

#include "tests/fuzz/target.hpp"

using namespace tutti;

namespace {

constexpr std::size_t frames_max = 8;

SealedPass pass() {
  SealedPass pass;
  pass.id.bytes.fill(1);
  pass.secret.bytes.fill(2);
  return pass;
}

template <class Word>
void says_itself_again(ByteView input) {
  const std::optional<Word> word = Word::parse(input);
  if (!word) return;
  const Bytes said = word->bytes();
  ENSURE(std::equal(said.begin(), said.end(), input.begin(), input.end()));
}

SealedChannel channel() {
  return SealedChannel(pass(), SealedRandom{}, SealedRandom{}, SealedChannel::Direction::to_door);
}

}  // namespace

FUZZ_TARGET(sealed_channel) {
  says_itself_again<SealedHello>(input);
  says_itself_again<SealedWelcome>(input);
  if (const auto hello = SealedHello::parse(input); hello && is_proven(*hello, pass()))
    ENSURE(make_hello(pass(), hello->random).bytes() == hello->bytes());

  fuzz::Choices choices(input);
  const std::size_t spoilt = choices.below(frames_max + 1);
  const std::size_t how = choices.below(5);
  const std::size_t where = choices.below(1U << 16U);
  SealedChannel seals = channel();
  SealedChannel opens = channel();
  bool intact = true;
  std::size_t number = 0;
  fuzz::in_runs(input, choices, [&](ByteView plain) {
    if (number >= frames_max) return;
    const auto kind = static_cast<SealedFrame>(1 + number % 3);
    Bytes frame(plain.size() + SealedChannel::tag_bytes);
    seals.seal(kind, plain, frame.data());
    if (number++ == spoilt) {
      intact = false;
      if (how == 0) return;  // lost
      if (how == 1) frame[where % frame.size()] ^= 1;
      if (how == 2) frame.resize(where % frame.size());
      if (how == 3) {  // twice
        Bytes again = frame;
        ENSURE(opens.open(kind, again));
      }
      if (how == 4) {
        ENSURE(!opens.open(static_cast<SealedFrame>(1 + number % 3), frame));
        return;
      }
    }
    ENSURE(opens.open(kind, frame) == intact);
    if (intact) ENSURE(std::equal(plain.begin(), plain.end(), frame.begin()));
  });
}
