#include "messages/known_trackers.hpp"

#include <boost/test/unit_test.hpp>

#include "messages/key_datagram.hpp"

using namespace tutti;

namespace {

LinkKey key_of(std::uint8_t byte) { return LinkKey::from(Bytes(LinkKey::size, byte)); }

/// Trackers 1 to 3; the first has a key in the file, on line 2.
std::vector<TrackerEntry> file() {
  return parse_tracker_info("\n10.0.0.1:5000 " + to_z85(key_of(1).view()) + "\n10.0.0.2:5000\n[::1]:5000\n")
      .trackers;
}

bool names(const std::string& sentence, std::initializer_list<std::string> words) {
  for (const std::string& word : words)
    if (sentence.find(word) == std::string::npos) return false;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(known_trackers)

BOOST_AUTO_TEST_CASE(a_file_of_known_trackers_is_read_and_written) {
  const std::string text = "# met\n\n" + known_tracker_line("10.0.0.2:5000", key_of(2)) + "\r\n  " +
                           known_tracker_line("[::1]:5000", key_of(3)) + "  # mine";
  const KnownTrackersRead read = parse_known_trackers(text);
  BOOST_TEST(read.fault == "");
  BOOST_TEST_REQUIRE(read.trackers.size() == 2u);
  BOOST_TEST(read.trackers[0].endpoint == "10.0.0.2:5000");
  BOOST_TEST((read.trackers[0].key == key_of(2)));
  BOOST_TEST(read.trackers[0].line == 3u);
  BOOST_TEST(read.trackers[1].line == 4u);
  BOOST_TEST(parse_known_trackers("").trackers.empty());
}

BOOST_AUTO_TEST_CASE(a_line_that_is_not_understood_is_a_fault_and_no_reason_to_trust_anew) {
  const std::string good = known_tracker_line("h:1", key_of(2));
  for (const std::string& bad :
       {std::string("h:1"), std::string("h:1 abc"), good + " more", good.substr(0, 30)}) {
    const KnownTrackersRead read = parse_known_trackers(good + "\n" + bad + "\n");
    BOOST_TEST(read.fault_line == 2u);
    BOOST_TEST(!read.fault.empty());
    BOOST_TEST(read.trackers.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_first_key_that_is_proven_is_taken_and_no_other_one) {
  TrackerTrust trust(file(), "info", "known", {});
  BOOST_TEST(!trust.key_of(2));
  // Whoever answers first may say anything.
  BOOST_TEST((trust.judge(2, key_of(6)) == TrackerTrust::Verdict::claimed));
  BOOST_TEST((trust.key_of(2) == key_of(6)));
  BOOST_TEST((trust.judge(2, key_of(6)) == TrackerTrust::Verdict::expected));
  BOOST_TEST((trust.judge(2, key_of(7)) == TrackerTrust::Verdict::claimed));
  BOOST_TEST((trust.key_of(2) == key_of(7)));
  BOOST_TEST(!trust.met(2, key_of(6)));
  BOOST_TEST(trust.met(2, key_of(7)));
  BOOST_TEST(!trust.met(2, key_of(7)));
  BOOST_TEST(names(trust.met_sentence(2), {"tracker 2", "10.0.0.2:5000", "first time", "known"}));
  BOOST_TEST((trust.judge(2, key_of(7)) == TrackerTrust::Verdict::expected));
  BOOST_TEST((trust.judge(2, key_of(8)) == TrackerTrust::Verdict::changed));
  BOOST_TEST((trust.key_of(2) == key_of(7)));
  BOOST_TEST(names(trust.changed_sentence(2, key_of(8)),
                   {to_z85(key_of(7).view()), to_z85(key_of(8).view()), "remove its line", "known"}));
}

BOOST_AUTO_TEST_CASE(what_was_remembered_counts_unless_the_file_says_otherwise) {
  TrackerTrust trust(
      file(), "info", "known",
      {{"10.0.0.1:5000", key_of(9), 1}, {"10.0.0.3:5000", key_of(9), 2}, {"[::1]:5000", key_of(3), 3}});
  BOOST_TEST((trust.key_of(1) == key_of(1)));
  BOOST_TEST(!trust.key_of(2));
  BOOST_TEST((trust.key_of(3) == key_of(3)));
  BOOST_TEST((trust.keys_but(1) == std::vector{key_of(3)}));
  BOOST_TEST((trust.keys_but(3) == std::vector{key_of(1)}));
  BOOST_TEST((trust.judge(1, key_of(9)) == TrackerTrust::Verdict::changed));
  BOOST_TEST(names(trust.changed_sentence(1, key_of(9)), {"line 2 of info"}));
  BOOST_TEST(names(trust.changed_sentence(3, key_of(9)), {"remove line 3", "[::1]:5000", "known"}));
}

BOOST_AUTO_TEST_CASE(z85_is_that_of_its_specification) {
  const Bytes hello{0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b};
  BOOST_TEST(to_z85(hello) == "HelloWorld");
  BOOST_TEST((from_z85("HelloWorld") == hello));
  for (const char* bad : {"Hello", "####", "Hell\"", "Hello ", "#####"}) {
    const auto bytes = from_z85(bad);
    BOOST_TEST((!bytes || to_z85(*bytes) == bad), bad);
  }
  BOOST_TEST(!from_z85("####"));
  BOOST_TEST(!from_z85("#####"));
}

BOOST_AUTO_TEST_CASE(a_key_is_asked_for_and_told_in_datagrams_of_one_size) {
  KeyNonce nonce{};
  nonce.fill(5);
  const Bytes question = key_question(nonce);
  const Bytes answer = key_answer(nonce, key_of(4));
  BOOST_TEST(question.size() == answer.size());
  BOOST_TEST((parse_key_question(question) == nonce));
  BOOST_TEST((parse_key_answer(answer, nonce) == key_of(4)));
  BOOST_TEST(!parse_key_question(answer));
  BOOST_TEST(!parse_key_answer(question, nonce));
  KeyNonce other = nonce;
  other.back() = 6;
  BOOST_TEST(!parse_key_answer(answer, other));
  BOOST_TEST(!parse_key_answer(key_answer(nonce, {}), nonce));
  for (std::size_t i = 0; i < 16; ++i) {
    Bytes damaged = question;
    damaged[i] ^= 1U;
    BOOST_TEST(!parse_key_question(damaged));
  }
  for (const Bytes& other_size : {Bytes{}, Bytes(question.begin(), question.end() - 1), Bytes(1000)}) {
    BOOST_TEST(!parse_key_question(other_size));
    BOOST_TEST(!parse_key_answer(other_size, nonce));
  }
}

BOOST_AUTO_TEST_SUITE_END()
