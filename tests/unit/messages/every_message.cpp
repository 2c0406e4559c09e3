// What holds for every message of every protocol, whoever adds the next one.

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <msgpack.hpp>
#include <regex>
#include <set>

#include "messages/catalogue.hpp"

using namespace tutti;

namespace {

constexpr std::uint64_t samples = 20;

/// Calls `check(entry, bytes)` with samples of every message.
template <class Check>
void with_samples(std::uint64_t count, Check check) {
  for (const MessageEntry& entry : catalogue())
    for (std::uint64_t seed = 0; seed < count; ++seed) {
      BOOST_TEST_CONTEXT(entry.name << ", seed " << seed) { check(entry, entry.sample(seed)); }
    }
}

bool is_refused(const MessageEntry& entry, ByteView bytes) { return !entry.fault(bytes, {}).empty(); }

/// Nothing may be lost or made up: what is accepted is written again as it was.
bool is_refused_or_kept(const MessageEntry& entry, const Bytes& bytes) {
  const Decoded<std::string> text = entry.print(bytes, SIZE_MAX);
  if (!text) return true;
  const Decoded<Bytes> again = entry.parse(*text);
  return again && *again == bytes;
}

/// A parsed message whose parts can be exchanged.
class Tree {
 public:
  explicit Tree(const Bytes& bytes)
      : handle_(msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size())),
        root_(handle_.get()) {
    collect(root_);
  }
  const std::vector<msgpack::object*>& nodes() const { return nodes_; }
  Bytes pack() const {
    msgpack::sbuffer buffer;
    msgpack::pack(buffer, root_);
    const auto* begin = reinterpret_cast<const std::uint8_t*>(buffer.data());
    return {begin, begin + buffer.size()};
  }

 private:
  void collect(msgpack::object& node) {
    nodes_.push_back(&node);
    if (node.type != msgpack::type::ARRAY) return;
    for (std::uint32_t i = 0; i < node.via.array.size; ++i) collect(node.via.array.ptr[i]);
  }

  msgpack::object_handle handle_;
  msgpack::object root_;
  std::vector<msgpack::object*> nodes_;
};

