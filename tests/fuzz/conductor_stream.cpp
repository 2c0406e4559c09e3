// What a conductor is asked and answers, in runs of any length. One question a stream, a bounded number of members an answer.

#include "peer/orchestra/conductor_words.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(conductor_stream) {
  fuzz::Choices choices(input);
  const bool is_question = choices.below(2) == 0;
  if (is_question) {
    QuestionReader reader;
    std::size_t taken = 0;
    fuzz::in_runs(input, choices, [&](ByteView run) {
      if (taken == 0 && reader.take(run)) ++taken;
    });
    ENSURE(taken == 0 || !reader.failed());
  } else {
    AnswerReader reader("a", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    bool ended = false;
    fuzz::in_runs(input, choices, [&](ByteView run) {
      if (ended) return;
      const auto members = reader.take(run);
      ended = members || !reader.fault().empty();
      if (members) ENSURE(members->size() <= AnswerReader::members_max);
    });
  }
  static_cast<void>(member_address_fault(fuzz::text_of(input)));
}
