#include <boost/test/unit_test.hpp>
#include <string>

#include "peer/orchestra/orch_greeting.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/orch_words.hpp"

using namespace tutti;

BOOST_AUTO_TEST_SUITE(orch_export)

namespace {

Metainfo metainfo_of(const std::string& name, ByteCount size = 5_bytes, ByteCount piece_length = 4_bytes) {
  Metainfo metainfo;
  metainfo.name = FileName{name};
  metainfo.size = size;
  metainfo.piece_length = piece_length;
  metainfo.sha1.bytes.fill(9);
  for (std::uint8_t part = 0; part < orch_part_count(size, piece_length); ++part)
    metainfo.piece_sha1.push_back(Sha1{{part}});
  return metainfo;
}

}  // namespace

BOOST_AUTO_TEST_CASE(pieces_are_parts) {
  const Metainfo metainfo = metainfo_of("a b.bin");
  BOOST_TEST(!orch_export_fault(metainfo));
  const OrchFile file = orch_file_of(metainfo, "localhost:9999");
  BOOST_TEST(orch_text(file) == "localhost:9999\na b.bin\n" + metainfo.sha1.hex() + "\n5\n4\n2\n" +
                                    Sha1{{0}}.hex() + "\n" + Sha1{{1}}.hex() + "\n");
  const OrchParsed parsed = parse_orch(orch_text(file));
  BOOST_TEST(parsed.fault == "");
  BOOST_TEST((parsed.file == file));
  BOOST_TEST(!orch_share_fault(file.name, file.part_size, file.parts.size()));
  BOOST_TEST(orch_originals_fault(file.name, file.size, file.parts.size()) == "");
}

BOOST_AUTO_TEST_CASE(what_a_line_cannot_carry_is_refused) {
  BOOST_TEST((orch_export_fault(metainfo_of("blank "))->code == Code::invalid_name));
  Metainfo tree = metainfo_of("run7");
  tree.manifest_size = 5_bytes;
  BOOST_TEST((orch_export_fault(tree)->code == Code::other));
}

BOOST_AUTO_TEST_CASE(names_that_are_not_ascii_and_long_files_are_not_for_originals) {
  for (const Metainfo& metainfo : {metainfo_of("größe"), metainfo_of("long", 1024_MiB, 16_MiB)}) {
    const OrchFile file = orch_file_of(metainfo, "localhost:9999");
    BOOST_TEST(!orch_export_fault(metainfo));
    BOOST_TEST(orch_originals_fault(file.name, file.size, file.parts.size()) != "");
    BOOST_TEST((parse_orch(orch_text(file)).file == file));
  }
}

BOOST_AUTO_TEST_CASE(greetings_are_heard_however_they_are_cut_and_leave_what_stands_behind) {
  const std::string first = orch_down("one", "s1");
  const std::string text = first + orch_down("two", "s2") + "PART\r\n";
  OrchGreeting greeting;
  ByteView whole = view_of(text);
  const auto one = greeting.take(whole);
  BOOST_REQUIRE(one);
  BOOST_TEST((one->name == "one" && one->sha1 == "s1"));
  BOOST_TEST(whole.size() == text.size() - first.size());
  BOOST_TEST(greeting.take(whole)->name == "two");
  BOOST_TEST(!greeting.take(whole));
  BOOST_TEST(greeting.failed());

  OrchGreeting slow;
  for (std::size_t i = 0; i < first.size(); ++i) {
    ByteView byte = view_of(std::string_view(first).substr(i, 1));
    const auto question = slow.take(byte);
    BOOST_TEST(question.has_value() == (i + 1 == first.size()));
  }
  OrchGreeting endless;
  const std::string line = "DOWN\r\n" + std::string(OrchParser::line_max + 3, 'x');
  ByteView bytes = view_of(line);
  BOOST_TEST(!endless.take(bytes));
  BOOST_TEST(endless.failed());
}

BOOST_AUTO_TEST_SUITE_END()
