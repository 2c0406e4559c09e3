#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/digest.hpp"
#include "messages/bytes.hpp"
#include "messages/units.hpp"

namespace tutti {

/// What a `.orch` file says: which file it is about, how it falls into parts, and where its members meet. Its text has one
/// item a line, each line ended by LF:
///
///   1        conductor, `ip:port`
///   2        name: the path that the composer was given
///   3        SHA-1 of the whole, 40 lower-case hexadecimal digits
///   4, 5, 6  size of the file and of a part in bytes, number of parts; decimal
///   7 …      SHA-1 of each part, in order. Only the last part is shorter than the others
struct OrchFile {
  std::string conductor;
  std::string name;
  Sha1 sha1;
  ByteCount size;
  ByteCount part_size;
  std::vector<Sha1> parts;

  bool operator==(const OrchFile&) const = default;
};

/// What a `.orch` file holds, or the first thing that is wrong with it.
struct OrchParsed {
  OrchFile file;
  std::string fault;           ///< a sentence; empty: none
  std::size_t fault_line = 0;  ///< from 1

  explicit operator bool() const { return fault.empty(); }
};

/// How many parts a file of `size` bytes has. `part_size` is not 0.
constexpr std::uint64_t orch_part_count(ByteCount size, ByteCount part_size) {
  return size.value / part_size.value + (size.value % part_size.value != 0 ? 1 : 0);
}

/// Reads the text of a `.orch` file. White space at the end of a line is dropped, as the originals on Windows write CR
/// LF, and the last line may lack its end. Everything that the file says of itself has to fit together, since others are
/// asked for bytes and files are made by it.
OrchParsed parse_orch(std::string_view text);

/// The text of such a file. What parse_orch makes of it is `file` again, unless something in it cannot stand there.
std::string orch_text(const OrchFile& file);

/// What is wrong with line 1, `ip:port` or `host:port`; empty if nothing is. There is exactly one colon: the originals
/// split there, and know no IPv6.
std::string_view orch_conductor_fault(std::string_view text);
/// What is wrong with line 2 for whoever would make a file of that name; empty if nothing is. A relative path that does
/// not lead upwards.
std::string_view orch_name_fault(std::string_view text);

/// Composes the text of a `.orch` file from bytes that come in parts of any length. It keeps nothing but the part that it
/// is in: what is known goes out at once, and the SHA-1 of the whole, which stands in front of all others and is known
/// last, goes to a place that is kept for it.
class OrchComposer {
 public:
  /// `conductor` and `name` become lines 1 and 2 as they are: no line end may be in them. `part_size` is not 0.
  OrchComposer(std::string_view conductor, std::string_view name, ByteCount size, ByteCount part_size);

  /// The lines before the digests of the parts, with zeros in the place of the whole's.
  const std::string& head() const { return head_; }
  /// Where in head() the whole's 40 digits belong.
  std::size_t whole_at() const { return whole_at_; }
  /// The lines of the parts that end in these bytes.
  std::string add(ByteView bytes);
  struct End {
    std::string last_line;  ///< of the last part, if it is a short one
    std::string whole;      ///< 40 digits
  };
  /// When all `size` bytes have been added. Nothing if there were fewer or more: the file changed while it was read.
  std::optional<End> finish();

 private:
  std::string end_part();

  std::string head_;
  std::size_t whole_at_;
  ByteCount size_;
  ByteCount part_size_;
  ByteCount done_;
  ByteCount in_part_;
  Sha1Hasher whole_;
  Sha1Hasher part_;
};

}  // namespace tutti
