#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "actors/payload.hpp"
#include "messages/bytes.hpp"
#include "messages/units.hpp"
#include "peer/orchestra/crlf_lines.hpp"
#include "peer/piece_layout.hpp"

// What two members say to each other over one connection. Both ends are equal, neither waits for the other, and answers
// carry no number of their request. Lines end with CR LF; N is the number of parts, k counts them from 1.
//
//   conversation = *( DOWN name sha1             which parts are there?
//                   | SEND name sha1 number      these: 2^N + the sum of 2^(k-1)
//                   | PART name sha1 k           give me this one
//                   | STRT name sha1 k bytes     here it is; as long as the part is, which is not said
//                   | NONE name sha1 k )         it cannot be had; 0: another name or SHA-1 is shared here

namespace tutti {

enum class OrchWord : std::uint8_t { down, send, part, strt, none };

/// One of those messages, without the bytes of a part.
struct OrchMessage {
  OrchWord word = OrchWord::down;
  std::string name;
  std::string sha1;
  std::string number;      ///< of SEND
  std::uint64_t part = 0;  ///< of PART, STRT and NONE, from 1
};
/// Bytes of the part whose STRT came before.
struct OrchData {
  PieceIndex piece;
  ByteCount offset;  ///< in it
  ByteView bytes;
};

/// Cuts what the other side says into messages. Never keeps more than a line, and of that not more than it can have.
class OrchParser {
 public:
  /// A name that is longer is nobody's.
  static constexpr std::size_t line_max = 4096;

  explicit OrchParser(const PieceLayout& layout);

  /// More has come. It has to stay where it is until next() says that there is nothing more in it.
  void feed(ByteView bytes) { bytes_ = bytes; }
  /// The next of it; nothing if it is at its end, or if something was wrong.
  std::variant<std::monostate, OrchMessage, OrchData> next();
  /// What was wrong: the stream cannot be understood any further. Empty: nothing.
  const std::string& fault() const { return fault_; }

 private:
  std::size_t line_limit() const;
  bool take_line(std::string line);
  bool take_number(const std::string& line);
  std::variant<std::monostate, OrchMessage, OrchData> take_data();

  PieceLayout layout_;
  std::size_t digits_max_;
  ByteView bytes_;
  CrlfLines lines_;
  unsigned lines_taken_ = 0;  ///< of message_
  OrchMessage message_;
  std::optional<PieceIndex> data_of_;
  ByteCount data_done_;
  std::string fault_;
};

/// The lines of a message of whoever shares `name` with this SHA-1, in hexadecimal digits. SEND and STRT are followed by
/// what they carry: the number and a line end, the bytes of the part.
std::string orch_down(std::string_view name, std::string_view sha1);
std::string orch_send_head(std::string_view name, std::string_view sha1);
std::string orch_part(std::string_view name, std::string_view sha1, PieceIndex piece);
std::string orch_strt_head(std::string_view name, std::string_view sha1, PieceIndex piece);
std::string orch_none(std::string_view name, std::string_view sha1, std::uint64_t part);

/// Text as it goes into a stream.
Payload orch_payload(std::string_view text);

/// A decimal number of at most 19 digits; nothing if it is none.
std::optional<std::uint64_t> orch_number(std::string_view digits);

/// An IPv4 address in its usual form. A name would have to be looked up, and everything waits for that.
bool is_ipv4(std::string_view host);

}  // namespace tutti
