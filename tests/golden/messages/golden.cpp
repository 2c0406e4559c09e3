// The bytes of every message that crosses a network or stays in a file, as they were when it was released. A released message is never
// edited: a change is a new message with a new number, and the old one joins the retired ones in
// messages/catalogue.cpp.
//
//   TUTTI_GOLDEN_ADD=1 build/dev/tests/tests_golden_messages
//
// adds the messages that have no line yet. It never changes a line that is there; a message that was never released and
// still changes has its lines deleted first.

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "messages/catalogue.hpp"

using namespace tutti;

namespace {

constexpr std::string_view protocols[] = {"client_tracker", "peer_peer", "tracker_tracker", "trace"};
/// How many different values of each message are kept.
constexpr std::uint64_t values = 3;

struct Golden {
  std::string text;
  std::string hex;
};

std::string path_of(std::string_view protocol) {
  return std::string(TUTTI_TESTS_DIR) + "/golden/" + std::string(protocol) + ".txt";
}

std::vector<Golden> read_golden(std::string_view protocol) {
  std::ifstream file(path_of(protocol));
  std::vector<Golden> lines;
  std::string text;
  std::string hex;
  while (std::getline(file, text)) {
    if (text.empty() || text.front() == '#') continue;
    BOOST_REQUIRE_MESSAGE(std::getline(file, hex), "no bytes under " << text);
    lines.push_back({text, hex});
  }
  return lines;
}

std::string name_in(const std::string& text) { return text.substr(0, text.find('{')); }

/// The messages of a protocol; Done and Refused stand in codes.hpp and cross the wire with client_tracker.
std::vector<const MessageEntry*> messages_of(std::string_view protocol) {
  std::vector<const MessageEntry*> list;
  for (const MessageEntry& entry : catalogue()) {
    const bool code = entry.protocol == "codes" && protocol == "client_tracker";
    if (entry.protocol == protocol || code) list.push_back(&entry);
  }
  return list;
}

void add_missing(std::string_view protocol) {
  std::set<std::string> known;
  for (const Golden& golden : read_golden(protocol)) known.insert(name_in(golden.text));
  std::ofstream file(path_of(protocol), std::ios::app);
  if (known.empty())
    file << "# Released messages of " << protocol << ": text, then bytes. Lines are added, never changed;\n"
         << "# see tests/golden/messages/golden.cpp.\n";
  for (const MessageEntry* entry : messages_of(protocol)) {
    if (known.contains(std::string(entry->name))) continue;
    std::set<std::string> written;
    for (std::uint64_t seed = 1; seed <= values; ++seed) {
      const Bytes bytes = entry->sample(seed);
      const Decoded<std::string> text = entry->print(bytes, SIZE_MAX);
      if (written.insert(*text).second) file << *text << '\n' << to_hex(bytes) << '\n';
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE(released_messages_keep_their_bytes) {
  for (const std::string_view protocol : protocols) {
    if (std::getenv("TUTTI_GOLDEN_ADD") != nullptr) add_missing(protocol);
    for (const Golden& golden : read_golden(protocol)) {
      BOOST_TEST_CONTEXT(golden.text) {
        const Bytes released = from_hex(golden.hex).value();
        const MessageEntry* entry = find_message(peek_message_id(released));
        if (entry == nullptr) {
          const auto retired = retired_messages();
          BOOST_CHECK_MESSAGE(
              std::find(retired.begin(), retired.end(), peek_message_id(released)) != retired.end(),
              "a message has gone and is not listed as retired");
          continue;
        }
        const Decoded<Bytes> packed = entry->parse(golden.text);
        BOOST_REQUIRE_MESSAGE(packed, packed.fault);
        BOOST_TEST(to_hex(*packed) == golden.hex);
        const Decoded<std::string> printed = entry->print(released, SIZE_MAX);
        BOOST_REQUIRE_MESSAGE(printed, printed.fault);
        BOOST_TEST(*printed == golden.text);
        BOOST_TEST(entry->fault(released, {}) == "");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_message_of_a_network_has_golden_bytes) {
  for (const std::string_view protocol : protocols) {
    std::set<std::string> known;
    for (const Golden& golden : read_golden(protocol)) known.insert(name_in(golden.text));
    for (const MessageEntry* entry : messages_of(protocol))
      BOOST_TEST(known.contains(std::string(entry->name)),
                 entry->name << " has no golden bytes: run with TUTTI_GOLDEN_ADD=1 once it is final");
  }
}

BOOST_AUTO_TEST_SUITE_END()
