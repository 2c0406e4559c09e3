#include "tests/simulation/library/content.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "peer/extent_map.hpp"
#include "peer/manifest.hpp"
#include "peer/piece_layout.hpp"
#include "tests/simulation/library/clockwork.hpp"

namespace tutti::simulation {

namespace {

std::vector<TreeEntry> some_entries(Random& random, std::uint64_t bytes, std::uint32_t files) {
  std::vector<TreeEntry> entries{{"nothing-in-it", true, false, {}}, {"no-bytes.a", false, true, {}}};
  std::uint64_t left = bytes;
  for (std::uint32_t i = 0; i < files; ++i) {
    TreeEntry entry;
    for (std::uint64_t depth = random.below(3); depth > 0; --depth)
      entry.path += "folder-" + std::to_string(random.below(3)) + "/";
    entry.path += "file-" + std::to_string(i) + (random.chance(1, 2) ? wanted_by_some : ".b");
    entry.executable = random.chance(1, 4);
    entry.size = {i + 1 == files ? left : random.below(left + 1)};
    left -= entry.size.value;
    entries.push_back(std::move(entry));
  }
  return entries;
}

bool is_wanted_by_some(const Content::File& file) { return file.path.ends_with(wanted_by_some); }

}  // namespace

Content make_content(ContentPool& pool, std::uint64_t seed, std::uint64_t bytes, std::uint32_t files) {
  Content content;
  if (files == 0) {
    content.whole = pool.make(seed, bytes);
    content.pieces = PieceLayout::for_size({bytes})->piece_count();
    return content;
  }
  Random random(seed);
  const auto manifest = Manifest::of(some_entries(random, bytes, files));
  ENSURE(manifest.has_value());
  const Bytes encoded = manifest->encode();
  const auto layout = PieceLayout::for_tree({encoded.size()}, manifest->contents());
  ENSURE(layout.has_value());
  const ExtentMap extents(*manifest, content_begin(*layout, {encoded.size()}));
  auto whole = std::make_shared<Bytes>(layout->size().value);
  std::copy(encoded.begin(), encoded.end(), whole->begin());
  for (std::size_t i = 0; i < manifest->entries().size(); ++i) {
    const TreeEntry& entry = manifest->entries()[i];
    const auto of_file = pool.make(random(), entry.size.value);
    const std::uint64_t offset = extents.begin_of(i).value;
    std::copy(of_file->begin(), of_file->end(), whole->begin() + static_cast<std::ptrdiff_t>(offset));
    content.files.push_back({entry.path, entry.directory, entry.executable, of_file, offset});
  }
  content.whole = std::move(whole);
  content.manifest = encoded.size();
  content.pieces = layout->piece_count();
  return content;
}

void put_on(SwarmDisk& disk, const std::string& path, const Content& content) {
  if (!content.is_tree()) return disk.put_file(path, content.whole);
  disk.put_directory(path);
  for (const Content::File& file : content.files)
    if (file.directory) {
      disk.put_directory(path + "/" + file.path);
    } else {
      disk.put_file(path + "/" + file.path, file.bytes, file.executable);
    }
}

bool is_on(const SwarmDisk& disk, const std::string& path, const Content& content, bool all) {
  if (!content.is_tree()) return disk.holds(path, *content.whole);
  return std::all_of(content.files.begin(), content.files.end(), [&](const Content::File& file) {
    if (!all && !is_wanted_by_some(file)) return true;
    const std::string place = path + "/" + file.path;
    return file.directory ? disk.has_directory(place)
                          : disk.holds(place, *file.bytes) && disk.is_executable(place) == file.executable;
  });
}

bool files_hold(const SwarmDisk& disk, const std::vector<std::string>& places, const Content& content,
                std::uint64_t offset, std::uint64_t length) {
  return std::all_of(content.files.begin(), content.files.end(), [&](const Content::File& file) {
    const std::uint64_t begin = std::max(offset, file.offset);
    const std::uint64_t end = std::min(offset + length, file.offset + file.bytes->size());
    if (begin >= end) return true;
    const ByteView stretch = ByteView(*file.bytes).subspan(begin - file.offset, end - begin);
    return std::any_of(places.begin(), places.end(), [&](const std::string& place) {
      return disk.holds(place + "/" + file.path, begin - file.offset, stretch);
    });
  });
}

}  // namespace tutti::simulation
