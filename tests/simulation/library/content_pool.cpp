#include "tests/simulation/library/content_pool.hpp"

#include <algorithm>
#include <cstring>

#include "actors/random.hpp"

namespace tutti::simulation {

std::shared_ptr<const Bytes> ContentPool::make(std::uint64_t seed, std::size_t bytes) {
  Random random(seed);
  auto content = std::make_shared<Bytes>();
  content->reserve(bytes);
  std::array<std::uint64_t, 512> words{};
  while (content->size() < bytes) {  // by the page: memory is touched once
    for (std::uint64_t& word : words) word = random();
    const auto* begin = reinterpret_cast<const std::uint8_t*>(words.data());
    content->insert(content->end(), begin, begin + std::min(sizeof words, bytes - content->size()));
  }
  std::shared_ptr<const Bytes> kept = std::move(content);
  for (std::size_t offset = 0; offset + sizeof(Key) <= bytes; offset += chunk_bytes) {
    Key key{};
    std::memcpy(key.data(), kept->data() + offset, sizeof key);
    by_beginning_.emplace(key, Place{kept, offset});
  }
  if (bytes > 0) by_address_[kept->data()] = kept;
  return kept;
}

Payload ContentPool::shared(ByteView view) const {
  Key key{};
  if (view.size() >= sizeof key) {
    std::memcpy(key.data(), view.data(), sizeof key);
    if (const auto found = by_beginning_.find(key); found != by_beginning_.end()) {
      const auto& [content, offset] = found->second;
      if (offset + view.size() <= content->size() &&
          std::memcmp(content->data() + offset, view.data(), view.size()) == 0)
        return Payload::hold(content, ByteView(*content).subspan(offset, view.size()));
    }
  }
  return Payload::own(Bytes(view.begin(), view.end()));
}

Payload ContentPool::received(const Payload& payload) const {
  if (payload.empty()) return {};
  const std::uint8_t* begin = payload.view().data();
  auto after = by_address_.upper_bound(begin);
  if (after != by_address_.begin()) {
    const std::shared_ptr<const Bytes>& content = std::prev(after)->second;
    if (begin + payload.size() <= content->data() + content->size())
      return Payload::hold(content, payload.view());
  }
  return Payload::own(Bytes(payload.view().begin(), payload.view().end()));
}

}  // namespace tutti::simulation
