#include <fmt/format.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "peer/orchestra/conductor_table.hpp"
#include "peer/orchestra/conductor_words.hpp"

using namespace tutti;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(conductor_decisions)

namespace {

std::string text_of(const std::vector<Payload>& payloads) {
  std::string text;
  for (const Payload& payload : payloads) text.append(payload.view().begin(), payload.view().end());
  return text;
}

Instant at(Duration since) { return Instant{} + since; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_newcomer_is_named_from_its_second_question_on_and_in_order) {
  ConductorTable table(60s);
  BOOST_TEST(text_of(table.asked("f", "s", "1.1.1.1:1", at(0s)).text) == "NONE\r\nf\r\ns\r\n");
  const auto second = table.asked("f", "s", "0.0.0.1:2", at(1s));
  BOOST_TEST(second.is_new);
  BOOST_TEST(text_of(second.text) == "SEND\r\nf\r\ns\r\n1\r\n1.1.1.1:1\r\n");
  const auto again = table.asked("f", "s", "1.1.1.1:1", at(2s));
  BOOST_TEST(!again.is_new);
  BOOST_TEST(text_of(again.text) == "SEND\r\nf\r\ns\r\n2\r\n1.1.1.1:1\r\n0.0.0.1:2\r\n");
  // Another SHA-1 is another file.
  BOOST_TEST(text_of(table.asked("f", "t", "1.1.1.1:1", at(2s)).text).starts_with("NONE"));
  BOOST_TEST(table.rows().size() == 2U);
  table.check_invariants();
}

BOOST_AUTO_TEST_CASE(who_asks_no_more_is_forgotten_and_who_asks_on_is_not) {
  ConductorTable table(60s);
  table.asked("f", "s", "a:1", at(0s));
  table.asked("f", "s", "b:1", at(10s));
  BOOST_TEST((table.forget_at() == at(60s)));
  table.asked("f", "s", "a:1", at(50s));
  BOOST_TEST(table.forget(at(69s)).empty());
  const auto gone = table.forget(at(70s));
  BOOST_REQUIRE(gone.size() == 1U);
  BOOST_TEST(gone[0].member == "b:1");
  BOOST_TEST(table.forget(at(200s)).size() == 1U);
  BOOST_TEST(!table.forget_at());
  BOOST_TEST(text_of(table.asked("f", "s", "a:1", at(201s)).text).starts_with("NONE"));
  table.check_invariants();
}

BOOST_AUTO_TEST_CASE(answers_of_many_share_their_text) {
  ConductorTable table(60s);
  constexpr int count = 5000;
  for (int i = 1; i <= count; ++i)
    table.asked("f", "s", "10.0.0.1:" + std::to_string(i), at(std::chrono::seconds(i / 1000)));
  const auto one = table.asked("f", "s", "10.0.0.1:1", at(5s)).text;
  const auto other = table.asked("f", "s", "10.0.0.2:1", at(5s)).text;
  BOOST_REQUIRE(one.size() > 3U);
  BOOST_TEST(one[1].view().data() == other[1].view().data());
  BOOST_TEST(text_of(one) == text_of(other));
  BOOST_TEST(text_of(one).ends_with("10.0.0.1:4999\r\n10.0.0.1:5000\r\n"));
  // Those of the first second are gone, but for the one that asked again.
  table.forget(at(60s));
  const std::string less = text_of(table.asked("f", "s", "10.0.0.2:1", at(60s)).text);
  BOOST_TEST(less.starts_with("SEND\r\nf\r\ns\r\n4003\r\n10.0.0.1:1\r\n10.0.0.1:1000\r\n"));
  BOOST_TEST(less.ends_with("10.0.0.1:5000\r\n10.0.0.2:1\r\n"));
  table.check_invariants();
}

BOOST_AUTO_TEST_CASE(a_full_table_makes_little_of_an_answer_anew_for_each_newcomer) {
  ConductorTable table(60s);
  std::size_t hosts = 0;
  const auto newcomer = [&] {
    const std::size_t host = hosts++;
    return fmt::format("10.{}.{}.{}:1", host >> 16U, (host >> 8U) & 255U, host & 255U);
  };
  while (table.size() < ConductorTable::members_max) table.asked("f", "s", newcomer(), at(1s));
  auto before = table.asked("f", "s", newcomer(), at(2s)).text;
  for (int i = 0; i < 100; ++i) {
    const auto answer = table.asked("f", "s", newcomer(), at(2s)).text;
    std::size_t anew = 0;
    for (const Payload& run : answer)
      anew += std::none_of(before.begin(), before.end(),
                           [&](const Payload& each) { return each.view().data() == run.view().data(); })
                  ? run.size()
                  : 0U;
    BOOST_TEST(anew < 64U << 10U);
    before = answer;
  }
  BOOST_TEST(table.size() == ConductorTable::members_max);
  const std::string whole = text_of(before);
  BOOST_TEST(whole.starts_with("SEND\r\nf\r\ns\r\n100000\r\n10.0.0.100:1\r\n"));
  BOOST_TEST(std::count(whole.begin(), whole.end(), '\n') == 100'004);
  table.check_invariants();
}

BOOST_AUTO_TEST_CASE(those_who_stay_long_share_their_text_with_each_other) {
  ConductorTable table(60s);
  // Of ten thousand every hundredth asks on.
  const auto member = [](int i) { return fmt::format("10.0.{}.{}:1", i / 256, i % 256); };
  for (int i = 0; i < 10'000; ++i) table.asked("f", "s", member(i), at(0s));
  for (int i = 0; i < 10'000; i += 100) table.asked("f", "s", member(i), at(50s));
  table.forget(at(60s));
  BOOST_TEST(table.size() == 100U);
  const auto answer = table.asked("f", "s", member(0), at(60s)).text;
  BOOST_TEST(answer.size() <= 3U);
  BOOST_TEST(text_of(answer).ends_with(member(9800) + "\r\n" + member(9900) + "\r\n"));
  table.check_invariants();
}

BOOST_AUTO_TEST_CASE(one_address_cannot_fill_the_table) {
  ConductorTable table(60s);
  table.asked("f", "s", "10.0.0.1:1", at(0s));
  for (std::size_t i = 0; i < ConductorTable::members_of_host_max + 10; ++i)
    table.asked("f" + std::to_string(i), "s", "10.0.0.2:" + std::to_string(1 + i % 60'000), at(1s));
  BOOST_TEST(table.size() == ConductorTable::members_of_host_max + 1);
  // Its own oldest ones went.
  BOOST_TEST(text_of(table.asked("f", "s", "10.0.0.1:1", at(2s)).text).ends_with("10.0.0.1:1\r\n"));
  BOOST_TEST(text_of(table.asked("f9", "s", "10.0.0.3:1", at(2s)).text).starts_with("NONE"));
  BOOST_TEST(text_of(table.asked("f10", "s", "10.0.0.3:1", at(2s)).text).starts_with("SEND"));
  table.check_invariants();
}

BOOST_AUTO_TEST_CASE(questions_are_read_however_they_are_cut) {
  const std::string text = conductor_question("f", "s", 10001);
  BOOST_TEST(text == "DOWN\r\nf\r\ns\r\n10001\r\n");
  QuestionReader reader;
  std::optional<ConductorQuestion> question;
  for (const char& byte : text) question = reader.take(view_of(std::string_view(&byte, 1)));
  BOOST_REQUIRE(question);
  BOOST_TEST(question->port == "10001");
  QuestionReader endless;
  BOOST_TEST(!endless.take(view_of(std::string(5000, 'x'))));
  BOOST_TEST(endless.failed());
}

BOOST_AUTO_TEST_CASE(answers_are_read_and_those_that_are_none_refused) {
  const auto read = [](std::string_view text) {
    AnswerReader reader("f", "s");
    auto members = reader.take(view_of(text));
    return members ? std::to_string(members->size()) : reader.fault().empty() ? "more" : "fault";
  };
  BOOST_TEST(read("NONE\r\nf\r\ns\r\n") == "0");
  BOOST_TEST(read("SEND\r\nf\r\ns\r\n0\r\n") == "0");
  BOOST_TEST(read("SEND\r\nf\r\ns\r\n2\r\na:1\r\nb:2\r\n") == "2");
  BOOST_TEST(read("SEND\r\nf\r\ns\r\n2\r\na:1\r\n") == "more");
  BOOST_TEST(read("SEND\r\ng\r\n") == "fault");
  BOOST_TEST(read("SEND\r\nf\r\nt\r\n") == "fault");
  BOOST_TEST(read("SEND\r\nf\r\ns\r\n-1\r\n") == "fault");
  BOOST_TEST(read("SEND\r\nf\r\ns\r\n1000001\r\n") == "fault");
  BOOST_TEST(read("HTTP/1.1\r\n") == "fault");
  BOOST_TEST(read("SEND\r\nf\r\ns\r\n1\r\n" + std::string(300, '1') + ":1\r\n") == "fault");
  // Of very many some are kept, from the whole of the list.
  std::string many = "SEND\r\nf\r\ns\r\n100000\r\n";
  for (int i = 0; i < 100'000; ++i) many += "10.0.0.1:" + std::to_string(1 + i % 60'000) + "\r\n";
  BOOST_TEST(read(many) == "1000");
}

BOOST_AUTO_TEST_CASE(addresses_of_members_are_looked_at) {
  for (const std::string_view good : {"127.0.0.1:10001", "host.example:1"})
    BOOST_TEST(member_address_fault(good).empty(), good);
  for (const std::string_view bad : {"", "127.0.0.1", "a:0", "a:65536", "::1", "a b:1", "-x:1", "a:port"})
    BOOST_TEST(!member_address_fault(bad).empty(), bad);
}

BOOST_AUTO_TEST_CASE(long_names_cost_their_owners_places_and_no_more_memory_than_there_is) {
  ConductorTable table(60s);
  const auto name = [](int number) { return std::to_string(number) + std::string(1000, 'n'); };
  const std::string sha1(1000, 's');
  table.asked("f", "s", "10.0.0.1:1", at(0s));
  for (int i = 0; i < 4000; ++i) table.asked(name(i), sha1, "10.0.0.2:1", at(1s));
  table.check_invariants();
  BOOST_TEST(table.size() < 4000U);
  BOOST_TEST(table.text_bytes() <= ConductorTable::text_of_host_max + 1000);
  // It is its own members that had to go, the oldest first.
  BOOST_TEST(text_of(table.asked("f", "s", "10.0.0.3:1", at(2s)).text).starts_with("SEND"));
  BOOST_TEST(text_of(table.asked(name(3999), sha1, "10.0.0.2:1", at(2s)).text).starts_with("SEND"));
  BOOST_TEST(text_of(table.asked(name(0), sha1, "10.0.0.2:1", at(2s)).text).starts_with("NONE"));
  // Many of them together have no more than all may have.
  for (int host = 0; host < 12; ++host)
    for (int i = 0; i < 1900; ++i) table.asked(name(i), sha1, fmt::format("10.0.1.{}:1", host), at(3s));
  table.check_invariants();
  BOOST_TEST(table.text_bytes() <= ConductorTable::text_max);
  BOOST_TEST(text_of(table.asked("f", "s", "10.0.0.4:1", at(4s)).text).starts_with("NONE"));
}

BOOST_AUTO_TEST_SUITE_END()
