#include "actors/trace_file.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "actors/injection_host.hpp"
#include "messages/client_tracker.hpp"

using namespace tutti;

namespace {

/// A directory of its own that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tutti-trace-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

Envelope envelope_of(std::uint64_t number, std::size_t payload_size = 0) {
  const JoinGroup message{{"g" + std::to_string(number)}};
  return {{7},
          {8},
          JoinGroup::message_id,
          encode(message),
          Payload::own(Bytes(payload_size, 0x5a)),
          number % 2 == 1};
}

struct Read {
  std::vector<TraceRecord> records;
  bool torn = false;
};

Read read_trace(const std::string& path) {
  TraceReader reader;
  const std::string fault = reader.open(path);
  BOOST_REQUIRE_MESSAGE(fault.empty(), fault);
  Read read;
  while (std::optional<TraceRecord> record = reader.next()) read.records.push_back(std::move(*record));
  read.torn = reader.is_torn();
  return read;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trace_file)

BOOST_AUTO_TEST_CASE(what_was_delivered_is_read_back) {
  const Folder folder;
  TraceFile file;
  BOOST_TEST(file.start(folder.file("t"), {.payload_bytes = 4}) == "");
  file.named({7}, "shell");
  file.delivered(Instant(std::chrono::nanoseconds(5)), envelope_of(1, 10));
  BOOST_TEST(file.stop());
  BOOST_TEST(!file.stop());

  const Read read = read_trace(folder.file("t"));
  BOOST_REQUIRE(read.records.size() == 3);
  BOOST_TEST(!read.torn);
  BOOST_CHECK(*read.records[0].get<AddressNamed>() == (AddressNamed{{7}, "shell"}));
  BOOST_CHECK(*read.records[1].get<EnvelopeDelivered>() ==
              (EnvelopeDelivered{5, {7}, {8}, true, encode(JoinGroup{{"g1"}}), 10, Bytes(4, 0x5a)}));
  BOOST_CHECK(*read.records[2].get<TraceEnded>() == TraceEnded{"stopped"});
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_before_start_and_after_stop) {
  const Folder folder;
  TraceFile file;
  file.delivered({}, envelope_of(1));
  BOOST_TEST(file.start(folder.file("t")) == "");
  BOOST_TEST(file.is_recording());
  file.stop();
  BOOST_TEST(!file.is_recording());
  file.delivered({}, envelope_of(2));
  BOOST_TEST(read_trace(folder.file("t")).records.size() == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_anywhere_has_a_readable_beginning) {
  const Folder folder;
  TraceFile file;
  file.start(folder.file("whole"));
  for (std::uint64_t i = 0; i < 5; ++i) file.delivered({}, envelope_of(i));
  const std::string whole = contents(folder.file("whole"));
  std::size_t boundaries = 0;
  std::size_t least = 5;
  for (std::size_t length = whole.size(); length > 0; --length) {
    std::ofstream(folder.file("cut"), std::ios::binary) << whole.substr(0, length);
    TraceReader reader;
    if (!reader.open(folder.file("cut")).empty()) break;
    std::size_t records = 0;
    while (reader.next()) ++records;
    BOOST_TEST(records <= least);
    least = records;
    if (!reader.is_torn()) ++boundaries;
  }
  BOOST_TEST(least == 0U);
  BOOST_TEST(boundaries == 6U);  // after the beginning and after each record
  file.stop();
}

BOOST_AUTO_TEST_CASE(a_killed_process_leaves_what_it_recorded) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    TraceFile file;
    file.start(folder.file("t"));
    for (std::uint64_t i = 0; i < 100; ++i) file.delivered({}, envelope_of(i));
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(WIFSIGNALED(status));
  const Read read = read_trace(folder.file("t"));
  BOOST_TEST(read.records.size() == 100);
  BOOST_TEST(!read.torn);
}

BOOST_AUTO_TEST_CASE(a_full_file_ends_and_says_so) {
  const Folder folder;
  TraceFile file;
  file.start(folder.file("t"), {.file_bytes = 2000});
  for (std::uint64_t i = 0; i < 1000; ++i) file.delivered({}, envelope_of(i));
  BOOST_TEST(!file.is_recording());
  BOOST_TEST(std::filesystem::file_size(folder.file("t")) <= 2000U);
  const Read read = read_trace(folder.file("t"));
  BOOST_TEST(read.records.size() > 10);
  BOOST_REQUIRE(read.records.back().get<TraceEnded>() != nullptr);
  BOOST_TEST(read.records.back().get<TraceEnded>()->reason == "the file has reached its limit");
}

BOOST_AUTO_TEST_CASE(only_its_owner_may_read_it) {
  const Folder folder;
  std::ofstream(folder.file("t")) << "";
  std::filesystem::permissions(folder.file("t"), std::filesystem::perms(0644));
  TraceFile file;
  BOOST_TEST(file.start(folder.file("t")) == "");
  BOOST_TEST((std::filesystem::status(folder.file("t")).permissions() == std::filesystem::perms(0600)));
}

BOOST_AUTO_TEST_CASE(an_old_trace_is_replaced_and_nothing_else_is) {
  const Folder folder;
  TraceFile file;
  file.start(folder.file("t"));
  for (std::uint64_t i = 0; i < 10; ++i) file.delivered({}, envelope_of(i));
  BOOST_TEST(file.start(folder.file("t")) == "");
  file.stop();
  BOOST_TEST(read_trace(folder.file("t")).records.size() == 1);

  std::ofstream(folder.file("thesis")) << "forty years of work";
  BOOST_TEST(file.start(folder.file("thesis")).ends_with("it is not overwritten"));
  BOOST_TEST(contents(folder.file("thesis")) == "forty years of work");
  BOOST_TEST(!file.is_recording());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_trace_is_refused) {
  const Folder folder;
  TraceFile file;
  BOOST_TEST(!file.start(folder.file("no/such/folder")).empty());
  BOOST_TEST(!file.start(folder.file("")).empty());
  BOOST_REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  BOOST_TEST(!file.start(folder.file("pipe")).empty());

  TraceReader reader;
  BOOST_TEST(!reader.open(folder.file("nothing")).empty());
  std::ofstream(folder.file("text")) << "a text, not a trace";
  TraceReader of_text;
  BOOST_TEST(of_text.open(folder.file("text")).ends_with("this is no trace"));
  std::ofstream(folder.file("newer"), std::ios::binary)
      << "tutti-trace\n"
      << std::string("\0\0\0\7\x93\xcd\x09\x01\xcc\xff\x00", 11);
  TraceReader of_newer;
  BOOST_TEST(of_newer.open(folder.file("newer")).ends_with("a trace of another version"));
}

BOOST_AUTO_TEST_CASE(a_length_that_lies_costs_nothing) {
  const Folder folder;
  TraceFile file;
  file.start(folder.file("t"));
  file.delivered({}, envelope_of(1));
  std::ofstream(folder.file("t"), std::ios::binary | std::ios::app) << "\xff\xff\xff\xff....";
  TraceReader reader;
  BOOST_TEST(reader.open(folder.file("t")) == "");
  BOOST_TEST(reader.next().has_value());
  BOOST_TEST(!reader.next().has_value());
  BOOST_TEST(reader.is_torn());
  BOOST_TEST(!reader.next().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