/// One value of each type of msgpack that a message knows, and of those that none uses.
std::vector<msgpack::object> strangers(msgpack::zone& zone) {
  std::vector<msgpack::object> all{msgpack::object(1.5),
                                   msgpack::object(true),
                                   msgpack::object(-7),
                                   msgpack::object(7),
                                   msgpack::object("x", zone),
                                   msgpack::object(msgpack::type::nil_t{}),
                                   msgpack::object(std::map<int, int>{{1, 2}}, zone),
                                   msgpack::object(std::vector<int>{1}, zone)};
  all.push_back(msgpack::object(std::vector<char>{'x'}, zone));
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(every_message)

BOOST_AUTO_TEST_CASE(has_a_number_and_a_name_of_its_own) {
  std::set<std::uint16_t> numbers;
  std::set<std::string_view> names;
  for (const MessageEntry& entry : catalogue()) {
    BOOST_TEST(numbers.insert(entry.id.value).second, entry.name);
    BOOST_TEST(names.insert(entry.name).second, entry.name);
    BOOST_TEST(find_message(entry.id) == &entry);
    BOOST_TEST(find_message(entry.name) == &entry);
  }
  for (const MessageId retired : retired_messages()) BOOST_TEST(find_message(retired) == nullptr);
}

BOOST_AUTO_TEST_CASE(is_valid_when_sampled) {
  with_samples(samples, [](const MessageEntry& entry, const Bytes& bytes) {
    BOOST_TEST(entry.fault(bytes, {}) == "");
    BOOST_CHECK(peek_message_id(bytes) == entry.id);
  });
}

BOOST_AUTO_TEST_CASE(is_the_same_after_a_trip_through_text) {
  with_samples(samples, [](const MessageEntry& entry, const Bytes& bytes) {
    const Decoded<std::string> text = entry.print(bytes, SIZE_MAX);
    BOOST_REQUIRE_MESSAGE(text, text.fault);
    BOOST_TEST(text->find('\n') == std::string::npos);
    const Decoded<Bytes> again = parse_message(*text);
    BOOST_REQUIRE_MESSAGE(again, *text << ": " << again.fault);
    BOOST_TEST(to_hex(*again) == to_hex(bytes));
  });
}

BOOST_AUTO_TEST_CASE(names_its_fields_in_its_text) {
  with_samples(1, [](const MessageEntry& entry, const Bytes& bytes) {
    const std::string text = describe(bytes);
    BOOST_TEST(text.starts_with(std::string(entry.name) + "{"));
    for (const std::string_view field : std::span(entry.fields).first(entry.released_fields))
      BOOST_TEST(text.find(std::string(field) + ": ") != std::string::npos, field);
  });
}

BOOST_AUTO_TEST_CASE(is_refused_when_cut_short_anywhere) {
  with_samples(3, [](const MessageEntry& entry, const Bytes& bytes) {
    for (std::size_t length = 0; length < bytes.size(); ++length)
      BOOST_TEST(is_refused(entry, ByteView(bytes).first(length)), "accepted at length " << length);
  });
}

BOOST_AUTO_TEST_CASE(is_refused_with_bytes_left_over) {
  with_samples(3, [](const MessageEntry& entry, Bytes bytes) {
    bytes.push_back(0xc0);
    BOOST_TEST(is_refused(entry, bytes));
    bytes.back() = bytes.front();
    BOOST_TEST(is_refused(entry, bytes));
  });
}

BOOST_AUTO_TEST_CASE(is_refused_with_a_field_too_few_or_too_many) {
  with_samples(3, [](const MessageEntry& entry, const Bytes& bytes) {
    Tree tree(bytes);
    msgpack::object& root = *tree.nodes().front();
    --root.via.array.size;
    BOOST_TEST(is_refused(entry, tree.pack()));
    std::vector<msgpack::object> longer(root.via.array.ptr, root.via.array.ptr + root.via.array.size + 1);
    while (longer.size() <= entry.fields.size() + 1) longer.emplace_back(1);
    root.via.array.ptr = longer.data();
    root.via.array.size = static_cast<std::uint32_t>(longer.size());
    BOOST_TEST(is_refused(entry, tree.pack()));
  });
}

BOOST_AUTO_TEST_CASE(keeps_or_refuses_every_inner_list_of_another_length) {
  with_samples(5, [](const MessageEntry& entry, const Bytes& bytes) {
    Tree tree(bytes);
    for (msgpack::object* node : tree.nodes()) {
      if (node->type != msgpack::type::ARRAY || node->via.array.size == 0) continue;
      const msgpack::object before = *node;
      --node->via.array.size;
      BOOST_TEST(is_refused_or_kept(entry, tree.pack()));
      std::vector<msgpack::object> longer(before.via.array.ptr, before.via.array.ptr + before.via.array.size);
      longer.push_back(longer.back());
      node->via.array.ptr = longer.data();
      node->via.array.size = static_cast<std::uint32_t>(longer.size());
      BOOST_TEST(is_refused_or_kept(entry, tree.pack()));
      *node = before;
    }
  });
}

BOOST_AUTO_TEST_CASE(is_refused_with_another_type_in_any_field) {
  msgpack::zone zone;
  const std::vector<msgpack::object> others = strangers(zone);
  with_samples(5, [&](const MessageEntry& entry, const Bytes& bytes) {
    Tree tree(bytes);
    for (msgpack::object* node : tree.nodes()) {
      const msgpack::object before = *node;
      for (const msgpack::object& other : others) {
        *node = other;
        const Bytes changed = tree.pack();
        const bool never_used = other.type == msgpack::type::FLOAT64 || other.type == msgpack::type::MAP;
        const bool right = never_used ? is_refused(entry, changed) : is_refused_or_kept(entry, changed);
        BOOST_TEST(right, "accepted " << to_hex(changed));
      }
      *node = before;
    }
  });
}

BOOST_AUTO_TEST_CASE(survives_any_flipped_byte) {
  with_samples(3, [](const MessageEntry& entry, Bytes bytes) {
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ flip);
        (void)entry.fault(bytes, {});
        BOOST_TEST(!describe(bytes).empty());
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ flip);
      }
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(the_catalogue)

/// A message that somebody declares and forgets to list would be invisible in traces and untested.
BOOST_AUTO_TEST_CASE(has_every_message_that_a_header_declares) {
  static const std::regex declaration(R"(TUTTI_MESSAGE\((\w+), 0x([0-9a-f]+))");
  std::size_t declared = 0;
  for (const auto& file : std::filesystem::directory_iterator(TUTTI_TESTS_DIR "/../messages")) {
    if (file.path().extension() != ".hpp") continue;
    std::ifstream stream(file.path());
    const std::string source{std::istreambuf_iterator<char>(stream), {}};
    for (std::sregex_iterator at(source.begin(), source.end(), declaration), end; at != end;
         ++at, ++declared) {
      const MessageEntry* entry = find_message(std::string_view((*at)[1].str()));
      BOOST_REQUIRE_MESSAGE(entry != nullptr, file.path() << ": " << (*at)[1] << " is not in the catalogue");
      BOOST_TEST(entry->id.value == std::stoul((*at)[2], nullptr, 16), entry->name);
    }
  }
  BOOST_TEST(declared == catalogue().size());
}

BOOST_AUTO_TEST_CASE(describes_what_it_does_not_know) {
  BOOST_TEST(describe(*from_hex("91cdffff")) == "message 65535 (no message has this number) x'91cdffff'");
  BOOST_TEST(describe(*from_hex("91cd0205")) ==
             "message 517 (JoinGroup: a record has too few or too many fields) x'91cd0205'");
  BOOST_TEST(describe({}) == "message 0 (no message has this number) x''");
}

BOOST_AUTO_TEST_CASE(says_which_name_it_does_not_know) {
  BOOST_TEST(parse_message("Nonsense{}").fault == "no message is called 'Nonsense'");
  BOOST_TEST(parse_message("").fault == "no message is called ''");
  BOOST_CHECK(find_message(MessageId{0}) == nullptr);
}

BOOST_AUTO_TEST_CASE(samples_are_stable_and_various) {
  std::set<std::string> seen;
  const MessageEntry* entry = find_message("RequestBlock");
  BOOST_REQUIRE(entry != nullptr);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    BOOST_TEST(to_hex(entry->sample(seed)) == to_hex(entry->sample(seed)));
    seen.insert(to_hex(entry->sample(seed)));
  }
  BOOST_TEST(seen.size() == 50);
}

BOOST_AUTO_TEST_SUITE_END()
