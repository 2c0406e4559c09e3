#include "tests/system/tracker/faults.hpp"

#include <poll.h>

#include <atomic>
#include <cstdlib>

namespace tutti::testing {

AddFile file_of(const std::string& group, const std::string& name, std::uint8_t content) {
  AddFile add;
  add.group = {group};
  add.metainfo.name = {name};
  add.metainfo.size = {1000};
  add.metainfo.piece_length = Metainfo::piece_length_min;
  Sha1 sha1;
  Sha256 sha256;
  sha1.bytes.fill(content);
  sha256.bytes.fill(content);
  add.metainfo.sha1 = sha1;
  add.metainfo.piece_sha1.push_back(sha1);
  add.metainfo.piece_sha256.push_back(sha256);
  return add;
}

std::uint32_t rounds(std::uint32_t usual) {
  const char* wanted = std::getenv("TUTTI_ROUNDS");
  return wanted == nullptr ? usual : static_cast<std::uint32_t>(std::stoul(wanted));
}

void pass(std::chrono::milliseconds time) { poll(nullptr, 0, static_cast<int>(time.count())); }

bool are_linked(Network& net, std::uint32_t asked, std::chrono::milliseconds patience) {
  static std::atomic<std::uint32_t> count{0};
  TestClient client;
  const auto until = Clock::now() + patience;
  while (Clock::now() < until)
    if (is_everywhere(client.ask(net.endpoint(asked), user("linked" + std::to_string(++count))))) return true;
  return false;
}

}  // namespace tutti::testing
