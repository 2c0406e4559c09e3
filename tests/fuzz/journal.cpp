// What the client's state says of files, on a disk that has lost some of it. What is understood can be said again; layouts fit.

#include "messages/codec.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/bitfield.hpp"
#include "peer/piece_layout.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

namespace {

template <Record T>
void decode_and_say_again(ByteView input) {
  const Decoded<T> record = decode_record<T>(input);
  if (record) ENSURE(*decode_record<T>(encode_record(*record)) == *record);
}

}  // namespace

FUZZ_TARGET(journal) {
  fuzz::Choices choices(input);
  const auto pieces = static_cast<std::uint32_t>(choices.below(5000));
  decode_and_say_again<FileIdentity>(input);
  decode_and_say_again<OrchExport>(input);
  decode_and_say_again<Metainfo>(input);
  if (const Decoded<Metainfo> metainfo = decode_record<Metainfo>(input);
      metainfo && fault_of(*metainfo).empty()) {
    const PieceLayout layout(*metainfo);
    ENSURE(layout.piece_count() <= Metainfo::pieces_max);
    ENSURE(manifest_pieces_of(*metainfo).size() == layout.piece_count());
  }
  if (const std::optional<Bitfield> bits = Bitfield::parse(input, pieces)) {
    const Bytes bytes = bits->bytes();
    ENSURE(std::equal(bytes.begin(), bytes.end(), input.begin(), input.end()));
  }
}
